"""What an agent's answer means, shape by shape (L34)."""

import json
from typing import Any

import pytest

from postroom.core.deliveries.model import Cancelled, Failure, Reply
from postroom.edges.push.answers import DETAIL_LIMIT, Meaning, Unfinished, WrongDialect, meaning_of
from postroom.edges.push.connections import Answer
from postroom.edges.wire import text_of

Json = dict[str, Any]


def meaning(value: Any, *, status: int = 200, content_type: str = "application/json") -> Meaning:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return meaning_of(Answer(status, content_type, body))


def rpc(result: Any) -> Json:
    return {"jsonrpc": "2.0", "id": "1", "result": result}


def task(state: str | None, **members: Any) -> Json:
    return {"id": "t", "contextId": "c"} | ({"status": {"state": state}} if state else {}) | members


def said(words: str, role: str = "ROLE_AGENT") -> Json:
    return {"role": role, "messageId": "m", "parts": [{"text": words}]}


ARTIFACTS = [{"artifactId": "a", "name": "n", "parts": [{"text": "done"}]}]
ARTIFACTS_03 = [{"artifactId": "a", "parts": [{"kind": "text", "text": "done"}]}]

REPLIES: dict[str, Any] = {
    "1.0 message": rpc({"message": said("done") | {"taskId": "t", "contextId": "c"}}),
    "1.0 task with artifacts": rpc({"task": task("TASK_STATE_COMPLETED", artifacts=ARTIFACTS)}),
    "1.0 task with a status message": rpc({"task": {"id": "t", "status": {"state": "TASK_STATE_COMPLETED", "message": said("done")}}}),
    "1.0 task, bare as GetTask gives it": rpc(task("TASK_STATE_COMPLETED", artifacts=ARTIFACTS)),
    "0.3 message": rpc({"kind": "message", "role": "agent", "messageId": "m", "parts": [{"kind": "text", "text": "done"}]}),
    "0.3 task": rpc({"kind": "task"} | task("completed", artifacts=ARTIFACTS_03)),
    "0.3 task with history": rpc(
        {"kind": "task"} | task("completed", history=[said("hi", "user"), said("first", "agent"), said("done", "agent"), said("?", "user")])
    ),
    "parts with type": rpc({"parts": [{"type": "text", "text": "done"}]}),
    "message without kind and role": rpc({"parts": [{"text": "done"}]}),
    "artifacts only": rpc({"artifacts": ARTIFACTS}),
    "artifacts, and a state nobody knows": rpc(task("TASK_STATE_UNSPECIFIED", artifacts=ARTIFACTS)),
    "task without an id": rpc({"status": {"state": "completed"}, "artifacts": ARTIFACTS}),
    "task with empty artifacts": rpc(task("completed", artifacts=[{"artifactId": "x", "parts": []}, *ARTIFACTS])),
    "no envelope, message": said("done"),
    "no envelope, wrapper": {"message": said("done")},
    "no envelope, task": task("completed", artifacts=ARTIFACTS),
    "plain JSON": {"text": "done"},
    "plain JSON, content": {"content": "done", "tokens": 5},
    "plain JSON, message": {"message": "done"},
    "a text as result": rpc("done"),
    "a JSON text": "done",
}


@pytest.mark.parametrize("value", REPLIES.values(), ids=REPLIES)
def test_l34_every_shape_of_a_reply_is_read(value: Any) -> None:
    reply = meaning(value)
    assert isinstance(reply, Reply), reply
    assert text_of(reply.message) == "done"
    assert reply.message["role"] == "ROLE_AGENT"
    assert reply.message["messageId"]
    assert not {"taskId", "contextId", "kind"} & set(reply.message)
    assert reply.interrupted is None


@pytest.mark.parametrize("content_type", ["text/plain", "text/plain; charset=utf-8", "text/markdown"])
def test_plain_text_is_a_reply(content_type: str) -> None:
    for body in ("done ☃", "{done}", '{"a": 1, "a": 2}'):
        reply = meaning(body.encode(), content_type=content_type)
        assert isinstance(reply, Reply)
        assert text_of(reply.message) == body


def test_json_that_says_it_is_plain_text_is_json() -> None:
    reply = meaning(rpc({"message": said("done")}), content_type="text/plain")
    assert isinstance(reply, Reply)
    assert text_of(reply.message) == "done"


def test_results_come_first_and_words_that_are_not_among_them_follow() -> None:
    status = {"state": "completed", "message": {"messageId": "s", "taskId": "t", "parts": [{"text": "done"}, {"text": "see above"}]}}
    reply = meaning(
        rpc(task(None, status=status, artifacts=[*ARTIFACTS, {"artifactId": "b", "parts": [{"raw": "aGk=", "filename": "f"}]}]))
    )
    assert isinstance(reply, Reply)
    assert reply.message["parts"] == [{"text": "done"}, {"raw": "aGk=", "filename": "f"}, {"text": "see above"}]
    assert reply.upstream == {"contextId": "c"}


def test_a_task_that_ends_without_a_word_is_a_reply_without_words() -> None:
    reply = meaning(rpc(task("completed")))
    assert isinstance(reply, Reply)
    assert reply.message["parts"] == [{"text": ""}]


