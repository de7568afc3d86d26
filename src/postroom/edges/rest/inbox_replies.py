"""What a fetching agent answered, in whichever of the four forms it chose."""

from typing import Any, cast
from uuid import UUID

from postroom.core.deliveries.model import Cancelled, Failure, Reply
from postroom.edges.idempotency import reply_id_for
from postroom.edges.wire import ROLE_AGENT, artifact_from_wire, message_from_wire, state_word, text_of
from postroom.errors import Malformed, Refused

Json = dict[str, Any]

_DETAIL = 1000
_FORMS = ("parts", "message", "task", "text")


def read_reply(message_id: UUID, body: Json) -> Reply | Failure | Cancelled:
    """The end that a body means: ``parts``, ``message``, ``text``, or a ``task`` that has come to an end or asks back.

    Raises Malformed, and Refused when it is not exactly one of them or the task goes on.
    """
    given = [form for form in _FORMS if body.get(form) is not None]
    if len(given) != 1:
        raise Refused("A reply is exactly one of parts, message, task and text.", code="invalid", fields=list(_FORMS))
    form, value = given[0], body[given[0]]
    usage = _usage(body)
    match form:
        case "task":
            return _task(message_id, value, usage)
        case "message":
            return Reply(message=_own(message_id, message_from_wire(value)), usage=usage)
        case "parts":
            return Reply(message=_own(message_id, message_from_wire({"parts": value})), usage=usage)
        case _:
            return Reply(message=_own(message_id, message_from_wire({"parts": [{"text": value}]})), usage=usage)


def _usage(body: Json) -> Json | None:
    usage: Any = body.get("usage")
    if usage is not None and not isinstance(usage, dict):
        raise Refused("The usage must be an object.", code="invalid", fields=["usage"])
    return cast("Json | None", usage)


def _own(message_id: UUID, message: Json) -> Json:
    """The message as Postroom keeps it: said by the agent, without names for task and context, which are Postroom's."""
    kept = {name: value for name, value in message.items() if name not in ("taskId", "contextId")}
    return {"messageId": reply_id_for(message_id)} | kept | {"role": ROLE_AGENT}


def _task(message_id: UUID, value: object, usage: Json | None) -> Reply | Failure | Cancelled:
    if not isinstance(value, dict) or not isinstance(cast(Json, value).get("status"), dict):
        raise Malformed("The task needs a status.")
    task = cast(Json, value)
    state = state_word(task["status"].get("state"))
    said = _said(task)
    match state:
        case "completed":
            return Reply(message=_own(message_id, said), usage=usage)
        case "input-required" | "auth-required":
            return Reply(message=_own(message_id, said), interrupted=state, upstream=_upstream(task), usage=usage)
        case "failed" | "rejected":
            detail = text_of(said) or f"The agent's task is {state} and says nothing about it."
            return Failure(code=f"agent_{state}", detail=detail[:_DETAIL], retry=False)
        case "canceled":
            return Cancelled()
        case _:
            raise Refused("This task has not come to an end: report it with progress.", code="task_goes_on")


def _said(task: Json) -> Json:
    """Its results, and where there are none the words of its status."""
    words = message_from_wire(task["status"]["message"]) if task["status"].get("message") else {}
    listed: Any = task.get("artifacts") or []
    if not isinstance(listed, list):
        raise Malformed("The task's artifacts must be a list.")
    results = [part for artifact in cast(list[object], listed) for part in artifact_from_wire(artifact)["parts"]]
    return words | {"parts": results or words.get("parts") or [{"text": ""}]}


def _upstream(task: Json) -> Json | None:
    """The agent's own names, given back to it with the follow-up."""
    named = {"taskId": task.get("id"), "contextId": task.get("contextId")}
    return {name: value for name, value in named.items() if isinstance(value, str) and value} or None
