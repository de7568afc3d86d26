"""R17: what the store could not keep, or two parsers would read differently, is refused with its name."""

import json
import math
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from postroom.edges import strict_json
from postroom.errors import Malformed

# A machine under load may take long over one example; what hangs is the test timeout's to find.
LOADED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

REFUSED: dict[str, list[bytes]] = {
    "empty": [b"", b" ", b"\n\t"],
    "not a number": [b"NaN", b"Infinity", b"-Infinity", b'{"a":NaN}', b"[nan]", b"[inf]"],
    "overflow": [b"1e400", b"-1e400", b'{"a":1E+999}', b"1" + b"0" * 400],
    "integers": [b"18446744073709551616", b"-9223372036854775809", b'{"id":123456789012345678901234567890}', b"[" + b"9" * 300 + b"]"],
    "number forms": [b"01", b"1.", b".5", b"+1", b"0x10", b"1e", b"--1", b"1_000"],
    "keys": [
        b'{"a":1,"a":2}',
        b'{"a":1, "a" :2}',
        b'{"a" :1,"b":{"c":1,\n"c"\t:1}}',
        b'{"a":1,"\\u0061":2}',
        b'{"a":"\\u0022:","a":"\\":"}',
        b'{"a":1,"a":"\\u0022:"}',
        b'{"a":1, "a":"\\u0022\\u003a"}',
        b'{"a" :1,"a":"\\"\\u0020:"}',
        b'{"":1,"":1}',
        b'[{"x":{"kind":"a","kind":"a"}}]',
    ],
    "nul": [b'"\\u0000"', b'{"a\\u0000":1}', b'{"a":["b",{"c":"x\\u0000y"}]}', b'"\x00"', b"\x00"],
    "surrogates": [b'"\\ud800"', b'"\\udc00\\ud800"', b'{"\\udfff":1}', b'"\\ud83dx"', b'"\xed\xa0\x80"'],
    "depth": [b"[" * 65 + b"]" * 65, b'{"a":' * 65 + b"1" + b"}" * 65, b"[" * 100_000, b"[" * 5_000 + b"]" * 5_000],
    "encoding": [
        b'\xef\xbb\xbf{"a":1}',
        '{"a":1}'.encode("utf-16"),
        '{"a":1}'.encode("utf-16-be"),
        b'"\xff"',
        b'"\xc0\x80"',
        b'"\xf5\x80\x80\x80"',
    ],
    "trailing": [b"{} x", b"1 2", b"{}{}", b'"a",', b"[1]]"],
    "syntax": [
        b"{",
        b"[1,]",
        b'{"a":1,}',
        b"{a:1}",
        b"{'a':1}",
        b'"\t"',
        b'"\\x41"',
        b"tru",
        b"// x\n1",
        b'{"a"}',
        b'{"a":}',
        b'"\\u12"',
        b'"',
    ],
}

TAKEN: list[bytes] = [
    b"0",
    b"-0",
    b"1.5e300",
    b"1e-400",
    b"18446744073709551615",
    b"-9223372036854775808",
    b"0.12345678901234567890123",
    b'"12345678901234567890123"',
    b' {"a" : [1, 2.0, null, true, false, {}], "b":{"a":1}} \n',
    b'{"a":"\\"a\\":1","b":"x :y \\":"}',
    b'{"url" : "http://a:80/", ":b":":", "c\\\\":"\\\\"}',
    b'{"a":"\\u0022:","b":"\\u003a"}',
    b'["\\\\u0000"]',
    b'"\\ud83d\\ude00"',
    b'{"\\u00e9":"\xc3\xa9"}',
    b"[" * 64 + b"]" * 64,
    b'{"a":' * 64 + b"1" + b"}" * 64,
    b"[" + b"{}," * 1000 + b"{}]",
    b'"\x7f\xe2\x80\xa8"',
]


@pytest.mark.parametrize(("category", "data"), [(name, case) for name, cases in REFUSED.items() for case in cases])
def test_refuses(category: str, data: bytes) -> None:
    with pytest.raises(Malformed):
        strict_json.loads(data)


