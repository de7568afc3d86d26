"""A2A shapes: conversions agree with the official SDK, and every shape that peers were seen to write is read (L34)."""

import base64
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from a2a.compat.v0_3 import conversions
from a2a.compat.v0_3 import types as types_v03
from a2a.types import a2a_pb2
from google.protobuf.json_format import MessageToDict, ParseDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postroom.edges import wire
from postroom.errors import Malformed

# A machine under load may take long over one example; what hangs is the test timeout's to find.
LOADED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

Json = dict[str, Any]

_texts: st.SearchStrategy[str] = st.text(
    alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=10
)
# Whole numbers are floats in a protobuf Struct: what the oracle can not tell apart is not generated.
_json: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | st.floats(-1e6, 1e6) | _texts,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(_texts, children, max_size=3),
    max_leaves=6,
)
_objects: st.SearchStrategy[Any] = st.dictionaries(_texts.filter("data_part_compat".__ne__), _json, min_size=1, max_size=3)


def _merged(one: Json, two: Json) -> Json:
    return one | two


_base64: st.SearchStrategy[str] = st.binary(max_size=12).map(lambda raw: base64.b64encode(raw).decode())
_file_names: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {}, optional={"filename": _texts, "mediaType": st.sampled_from(["text/plain", "application/pdf"])}
)
_parts: st.SearchStrategy[Any] = st.one_of(
    st.fixed_dictionaries({"text": _texts}, optional={"metadata": _objects}),
    st.fixed_dictionaries({"data": _objects}, optional={"metadata": _objects}),
    st.builds(_merged, st.fixed_dictionaries({"raw": _base64}, optional={"metadata": _objects}), _file_names),
    st.builds(_merged, st.fixed_dictionaries({"url": _texts}, optional={"metadata": _objects}), _file_names),
)
_messages: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"messageId": _texts, "role": st.sampled_from(["ROLE_USER", "ROLE_AGENT"]), "parts": st.lists(_parts, min_size=1, max_size=3)},
    optional={
        "contextId": _texts,
        "taskId": _texts,
        "metadata": _objects,
        "extensions": st.lists(_texts, min_size=1, max_size=2),
        "referenceTaskIds": st.lists(_texts, min_size=1, max_size=2),
    },
)
_artifacts: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"artifactId": _texts, "parts": st.lists(_parts, min_size=1, max_size=2)},
    optional={"name": _texts, "description": _texts, "metadata": _objects},
)


@LOADED
@given(message=_messages)
def test_a_message_for_03_is_the_one_that_the_sdk_writes(message: Json) -> None:
    proto = ParseDict(message, a2a_pb2.Message())
    expected = conversions.to_compat_message(proto).model_dump(by_alias=True, exclude_none=True)
    assert wire.message_to_03(message) == expected


@LOADED
@given(message=_messages)
def test_a_message_from_03_is_read_as_the_sdk_reads_it(message: Json) -> None:
    proto = ParseDict(message, a2a_pb2.Message())
    written = conversions.to_compat_message(proto).model_dump(by_alias=True, exclude_none=True)
    read = MessageToDict(conversions.to_core_message(types_v03.Message.model_validate(written)))
    assert wire.message_from_wire(written) == read == message


@LOADED
@given(message=_messages)
def test_there_and_back_changes_nothing(message: Json) -> None:
    assert wire.message_from_wire(message) == message
    assert wire.message_from_wire(wire.message_to_03(message)) == message


@LOADED
@given(
    artifacts=st.lists(_artifacts, min_size=1, max_size=2),
    history=st.lists(_messages, min_size=1, max_size=2),
    state=st.sampled_from([*wire.STATE_NAMES]),
)
def test_a_task_is_the_one_that_the_sdk_reads_and_writes(artifacts: list[Json], history: list[Json], state: str) -> None:
    task = wire.task_view_1_0(
        id="t",
        context_id="c",
        state=state,
        timestamp=datetime(2026, 1, 2, 3, 4, 5, 678000, UTC),
        message=history[0],
        artifacts=artifacts,
        history=history,
        metadata={"k": "v"},
    )
    proto = ParseDict(task, a2a_pb2.Task())
    assert MessageToDict(proto) == task
    assert wire.task_view_0_3(task) == conversions.to_compat_task(proto).model_dump(by_alias=True, exclude_none=True)


def test_a_task_view_leaves_out_what_is_not_given() -> None:
    task = wire.task_view_1_0(id="t", context_id="c", state="submitted")
    assert task == {"id": "t", "contextId": "c", "status": {"state": "TASK_STATE_SUBMITTED"}}
    assert wire.task_view_0_3(task) == {"kind": "task", "id": "t", "contextId": "c", "status": {"state": "submitted"}}


@pytest.mark.parametrize("value", [5.0, "word", [1.0, "x"], True])
def test_data_that_is_no_object_is_wrapped_for_03(value: Any) -> None:
    part: Json = {"data": value, "metadata": {"k": "v"}}
    written = conversions.to_compat_part(ParseDict(part, a2a_pb2.Part())).model_dump(by_alias=True, exclude_none=True)
    assert wire.part_to_03(part) == written
    assert wire.part_from_wire(written) == part
    assert wire.part_from_wire(wire.part_to_03({"data": None})) == {"data": None}


