"""What an agent's answer means. Agents write many shapes (L34): both versions of A2A, JSON-RPC or bare, plain JSON, plain text.

Whether another attempt makes sense follows one question: would the same program, given the same message, answer otherwise? Bytes that
can not be read (a proxy's error page, half a document) say nothing about the program, so they are tried again until the attempts are
used up. Readable JSON that is neither message nor task is what that program answers, so it is not.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, cast

from postroom.core.deliveries.model import Cancelled, Failure, Reply
from postroom.edges import strict_json
from postroom.edges.push.connections import Answer
from postroom.edges.wire import ROLE_AGENT, Json, artifact_from_wire, message_from_wire, state_word, text_message, text_of
from postroom.errors import Malformed
from postroom.ids import new_id

DETAIL_LIMIT: Final = 1000
"""Characters of an agent's own words that are kept as the reason of a failure."""

WRONG_DIALECT: Final = (-32600, -32601, -32009)
NOT_STREAMED: Final = (*WRONG_DIALECT, -32004)
"""What an agent that does not stream says when it is asked to, beside what one of the other version says."""

_PERMANENT = (-32700, -32600, -32601, -32602, -32001, -32002, -32003, -32004, -32005, -32007, -32008, -32009)
_PERMANENT_STATUS = frozenset(range(400, 500)) - {408, 425, 429}
_INTERRUPTED = ("input-required", "auth-required")
_NO_WORDS = ("text/html", "text/event-stream", "text/xml", "text/css", "text/javascript")
_PLAIN_MEMBERS = ("text", "content", "message")


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The agent made a task and works on it; ``upstream`` names it (``taskId``, ``contextId`` if the agent told).

    ``words`` are the parts of what it says about its work.
    """

    upstream: Json
    words: list[Json] = field(default_factory=list[Json])


@dataclass(frozen=True, slots=True)
class WrongDialect:
    """The agent refused before it did anything, perhaps for how it was asked; ``failure`` is what it comes to if it was not that."""

    failure: Failure


Meaning = Reply | Failure | Cancelled | Unfinished | WrongDialect


def meaning_of(answer: Answer, refusals: Container[int] = WRONG_DIALECT) -> Meaning:
    """Read an answer, whatever its shape. An error with one of the codes ``refusals`` says: not asked like that."""
    try:
        value = _value(answer)
    except Malformed as error:
        return _status_failure(answer.status) or Failure(code="invalid_answer", detail=error.sentence, retry=True)
    return meaning_of_value(value, answer.status, refusals)


def meaning_of_value(value: Any, status: int = 200, refusals: Container[int] = WRONG_DIALECT) -> Meaning:
    """Read what an answer says in JSON: a JSON-RPC response, a message, a task."""
    if (failed := _rpc_error(value, status, refusals)) is not None:
        return failed
    try:
        return _status_failure(status) or _result(_unwrapped(value))
    except Malformed as error:
        return Failure(code="invalid_answer", detail=error.sentence, retry=False)


def words_of(status: Json) -> list[Json]:
    """The parts of what a task's state says; none where that can not be read, because nothing hangs on it."""
    try:
        return message_from_wire(status["message"])["parts"] if status.get("message") else []
    except Malformed:
        return []


def _value(answer: Answer) -> Any:
    """The JSON value of the body; text for a body that says that it is text. Raises Malformed."""
    media_type = answer.content_type.partition(";")[0].strip().lower()
    if media_type in _NO_WORDS:
        raise Malformed(f"The agent answered with {media_type}.")
    if not answer.body.strip():
        raise Malformed(f"The agent answered {answer.status} with nothing.")
    if not media_type.startswith("text/"):
        return strict_json.loads(answer.body)
    return _text_or_json(answer.body)


def _text_or_json(body: bytes) -> Any:
    # Small servers send their JSON as text/plain; a text that only begins like JSON is a text.
    if body.lstrip().startswith(b"{"):
        try:
            return strict_json.loads(body)
        except Malformed:
            return _text(body)
    return _text(body)


