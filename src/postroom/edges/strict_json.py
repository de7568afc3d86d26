"""JSON as the store can keep it: what PostgreSQL would refuse, or two parsers would read differently, is refused here.

``loads`` refuses (R17, RFC 8259 with I-JSON's rules, RFC 7493): NaN and Infinity, numbers that overflow a double, integers beyond 64
bit, a key that stands twice in one object, lone surrogates, U+0000 in a text or key, nesting deeper than 64, a byte order mark,
UTF-16, anything after the value, and no value at all.

orjson refuses most of that itself. The rest is found without walking the tree, by scans of the bytes that run at memory speed; they
may raise a false alarm, never miss. Only an alarm pays for the slow reading, which decides and names the fault.
"""

import json
from collections.abc import Iterable
from typing import Any, cast

import orjson

from postroom.errors import Malformed

DEPTH_LIMIT = 64
"""Deepest nesting of objects and arrays."""

_SPACE = b" \n\r\t"
_SHORTEST_OVERFLOW = b"0" * 19
_DIGITS_TO_ZERO = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
# Escapes that may write one of the characters which the comparison drops or counts: space, quote, colon.
_HIDING = (b"\\u0020", b"\\u0022", b"\\u003a", b"\\u003A")


def loads(data: bytes) -> Any:
    """Read one JSON value.

    Raises Malformed, whose sentence names the fault and the key or the position, never the content.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON: {error.msg} at byte {error.pos}.") from error
    if _may_be_deep(data):
        _check_depth(value)
    if _may_have_lost_something(data, value):
        _read_slowly(data)
    if b"\\u0000" in data:
        _check_nul(value, "the value")
    return value


def _may_be_deep(data: bytes) -> bool:
    return data.count(b"{") + data.count(b"[") > DEPTH_LIMIT


def _check_depth(value: Any) -> None:
    """Go down level by level, so that neither recursion nor time depends on what a stranger sent."""
    level: list[Any] = [value] if isinstance(value, (dict, list)) else []
    for _ in range(DEPTH_LIMIT):
        level = [child for node in level for child in _members(node) if isinstance(child, (dict, list))]
    if level:
        raise Malformed(f"The body is nested deeper than {DEPTH_LIMIT} levels.")


def _members(node: Any) -> Iterable[Any]:
    return cast(dict[str, Any], node).values() if isinstance(node, dict) else cast(list[Any], node)


def _may_have_lost_something(data: bytes, value: Any) -> bool:
    """Whether parsing may have dropped a repeated key or rounded an integer.

    Written again, the value has the same tokens, unless something was lost or was only spelled differently. Most texts are spelled as
    orjson spells them, but for the space around tokens; dropping every space on both sides leaves the tokens where they are.
    """
    given, kept = data.translate(None, _SPACE), orjson.dumps(value).translate(None, _SPACE)
    return given != kept and (_may_overflow(data) or _may_repeat_a_key(given, kept))


def _may_repeat_a_key(given: bytes, kept: bytes) -> bool:
    """Compare how often something ends like a key. Texts that hold the like count on both sides, so equal counts mean no loss.

    That is true unless an escape hides a counted character in what was given, which is why such an escape is an alarm.
    """
    hidden = b"\\u00" in given and any(escape in given for escape in _HIDING)
    return hidden or given.count(b'":') != kept.count(b'":')


def _may_overflow(data: bytes) -> bool:
    """Whether 19 digits stand in a row: 2**63 has that many. orjson makes a float of an integer that does not fit."""
    return _SHORTEST_OVERFLOW in data.translate(_DIGITS_TO_ZERO)


def _read_slowly(data: bytes) -> None:
    # Depth was checked before, so the recursion of the json module is bounded.
    json.loads(data, object_pairs_hook=_unique, parse_int=_integer)


def _unique(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise Malformed(f"The key {_quoted(key)} stands twice in one object.")
        seen.add(key)


def _integer(text: str) -> int:
    # The length first: int() of a long text takes quadratic time. 20 characters hold every number from -2**63 to 2**64 - 1.
    if len(text) > 20 or not -(2**63) <= (number := int(text)) < 2**64:
        raise Malformed("A number is an integer beyond 64 bit; send it as a text.")
    return number


def _check_nul(value: Any, place: str) -> None:
    """Find U+0000, which PostgreSQL can not store in a text. The depth of the recursion was checked before."""
    if isinstance(value, str):
        if "\0" in value:
            raise Malformed(f"U+0000 stands in {place}.")
    elif isinstance(value, list):
        for child in cast(list[Any], value):
            _check_nul(child, place)
    elif isinstance(value, dict):
        for key, child in cast(dict[str, Any], value).items():
            _check_nul(key, f"the key {_quoted(key)}")
            _check_nul(child, f"the value of {_quoted(key)}")


def _quoted(key: str) -> str:
    return json.dumps(key if len(key) <= 60 else key[:60] + "…", ensure_ascii=False)
