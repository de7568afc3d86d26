"""From the params and headers of a send to the draft that the core accepts, and how long its caller waits."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

from postroom.core.messages.model import Draft
from postroom.edges.a2a.envelope import Call, Version
from postroom.edges.a2a.faults import Fault, Faulty
from postroom.edges.context import valid_traceparent
from postroom.edges.idempotency import checked_key, key_of, message_id_for
from postroom.edges.wire import ROLE_USER, message_from_wire
from postroom.errors import Malformed, Refused

Json = dict[str, Any]

LONGEST_WAIT: Final = 3600.0
LONGEST_DEADLINE: Final = 30 * 86400.0
LONGEST_THREAD: Final = 256

# Printable ASCII: what every proxy passes on unchanged (RFC 9110, section 5.5).
# What says how the answer is wanted is no part of what was said: a repeat may wait longer, or not at all.
_ABOUT_THE_ANSWER = ("returnImmediately", "return_immediately", "blocking", "historyLength", "history_length")
_PUSH = ("taskPushNotificationConfig", "task_push_notification_config", "pushNotificationConfig", "push_notification_config")


@dataclass(frozen=True, slots=True)
class Send:
    """What is said, how long its sender waits in seconds, and how much history the answer may hold (None: all)."""

    draft: Draft
    wait: float
    history: int | None


def read_send(call: Call, headers: Mapping[str, str], workspace: UUID, *, size: int, default_wait: float) -> Send:
    """Read a send of ``size`` bytes. Raises Faulty, Malformed, Refused."""
    message = message_from_wire(call.params.get("message"))
    configuration = _configuration(call.params)
    key = _key(headers, message)
    task, thread = message.pop("taskId", None), message.pop("contextId", None)
    if thread is not None and len(thread) > LONGEST_THREAD:
        raise Refused(f"A contextId has at most {LONGEST_THREAD} characters.", code="context_too_long")
    message = {"role": ROLE_USER, "messageId": message_id_for(key)} | message
    draft = Draft(
        workspace_id=workspace,
        body=message,
        size=size,
        key=key,
        options=_options(call.params, configuration),
        thread_id=thread,
        task_id=None if task is None else task_id(task),
        deadline=_deadline(headers, message),
        traceparent=valid_traceparent(headers.get("traceparent")),
        on_behalf_of=_on_behalf_of(headers),
    )
    return Send(draft, _wait(configuration, headers, default_wait), read_history(configuration, call.version))


def task_id(text: object) -> UUID:
    """Ids are made here: what is no UUID is the id of no task. Raises Faulty."""
    if not isinstance(text, str):
        raise Faulty(Fault.INVALID_PARAMS, "The id of the task must be a text.")
    try:
        return UUID(text)
    except ValueError:
        raise Faulty(Fault.TASK_NOT_FOUND, "There is no such task.") from None


def read_history(given: Json, version: Version) -> int | None:
    """How many messages of a task's history are wanted; None is all of them. Raises Faulty."""
    length: Any = given.get("historyLength", given.get("history_length"))
    if length is None:
        return None
    if not isinstance(length, int) or isinstance(length, bool) or length < 0:
        raise Faulty(Fault.INVALID_PARAMS, "The historyLength must be a number from 0.")
    # 0.3 reads 0 as "no limit", 1.0 as "none" (a2a.md, section 1).
    return None if length == 0 and version is Version.V0_3 else length


def _configuration(params: Json) -> Json:
    given: Any = params.get("configuration")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise Faulty(Fault.INVALID_PARAMS, "The configuration must be an object.")
    configuration = cast(Json, given)
    if any(configuration.get(name) for name in _PUSH):
        raise Faulty(Fault.PUSH_NOTIFICATION_NOT_SUPPORTED, "This endpoint sends no push notifications.")
    return configuration


def _options(params: Json, configuration: Json) -> Json | None:
    """The rest of what was asked for: another wish under the same key is another send."""
    wishes = {name: value for name, value in configuration.items() if name not in _ABOUT_THE_ANSWER}
    rest = {name: value for name, value in params.items() if name not in ("message", "configuration")}
    return rest | {"configuration": wishes} if rest or wishes else None


def _key(headers: Mapping[str, str], message: Json) -> str | None:
    """The key under which a repeat is the same send. The messageId is one only for who asks: clients reuse it, also with other text."""
    key = key_of(headers)
    if key is None and _dedupes_by_message(headers):
        if message.get("messageId") is None:
            raise Refused("X-Postroom-Dedupe: message-id needs a messageId.", code="bad_key")
        return checked_key(message["messageId"])
    return key


def _on_behalf_of(headers: Mapping[str, str]) -> UUID | None:
    given = headers.get("x-postroom-on-behalf-of")
    try:
        return None if given is None else UUID(given)
    except ValueError:
        raise Refused("X-Postroom-On-Behalf-Of is the id of a message.", code="invalid", fields=["X-Postroom-On-Behalf-Of"]) from None


def _dedupes_by_message(headers: Mapping[str, str]) -> bool:
    wanted = headers.get("x-postroom-dedupe")
    if wanted not in (None, "message-id"):
        raise Refused("X-Postroom-Dedupe may only be message-id.", code="bad_dedupe")
    return wanted is not None


def _deadline(headers: Mapping[str, str], message: Json) -> float | None:
    given: Any = headers.get("x-postroom-deadline-seconds", message.get("metadata", {}).get("postroom.deadline_seconds"))
    return None if given is None else _seconds(given, "A deadline", 1.0, LONGEST_DEADLINE)


def _wait(configuration: Json, headers: Mapping[str, str], default: float) -> float:
    given = headers.get("x-timeout")
    seconds = min(default, LONGEST_WAIT) if given is None else _seconds(given, "X-Timeout", 0.0, LONGEST_WAIT)
    return seconds if _blocks(configuration) else 0.0


def _blocks(configuration: Json) -> bool:
    """Whether the caller waits for the end; both versions do unless they say otherwise (a2a.md, section 1)."""
    immediately: Any = configuration.get("returnImmediately", configuration.get("return_immediately"))
    blocking: Any = configuration.get("blocking")
    if not isinstance(immediately, bool | None) or not isinstance(blocking, bool | None):
        raise Malformed("returnImmediately and blocking are true or false.")
    return not immediately and blocking is not False


def _seconds(given: str | float, what: str, least: float, most: float) -> float:
    try:
        seconds = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError):
        seconds = math.nan
    if not least <= seconds <= most:
        raise Refused(f"{what} is a number of seconds from {least:g} to {most:g}.", code="bad_seconds")
    return seconds
