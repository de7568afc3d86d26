"""Calls agents that have a URL: hands a message over as A2A JSON-RPC and brings back what became of it.

One call, in order: put the server's own words into the message, POST it, read the answer, as a stream where the agent's card offers one;
try the other version of A2A once if the agent does not know this one; follow a task that is not finished until it is. The answer comes back
as a value, never as an exception; what the agent tells meanwhile goes to the call's watch.

A message's deadline is told to the agent but not timed here: it is a time of the database's clock, and this host's clock may disagree.
Whoever ends an overdue message also cancels this call; ``call_seconds`` bounds it in any case, on the monotonic clock.
"""

import asyncio
import re
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import orjson
import structlog

from postroom.clock import monotonic
from postroom.core.deliveries.model import UNWATCHED, CallResult, CallTarget, Delivery, Failure, NotHanded, Watch
from postroom.edges.push.answers import Meaning, Unfinished, WrongDialect, meaning_of
from postroom.edges.push.connections import EVENT_STREAM, Answer, Connections, Request
from postroom.edges.push.dialects import Dialect, Speech, speech_of
from postroom.edges.push.streams import Stream
from postroom.edges.wire import Json, rfc3339

FIRST_PAUSE: Final = 0.2
PAUSE_GROWTH: Final = 1.6
PAUSE_LIMIT: Final = 5.0
FOLLOW_TRIES: Final = 8
"""Questions about a task in a row that may stay without an answer (some 20 s) before the attempt counts as lost."""
CANCEL_SECONDS: Final = 10.0
REMEMBERED: Final = 10_000
"""Agents whose version is remembered."""

_TRACEPARENT = re.compile(r"00-(?P<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-(?P<flags>[0-9a-f]{2})")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Call:
    """What stays the same over one call; ``ends`` is on the monotonic clock."""

    target: CallTarget
    headers: dict[str, str]
    ends: float
    watch: Watch = UNWATCHED

    @property
    def seconds_left(self) -> float:
        return max(0.0, self.ends - monotonic())


class PushCaller:
    """The Caller port over HTTP. ``call_seconds`` is for one call with all that follows from it."""

    def __init__(self, connections: Connections, *, call_seconds: float) -> None:
        self._connections = connections
        self._call_seconds = call_seconds
        # URL and version of agents that refused the version of their card. A hint, so it needs no store: a wrong one costs one request.
        self._learnt: OrderedDict[UUID, tuple[str, Dialect]] = OrderedDict()

    async def call(self, delivery: Delivery, target: CallTarget, watch: Watch = UNWATCHED) -> CallResult:
        """Hand the message to the agent and bring its answer."""
        call = _Call(target, headers_of(delivery), monotonic() + self._call_seconds, watch)
        message, speech = message_of(delivery), self._speech(target)
        outcome = await self._send(call, speech, message)
        if isinstance(outcome, WrongDialect):
            refused, speech = outcome.failure, speech.other()
            outcome = await self._send(call, speech, message)
            if isinstance(outcome, WrongDialect):
                return refused
            self._learn(target, speech.dialect)
        return await self._follow(call, speech, outcome) if isinstance(outcome, Unfinished) else outcome

    async def cancel(self, target: CallTarget, upstream: Json) -> None:
        """Tell the agent once that its task is no longer wanted; whether it heard is only logged."""
        task_id = upstream.get("taskId")
        if not isinstance(task_id, str):
            return
        speech = self._speech(target)
        call = _Call(target, {}, monotonic() + CANCEL_SECONDS)
        outcome = await self._ask(call, speech, speech.dialect.task_request(speech.dialect.cancel, task_id, speech.tenant))
        log.info("push.cancel", workspace_id=str(target.workspace_id), outcome=type(outcome).__name__)

    async def _send(self, call: _Call, speech: Speech, message: Json) -> Meaning | NotHanded:
        request_id = call.headers["X-Postroom-Message-Id"]
        if speech.streams:
            outcome = await self._stream(call, speech, speech.dialect.stream_request(message, request_id, speech.tenant))
            if not _refused(outcome):
                return outcome
        return await self._ask(call, speech, speech.dialect.message_request(message, request_id, speech.tenant))

    async def _stream(self, call: _Call, speech: Speech, body: bytes) -> Meaning | NotHanded:
        """What it comes to; a stream that broke off leaves a task, to be followed like any other."""

        async def changed(task: Json) -> None:
            await _tell(call.watch, meaning_of(Answer(200, "", orjson.dumps(task))))

        stream = Stream(changed)
        posted = await self._connections.post(self._request(call, speech, body, stream.feed))
        if isinstance(posted, Failure) and not posted.retry:
            return posted
        if stream.value is not None:
            return meaning_of(Answer(200, "", orjson.dumps(stream.value)))
        return meaning_of(posted) if isinstance(posted, Answer) else posted

    async def _ask(self, call: _Call, speech: Speech, body: bytes) -> Meaning | NotHanded:
        posted = await self._connections.post(self._request(call, speech, body))
        return meaning_of(posted) if isinstance(posted, Answer) else posted

    def _request(self, call: _Call, speech: Speech, body: bytes, hear: Callable[[bytes], Awaitable[None]] | None = None) -> Request:
        accepted = EVENT_STREAM if hear else "application/json"
        headers = {"Content-Type": "application/json", "Accept": accepted} | dict(speech.dialect.headers) | call.headers
        return Request(call.target.url, headers, body, call.seconds_left, hear)

    async def _follow(self, call: _Call, speech: Speech, task: Unfinished) -> CallResult:
        """Ask for the task until it has ended or waits for something. The message was handed, so silence from here on is no answer."""
        body = speech.dialect.task_request(speech.dialect.get, task.upstream["taskId"], speech.tenant)
        call.watch.begun(task.upstream)
        pause, unanswered, words = FIRST_PAUSE, 0, task.words
        while unanswered < FOLLOW_TRIES and call.seconds_left > pause:
            await asyncio.sleep(pause)
            outcome = await self._ask(call, speech, body)
            if isinstance(outcome, Unfinished):
                if outcome.words != words:
                    await _tell(call.watch, outcome)
                unanswered, words = 0, outcome.words
            elif (ended := _end_of_task(outcome)) is not None:
                return ended
            else:
                unanswered += 1
            pause = min(pause * PAUSE_GROWTH, PAUSE_LIMIT)
        return Failure(code="no_answer", detail="The agent took the message and did not finish its task in time.", retry=True)

    def _speech(self, target: CallTarget) -> Speech:
        declared = speech_of(target.agent_card, target.url)
        url, dialect = self._learnt.get(target.workspace_id, ("", declared.dialect))
        return replace(declared, dialect=dialect) if url == target.url else declared

    def _learn(self, target: CallTarget, dialect: Dialect) -> None:
        self._learnt[target.workspace_id] = (target.url, dialect)
        self._learnt.move_to_end(target.workspace_id)
        if len(self._learnt) > REMEMBERED:
            self._learnt.popitem(last=False)