@pytest.mark.parametrize(("state", "word"), [("TASK_STATE_INPUT_REQUIRED", "input-required"), ("auth-required", "auth-required")])
def test_an_agent_that_waits_for_more_tells_what_and_under_which_name(state: str, word: str) -> None:
    reply = meaning(rpc({"task": task(None, status={"state": state, "message": said("which?")}, artifacts=ARTIFACTS)}))
    assert isinstance(reply, Reply)
    assert (reply.interrupted, reply.upstream) == (word, {"taskId": "t", "contextId": "c"})
    assert text_of(reply.message) == "which?"


@pytest.mark.parametrize("state", ["submitted", "working", "TASK_STATE_SUBMITTED", "TASK_STATE_WORKING"])
def test_a_task_in_work_is_to_be_followed(state: str) -> None:
    assert meaning(rpc(task(state, artifacts=ARTIFACTS))) == Unfinished({"taskId": "t", "contextId": "c"})


def test_ends_that_are_no_reply() -> None:
    assert meaning(rpc(task("canceled"))) == Cancelled()
    for state in ("failed", "rejected"):
        failed = meaning(rpc({"task": task(None, status={"state": f"TASK_STATE_{state.upper()}", "message": said("no " * 1000)})}))
        assert isinstance(failed, Failure)
        assert (failed.code, failed.retry, len(failed.detail)) == (f"agent_{state}", False, DETAIL_LIMIT)
        silent = meaning(rpc(task(state)))
        assert isinstance(silent, Failure)
        assert state in silent.detail


@pytest.mark.parametrize("code", [-32600, -32601, -32009])
def test_errors_that_the_other_version_may_not_have(code: int) -> None:
    refused = meaning({"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": "no"}}, status=404)
    assert isinstance(refused, WrongDialect)
    assert (refused.failure.code, refused.failure.retry) == ("agent_error", False)


@pytest.mark.parametrize(
    ("code", "status", "retry"),
    [
        *((-32602, 200, False), (-32005, 200, False), (-32700, 400, False), (-32001, 200, False), (-32004, 200, False)),
        *(
            (-32603, 200, True),
            (-32603, 500, True),
            (-32000, 200, True),
            (-32006, 200, True),
            (7, 200, True),
            (400, 400, False),
            (-32000, 401, False),
        ),
    ],
)
def test_json_rpc_errors(code: int, status: int, retry: bool) -> None:
    failure = meaning({"jsonrpc": "2.0", "id": "1", "error": {"code": code, "message": "the words"}}, status=status)
    assert failure == Failure(code="agent_error", detail=f"The agent answered with error {code}: the words", retry=retry)


@pytest.mark.parametrize(
    ("status", "retry"),
    [(400, False), (401, False), (404, False), (422, False), (408, True), (425, True), (429, True), (500, True), (502, True), (503, True)],
)
@pytest.mark.parametrize(
    ("body", "content_type"), [(b"", ""), (b"<html>", "text/html"), (b'{"detail":"x"}', "application/json"), (b"no", "text/plain")]
)
def test_http_errors(status: int, retry: bool, body: bytes, content_type: str) -> None:
    assert meaning(body, status=status, content_type=content_type) == Failure(
        code="agent_error", detail=f"The agent answered HTTP {status}.", retry=retry
    )


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        *(
            (b"", "application/json"),
            (b" \n", "text/plain"),
            (b"<html>busy</html>", "text/html"),
            (b"<html>", "application/json"),
            (b'{"a":', ""),
        ),
        *(
            (b'{"result":1,"result":2}', "application/json"),
            (b'{"text":"\\u0000"}', ""),
            (b'{"text":"\\ud800"}', ""),
            (b"[" * 70 + b"]" * 70, ""),
        ),
        *((b'{"text":NaN}', ""), (b"\xff\xfe", "text/plain"), (b"a\0b", "text/plain"), (b"data: {}\n\n", "text/event-stream; x")),
    ],
)
def test_what_can_not_be_read_is_tried_again(body: bytes, content_type: str) -> None:
    failure = meaning(body, content_type=content_type)
    assert isinstance(failure, Failure)
    assert (failure.code, failure.retry) == ("invalid_answer", True)


@pytest.mark.parametrize(
    "value",
    [
        *({}, {"ok": True}, 5, None, [said("x")], rpc(None), rpc({}), rpc(7), rpc({"message": {"role": "agent"}}), rpc({"parts": []})),
        *(
            rpc(task("dancing")),
            rpc({"kind": "task"}),
            rpc(task("completed", artifacts=[{"parts": [{"raw": "%"}]}])),
            rpc({"status": {"state": "working"}}),
        ),
        *(rpc({"parts": [{"text": 1}]}), rpc(task("completed", artifacts=["x"])), {"error": "boom"}),
    ],
)
def test_readable_json_that_says_nothing_is_not_tried_again(value: Any) -> None:
    failure = meaning(value)
    assert isinstance(failure, Failure)
    assert (failure.code, failure.retry) == ("invalid_answer", False)