@pytest.mark.parametrize("data", TAKEN)
def test_takes_with_the_same_meaning_as_the_json_module(data: bytes) -> None:
    assert strict_json.loads(data) == json.loads(data)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b'{"messageId":1,"messageId":1}', 'The key "messageId"'),
        (b'{"text":["a\\u0000"]}', 'the value of "text"'),
        (b'{"a\\u0000b":1}', 'the key "a\\u0000b"'),
        (b"[" * 65 + b"]" * 65, "64 levels"),
        (b'{"n":99999999999999999999}', "64 bit"),
        (b'{"a":x}', "at byte 5"),
    ],
)
def test_names_the_fault(data: bytes, named: str) -> None:
    with pytest.raises(Malformed) as caught:
        strict_json.loads(data)
    assert named in caught.value.sentence


def test_the_sentence_never_repeats_a_long_key() -> None:
    with pytest.raises(Malformed) as caught:
        strict_json.loads(b'{"%s":1,"%s":1}' % (b"k" * 5000, b"k" * 5000))
    assert len(caught.value.sentence) < 200


_texts = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from('":, \\{}[]'), max_size=12)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | _texts,
    lambda children: st.lists(children, max_size=5) | st.dictionaries(_texts, children, max_size=5),
    max_leaves=30,
)


@LOADED
@given(value=_values, ascii_only=st.booleans(), spaced=st.sampled_from([(",", ":"), (", ", ": "), (" ,", " :"), (",\n", "\t:\r")]))
def test_reads_back_whatever_can_be_written(value: Any, ascii_only: bool, spaced: tuple[str, str]) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only, separators=spaced).encode()
    assert strict_json.loads(data) == value


_tokens = st.sampled_from(
    [
        '"a"',
        '"b"',
        '"\\u0061"',
        '"\\":"',
        '"\\u0022:"',
        '"\\\\"',
        '":"',
        ":",
        " :",
        ",",
        ", ",
        "{",
        "}",
        "[",
        "]",
        "1",
        "1e5",
        "9" * 20,
        " ",
        '"\\u0000"',
        '"\\" :"',
    ]
)


@LOADED
@given(text=st.lists(_tokens, max_size=24).map("".join) | st.text(max_size=40))
@example(text='{"a":1,"a":"\\u0022:"}')
def test_decides_like_a_slow_reader_that_looks_at_everything(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    expected, refused = _slow_reader(data)
    if refused:
        with pytest.raises(Malformed):
            strict_json.loads(data)
    else:
        assert strict_json.loads(data) == expected


@LOADED
@given(
    pairs=st.lists(st.tuples(st.sampled_from(["a", "b", ":", '"', '":', "\\"]), _texts), max_size=5),
    spaced=st.sampled_from([":", " :", ": "]),
)
def test_objects_with_keys_from_a_small_set(pairs: list[tuple[str, str]], spaced: str) -> None:
    data = ("{" + ",".join(json.dumps(key) + spaced + json.dumps(text) for key, text in pairs) + "}").encode()
    if len({key for key, _ in pairs}) == len(pairs):
        assert strict_json.loads(data) == dict(pairs)
    else:
        with pytest.raises(Malformed, match="stands twice"):
            strict_json.loads(data)


def _slow_reader(data: bytes) -> tuple[Any, bool]:
    """An independent reading: the json module with every check in Python."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("repeated key")
        return dict(pairs)

    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=unique)
        return value, not _storable(value)
    except ValueError:
        return None, True


def _storable(value: Any) -> bool:
    match value:
        case str():
            return "\0" not in value and not any(0xD800 <= ord(letter) <= 0xDFFF for letter in value)
        case float():
            return math.isfinite(value)
        case int():
            return -(2**63) <= value < 2**64
        case list():
            return all(_storable(child) for child in cast(list[Any], value))
        case dict():
            return all(_storable(key) and _storable(child) for key, child in cast(dict[str, Any], value).items())
        case _:
            return True