@pytest.mark.parametrize(
    ("shape", "read"),
    [
        ({"text": "a"}, {"text": "a"}),
        ({"kind": "text", "text": "a"}, {"text": "a"}),
        ({"type": "text", "text": "a"}, {"text": "a"}),
        ({"text": "", "raw": None, "metadata": None}, {"text": ""}),
        ({"text": "a", "media_type": "text/markdown"}, {"text": "a", "mediaType": "text/markdown"}),
        ({"text": "a", "own": 1, "type": "other"}, {"text": "a", "own": 1, "type": "other"}),
        ({"kind": "data", "data": {"text": "no"}}, {"data": {"text": "no"}}),
        ({"data": None}, {"data": None}),
        ({"kind": "file", "file": {"uri": "http://a/b", "name": "n"}}, {"url": "http://a/b", "filename": "n"}),
        ({"kind": "file", "file": {"bytes": "aGk=", "mimeType": "m/t"}, "own": 1}, {"raw": "aGk=", "mediaType": "m/t", "own": 1}),
        ({"type": "file", "file": {"bytes": "aGk", "mime_type": "m/t"}}, {"raw": "aGk", "mediaType": "m/t"}),
        ({"raw": "_-8", "filename": "f"}, {"raw": "_-8", "filename": "f"}),
    ],
)
def test_l34_reads_parts_of_every_shape(shape: Json, read: Json) -> None:
    assert wire.part_from_wire(shape) == read


@pytest.mark.parametrize(
    ("part", "named"),
    [
        ("text", "must be an object"),
        ({}, "it has 0"),
        ({"kind": "text"}, "it has 0"),
        ({"text": "a", "data": {}}, "it has 2"),
        ({"text": 5}, "text must be a text"),
        ({"raw": "a"}, "not base64"),
        ({"raw": "é"}, "not base64"),
        ({"raw": "aGk=aGk="}, "not base64"),
        ({"raw": 1}, "raw must be a text"),
        ({"kind": "file", "file": "x"}, "its file must be an object"),
        ({"kind": "file", "file": {}}, "it has 0"),
        ({"text": "a", "metadata": []}, "metadata must be an object"),
        ({"kind": "data", "data": {}, "metadata": {"data_part_compat": True}}, "no member value"),
    ],
)
def test_says_what_is_wrong_with_a_part(part: Any, named: str) -> None:
    with pytest.raises(Malformed, match="part 1") as caught:
        wire.message_from_wire({"parts": [{"text": "fine"}, part]})
    assert named in caught.value.sentence


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        {},
        {"parts": []},
        {"parts": {}},
        {"parts": [{"text": "a"}], "role": "ROLE_UNSPECIFIED"},
        {"parts": [{"text": "a"}], "role": 1},
        {"parts": [{"text": "a"}], "messageId": 1},
        {"parts": [{"text": "a"}], "extensions": "x"},
        {"parts": [{"text": "a"}], "referenceTaskIds": [1]},
        {"parts": [{"text": "a"}], "metadata": "x"},
    ],
)
def test_refuses_what_is_no_message(message: Any) -> None:
    with pytest.raises(Malformed):
        wire.message_from_wire(message)


def test_a_message_keeps_what_is_not_known_and_the_given_one_is_not_touched() -> None:
    given: Json = {
        "kind": "message",
        "role": "agent",
        "message_id": "m",
        "taskId": "",
        "contextId": None,
        "own": [1],
        "parts": [{"kind": "text", "text": "a"}],
    }
    before = str(given)
    assert wire.message_from_wire(given) == {"role": "ROLE_AGENT", "messageId": "m", "own": [1], "parts": [{"text": "a"}]}
    assert str(given) == before


def test_the_words_of_a_message_are_its_texts_a_line_each() -> None:
    assert wire.text_of({"parts": [{"text": "a"}, {"data": {"text": "no"}}, {"text": "b"}]}) == "a\nb"
    assert wire.text_of({}) == ""
    assert wire.text_of(wire.text_message("hi", message_id="m")) == "hi"


@pytest.mark.parametrize(
    ("state", "word"),
    [("TASK_STATE_AUTH_REQUIRED", "auth-required"), ("canceled", "canceled"), ("TASK_STATE_UNSPECIFIED", None), (3, None)],
)
def test_states_are_read_in_either_form(state: Any, word: str | None) -> None:
    assert wire.state_word(state) == word


def test_the_states_are_all_that_the_protocol_has() -> None:
    assert {"TASK_STATE_UNSPECIFIED", *wire.STATE_NAMES.values()} == set(a2a_pb2.TaskState.keys())
    assert {"unknown", *wire.STATE_NAMES} == {state.value for state in types_v03.TaskState}


def test_times_are_utc_with_milliseconds() -> None:
    assert wire.rfc3339(datetime(2026, 1, 2, 3, 4, 5, 6789, timezone(timedelta(hours=2)))) == "2026-01-02T01:04:05.006Z"
