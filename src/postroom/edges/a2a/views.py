"""How a message's standing looks to those who speak A2A: a Message when it was answered, a Task otherwise.

One message is one task. The ids are Postroom's own: the agent's names for task and context never leave the house (a2a.md, section 4).
"""

from typing import Any, Final
from uuid import UUID, uuid5

from postroom.core.messages.model import Standing, State
from postroom.edges.a2a.envelope import Version
from postroom.edges.wire import message_to_03, task_view_0_3, task_view_1_0, text_message

Json = dict[str, Any]

STATE_WORDS: Final = {
    State.ACCEPTED: "submitted",
    State.HANDED: "working",
    State.INPUT_REQUIRED: "input-required",
    State.REPLIED: "completed",
    State.FAILED: "failed",
    State.CANCELLED: "canceled",
    State.EXPIRED: "failed",
}
"""Every state of a message, and the word that A2A has for it. ``expired`` is unknown to A2A: the metadata tells."""


def answer(standing: Standing, version: Version, history: int | None) -> Json:
    """The result of a send: the reply where there is one, else the task as it stands."""
    if standing.state is State.REPLIED and standing.reply is not None:
        message = _addressed(standing.reply, standing)
        return {"message": message} if version is Version.V1_0 else message_to_03(message)
    view = task(standing, version, history)
    return {"task": view} if version is Version.V1_0 else view


def task(standing: Standing, version: Version, history: int | None) -> Json:
    """The task, with at most ``history`` messages of its history; None is all."""
    said = [_addressed(standing.body, standing)]
    view = task_view_1_0(
        id=str(standing.task_id),
        context_id=standing.thread_id,
        state=_word(standing),
        timestamp=standing.changed_at,
        message=_status_message(standing),
        artifacts=_artifacts(standing),
        history=said if history is None else said[:history],
        metadata=_metadata(standing),
    )
    return view if version is Version.V1_0 else task_view_0_3(view)


def _word(standing: Standing) -> str:
    # An agent may wait for a login instead of words; both are the same pause to Postroom.
    return standing.interrupted or STATE_WORDS[standing.state]


def _addressed(message: Json, standing: Standing) -> Json:
    return message | {"contextId": standing.thread_id, "taskId": str(standing.task_id)}


def _artifacts(standing: Standing) -> list[Json] | None:
    """Results belong in artifacts (specification 1.0.1, section 3.7); what asks back is no result."""
    if standing.state is not State.REPLIED or standing.reply is None:
        return None
    return [{"artifactId": str(standing.reply_id), "name": "reply", "parts": standing.reply["parts"]}]


def _status_message(standing: Standing) -> Json | None:
    """The agent's own words where it answered, else ours on why there is no answer."""
    if standing.reply is not None:
        return _addressed(standing.reply, standing)
    words = _words(standing)
    if words is None:
        return None
    made = text_message(words, message_id=str(_status_id(standing)))
    return _addressed(made, standing)


def _status_id(standing: Standing) -> UUID:
    """The same status is the same message, whoever asks however often."""
    return uuid5(standing.message_id, standing.state)


def _words(standing: Standing) -> str | None:
    if standing.error is not None:
        return str(standing.error.get("detail") or standing.error.get("code") or "The message failed.")
    if standing.cancel_requested:
        return "Cancel was requested; the agent has not confirmed it yet."
    return None


def _metadata(standing: Standing) -> Json:
    error = standing.error or {}
    told = {
        "postroom.state": standing.state.value,
        "postroom.message_id": str(standing.message_id),
        "postroom.attempt": standing.attempt or None,
        "postroom.code": error.get("code"),
        "postroom.detail": error.get("detail"),
        "postroom.cancel_requested": standing.cancel_requested or None,
        "postroom.usage": standing.usage,
    }
    return {name: value for name, value in told.items() if value is not None}
