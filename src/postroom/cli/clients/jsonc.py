"""JSON with comments and trailing commas, edited in place: what is not ours stays as it is, byte for byte.

A value is a span of the text, so an edit is a splice. The grammar is RFC 8259 with what editors add to it: ``//`` and ``/* */`` comments,
and a comma after the last member.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from json.decoder import scanstring  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType]
from typing import Any, cast

EMPTY = "{}\n"

_BLANK = re.compile(r"(?:[ \t\r\n\ufeff]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_SCALAR = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null")
_INDENTED = re.compile(r"\n([ \t]+)\S")


@dataclass(frozen=True, slots=True)
class Value:
    """One value and where it stands; ``members`` are those of an object, None for everything else."""

    start: int
    end: int
    data: Any
    members: "list[Member] | None" = None

    def member(self, key: str) -> "Member | None":
        """The member of that name, None where there is none or this is no object."""
        return next((member for member in self.members or [] if member.key == key), None)


@dataclass(frozen=True, slots=True)
class Member:
    """``"key": value`` in an object; ``comma`` is where the comma after it stands, None where there is none."""

    key: str
    start: int
    value: Value
    comma: int | None


def read(text: str) -> Any:
    """What the document holds. Raises ValueError for what is none, and for an object that names a key twice."""
    return _parse(text).data


def put(text: str, path: Sequence[str], data: Any) -> str:
    """The text with ``data`` at ``path``; objects on the way are made where they are missing. Raises ValueError where one is no object."""
    value = _parse(text)
    for depth, key in enumerate(path):
        if value.members is None:
            raise ValueError(f"{'.'.join(path[:depth]) or 'the document'} is no object")
        member = value.member(key)
        if member is None:
            return _insert(text, value, key, _nested(path[depth + 1 :], data))
        value = member.value
    return text if value.data == data else text[: value.start] + _render(text, value.start, data) + text[value.end :]


def remove(text: str, path: Sequence[str]) -> str:
    """The text without what stands at ``path``, which must be there."""
    value = _parse(text)
    for key in path[:-1]:
        value = cast(Member, value.member(key)).value
    members = cast(list[Member], value.members)
    index = next(index for index, member in enumerate(members) if member.key == path[-1])
    member = members[index]
    end = member.value.end if member.comma is None else member.comma + 1
    text = text[: _line_start(text, member.start, end)] + text[end:]
    if member.comma is None and index:
        comma = cast(int, members[index - 1].comma)
        text = text[:comma] + text[comma + 1 :]
    return text


def _parse(text: str) -> Value:
    try:
        start = _skip(text, 0)
        value = _value(text, start)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if _skip(text, value.end) != len(text):
        raise ValueError(f"something follows the document at {_where(text, value.end)}")
    return value


def _value(text: str, at: int) -> Value:
    match text[at : at + 1]:
        case "{":
            return _object(text, at)
        case "[":
            return _array(text, at)
        case '"':
            data, end = _string(text, at)
            return Value(at, end, data)
        case _:
            found = _SCALAR.match(text, at)
            if not found:
                raise ValueError(f"no value at {_where(text, at)}")
            return Value(at, found.end(), json.loads(found.group()))


def _object(text: str, start: int) -> Value:
    members: list[Member] = []
    at = _skip(text, start + 1)
    while text[at : at + 1] != "}":
        if members and members[-1].comma is None:
            raise ValueError(f"a comma is missing at {_where(text, at)}")
        member = _member(text, at)
        if any(one.key == member.key for one in members):
            raise ValueError(f"{member.key!r} stands twice in one object, at {_where(text, at)}")
        members.append(member)
        at = _skip(text, member.value.end if member.comma is None else member.comma + 1)
    return Value(start, at + 1, {member.key: member.value.data for member in members}, members)


def _member(text: str, start: int) -> Member:
    key, at = _string(text, start)
    at = _skip(text, at)
    if text[at : at + 1] != ":":
        raise ValueError(f"a colon is missing at {_where(text, at)}")
    value = _value(text, _skip(text, at + 1))
    comma = _skip(text, value.end)
    return Member(key, start, value, comma if text[comma : comma + 1] == "," else None)


def _array(text: str, start: int) -> Value:
    data: list[Any] = []
    at = _skip(text, start + 1)
    more = True
    while text[at : at + 1] != "]":
        if not more:
            raise ValueError(f"a comma is missing at {_where(text, at)}")
        value = _value(text, at)
        data.append(value.data)
        at = _skip(text, value.end)
        more = text[at : at + 1] == ","
        at = _skip(text, at + 1) if more else at
    return Value(start, at + 1, data)


def _string(text: str, at: int) -> tuple[str, int]:
    if text[at : at + 1] != '"':
        raise ValueError(f"a text in double quotes is missing at {_where(text, at)}")
    return cast(tuple[str, int], scanstring(text, at + 1))


def _skip(text: str, at: int) -> int:
    return cast(re.Match[str], _BLANK.match(text, at)).end()


def _insert(text: str, into: Value, key: str, data: Any) -> str:
    """A member on lines of its own before the closing brace, so that every comment stays beside what it is about."""
    members = cast(list[Member], into.members)
    line_end, unit = _style(text)
    outer = _indent_at(text, into.start)
    inner = _indent_at(text, members[0].start) if members and _begins_line(text, members[0].start) else outer + unit
    written = json.dumps(data, indent=unit, ensure_ascii=False).replace("\n", line_end + inner)
    new = f"{line_end}{inner}{json.dumps(key, ensure_ascii=False)}: {written}"
    if members and members[-1].comma is not None:
        new += ","
    close = into.end - 1
    content = len(text[:close].rstrip())
    tail = text[content:close] if "\n" in text[content:close] else line_end + outer
    text = text[:content] + new + tail + text[close:]
    if members and members[-1].comma is None:
        end = members[-1].value.end
        text = text[:end] + "," + text[end:]
    return text


def _render(text: str, at: int, data: Any) -> str:
    line_end, unit = _style(text)
    return json.dumps(data, indent=unit, ensure_ascii=False).replace("\n", line_end + _indent_at(text, at))


def _nested(path: Sequence[str], data: Any) -> Any:
    for key in reversed(path):
        data = {key: data}
    return data


def _style(text: str) -> tuple[str, str]:
    """The line end of the text and what one step of indentation is in it."""
    found = _INDENTED.search(text)
    return "\r\n" if "\r\n" in text else "\n", found.group(1) if found else "  "


def _indent_at(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _begins_line(text: str, at: int) -> bool:
    return not text[text.rfind("\n", 0, at) + 1 : at].strip()


def _line_start(text: str, start: int, end: int) -> int:
    """Where to cut so that a member goes with its line: at the end of the line before, if nothing else stands on its own."""
    line_end = text.rfind("\n", 0, start)
    alone = _begins_line(text, start) and not text[end:].partition("\n")[0].strip() and line_end >= 0
    return line_end - (text[line_end - 1 : line_end] == "\r") if alone else start


def _where(text: str, at: int) -> str:
    return f"line {text.count(chr(10), 0, at) + 1}, column {at - text.rfind(chr(10), 0, at)}"