async def _tell(watch: Watch, outcome: Meaning) -> None:
    if isinstance(outcome, Unfinished):
        watch.begun(outcome.upstream)
        if outcome.words:
            await watch.progress({"parts": outcome.words})


def _refused(outcome: Meaning | NotHanded) -> bool:
    """Whether an agent that was asked for a stream did nothing at all: it may offer less than its card says."""
    return isinstance(outcome, WrongDialect) or (isinstance(outcome, Failure) and outcome.code == "agent_error" and not outcome.retry)


def _end_of_task(outcome: Meaning | NotHanded) -> CallResult | None:
    """What an answer to "how is the task" settles; None for one that may be different next time."""
    match outcome:
        case WrongDialect() | Failure(code="agent_error", retry=False):
            return Failure(code="task_lost", detail="The agent took the message and does not know its task any more.", retry=True)
        case NotHanded() | Failure(retry=True) | Unfinished():
            return None
        case _:
            return outcome


def message_of(delivery: Delivery) -> Json:
    """The message with what the server says about it, under ``metadata.postroom``; what the sender wrote there is overwritten.

    The key to dedupe by is the message's id, as in the header: a sender's own key is unique for that sender only.
    """
    sender = delivery.sender
    words = {
        "sender": {"kind": sender.kind, "id": str(sender.id), "name": sender.name, "role": sender.role},
        "attempt": delivery.attempt,
        "deadline": rfc3339(delivery.deadline),
        "idempotency_key": str(delivery.message_id),
        "on_behalf_of": list(delivery.chain),
        "report": delivery.report,
    }
    metadata: Json = delivery.message.get("metadata") or {}
    return {"contextId": delivery.thread_id} | delivery.message | {"metadata": metadata | {"postroom": words}}


def headers_of(delivery: Delivery) -> dict[str, str]:
    """The headers of the contract. None of the sender's own headers or credentials is among them (L24)."""
    headers = {
        "Idempotency-Key": str(delivery.message_id),
        "X-Postroom-Message-Id": str(delivery.message_id),
        "X-Postroom-Attempt": str(delivery.attempt),
        "X-Postroom-Deadline": rfc3339(delivery.deadline),
    }
    child = child_of(delivery.traceparent)
    return headers if child is None else headers | {"traceparent": child}


def child_of(traceparent: str | None) -> str | None:
    """A new span of the same trace (W3C Trace Context, version 00); None where there is no trace that can be read."""
    match = _TRACEPARENT.fullmatch(traceparent or "")
    return match and f"00-{match['trace']}-{secrets.token_hex(8)}-{match['flags']}"