def _text(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("The agent answered with text that is not UTF-8.") from error
    if "\0" in text:
        raise Malformed("U+0000 stands in the answer.")
    return text


def results_of(artifacts: Any) -> list[Json]:
    """The parts of a task's results. Raises Malformed."""
    return [part for artifact in filled(artifacts) for part in artifact_from_wire(artifact)["parts"]]


def _status_failure(status: int) -> Failure | None:
    if status < 400:
        return None
    return Failure(code="agent_error", detail=f"The agent answered HTTP {status}.", retry=status not in _PERMANENT_STATUS)


def _rpc_error(value: Any, status: int, refusals: Container[int]) -> Failure | WrongDialect | None:
    """The error of a JSON-RPC response, or of A2A's REST form, if it is one."""
    error: Any = cast(Json, value).get("error") if isinstance(value, dict) else None
    if not isinstance(error, dict) or not isinstance(code := cast(Json, error).get("code"), int):
        return None
    words = cast(Json, error).get("message")
    detail = f"The agent answered with error {code}: {words}" if isinstance(words, str) else f"The agent answered with error {code}."
    retry = code not in _PERMANENT and status not in _PERMANENT_STATUS
    failure = Failure(code="agent_error", detail=detail[:DETAIL_LIMIT], retry=retry)
    return WrongDialect(failure) if code in refusals else failure


def _unwrapped(value: Any) -> Any:
    """Take off the JSON-RPC envelope and the wrapper of 1.0, where they are there."""
    if isinstance(value, dict) and "result" in value:
        value = cast(Json, value)["result"]
    if isinstance(value, dict) and "parts" not in value and "status" not in value:
        members = cast(Json, value)
        value = next((members[name] for name in ("task", "message") if isinstance(members.get(name), dict)), members)
    return cast(Any, value)


def _result(value: Any) -> Reply | Failure | Cancelled | Unfinished:
    if isinstance(value, str):
        return Reply(message=text_message(value, message_id=str(new_id())))
    if not isinstance(value, dict):
        raise Malformed("The agent's answer is neither a message nor a task.")
    members = cast(Json, value)
    if members.get("kind") == "task" or isinstance(members.get("status"), dict) or "artifacts" in members:
        return _task(members)
    if "parts" in members:
        return _direct_reply(members)
    text = next((members[name] for name in _PLAIN_MEMBERS if isinstance(members.get(name), str)), None)
    if text is None:
        raise Malformed("The agent's answer is neither a message nor a task.")
    return Reply(message=text_message(text, message_id=str(new_id())))


def _direct_reply(members: Json) -> Reply:
    message = message_from_wire(members)
    return Reply(message=_own(message), upstream=_context(message))


def _task(task: Json) -> Reply | Failure | Cancelled | Unfinished:
    given: Any = task.get("status")
    status = cast(Json, given) if isinstance(given, dict) else {}
    # A task that shows results and no state was written by a program that knows only the happy end.
    state = state_word(status.get("state")) or ("completed" if task.get("artifacts") else None)
    match state:
        case "submitted" | "working":
            return Unfinished(upstream_of(task), words_of(status))
        case "completed" | "input-required" | "auth-required":
            return _task_reply(task, status, state)
        case "failed" | "rejected":
            return _task_failure(task, status, state)
        case "canceled":
            return Cancelled()
        case _:
            raise Malformed("The agent's task has no state that A2A knows.")


def _task_reply(task: Json, status: Json, state: str) -> Reply:
    message = _own(_said(task, status, state))
    if state in _INTERRUPTED:
        return Reply(message=message, interrupted=state, upstream=upstream_of(task))
    # A finished task can not be continued, its context can (specification 3.4.3).
    return Reply(message=message, upstream=_context(task))


def _task_failure(task: Json, status: Json, state: str) -> Failure:
    words = text_of(_said(task, status, state)) or f"The agent's task is {state} and says nothing about it."
    return Failure(code=f"agent_{state}", detail=words[:DETAIL_LIMIT], retry=False)


def _said(task: Json, status: Json, state: str) -> Json:
    """What a task says: its results, then the words of its status; the agent's last word in the history only if there is neither."""
    words = message_from_wire(status["message"]) if status.get("message") else None
    results = results_of(task.get("artifacts"))
    if not results or state != "completed":
        return words or _last_word(task) or {"parts": results or [{"text": ""}]}
    further = [part for part in words["parts"] if part not in results] if words else []
    return (words or {}) | {"parts": results + further}


def _last_word(task: Json) -> Json | None:
    messages = map(message_from_wire, filled(task.get("history")))
    return next((message for message in reversed(list(messages)) if message.get("role") == ROLE_AGENT), None)


def filled(items: Any) -> Iterable[Any]:
    """The items of a list that hold parts: empty artifacts and messages say nothing and are no fault."""
    listed = cast(list[Any], items) if isinstance(items, list) else []
    return [item for item in listed if not isinstance(item, dict) or cast(Json, item).get("parts")]


def _own(message: Json) -> Json:
    """The message as Postroom keeps it: said by the agent, with an id, without the agent's own names for task and context."""
    kept = {name: value for name, value in message.items() if name not in ("taskId", "contextId")}
    return {"messageId": str(new_id())} | kept | {"role": ROLE_AGENT}


def upstream_of(task: Json) -> Json:
    """The agent's names for its task and context. Raises Malformed for a task without an id: it can be neither followed nor continued."""
    if not isinstance(task.get("id"), str) or not task["id"]:
        raise Malformed("The agent's task has no id.")
    return {"taskId": task["id"]} | (_context(task) or {})


def _context(members: Json) -> Json | None:
    context_id = members.get("contextId")
    return {"contextId": context_id} if isinstance(context_id, str) and context_id else None
