"""Calls agents that have a URL: hands a message over as A2A JSON-RPC and brings back what became of it.

One call, in order: put the server's own words into the message, POST it, read the answer, as a stream where the agent's card offers one;
ask without a stream, or in the other version of A2A, if the agent does not know this one; follow a task that is not finished until it is.
The answer comes back as a value, never as an exception; what the agent tells meanwhile goes to the call's watch.

A message's deadline is told to the agent but not timed here: it is a time of the database's clock, and this host's clock may disagree.
Whoever ends an overdue message also cancels this call; ``call_seconds`` bounds it in any case, on the monotonic clock.
"""

import asyncio
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import structlog

from postroom.clock import monotonic
from postroom.core.deliveries.model import UNWATCHED, CallResult, CallTarget, Delivery, Failure, NotHanded, Watch
from postroom.edges.push.answers import Meaning, Unfinished, WrongDialect, meaning_of
from postroom.edges.push.connections import EVENT_STREAM, Answer, Connections, Request
from postroom.edges.push.dialects import Speech, speech_of
from postroom.edges.push.enclosing import Enclosed, Parcel, ReadFile
from postroom.edges.push.streams import Stream
from postroom.edges.push.telling import Telling
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
    telling: Telling

    @property
    def seconds_left(self) -> float:
        return max(0.0, self.ends - monotonic())


class PushCaller:
    """The Caller port over HTTP. ``call_seconds`` is for one call with all that follows from it."""

    def __init__(self, connections: Connections, *, read_file: ReadFile, call_seconds: float) -> None:
        self._connections = connections
        self._read_file = read_file
        self._call_seconds = call_seconds
        # How agents were spoken to that refused what their card says. A hint, so it needs no store: a wrong one costs one request.
        self._learnt: OrderedDict[UUID, tuple[str, Speech]] = OrderedDict()

    async def call(self, delivery: Delivery, target: CallTarget, watch: Watch = UNWATCHED) -> CallResult:
        """Hand the message to the agent and bring its answer."""
        call = _Call(target, headers_of(delivery), monotonic() + self._call_seconds, Telling(watch))
        sent, speech = Enclosed(message_of(delivery), self._read_file), self._speech(target)
        outcome = await self._send(call, speech, sent)
        if isinstance(outcome, WrongDialect):
            speech, outcome = await self._send_otherwise(call, speech, sent, outcome.failure)
        if not isinstance(outcome, Unfinished):
            return outcome
        async with call.telling.going():
            return await self._follow(call, speech, outcome)

    async def cancel(self, target: CallTarget, upstream: Json) -> None:
        """Tell the agent once that its task is no longer wanted; whether it heard is only logged."""
        task_id = upstream.get("taskId")
        if not isinstance(task_id, str):
            return
        speech = self._speech(target)
        call = _Call(target, {}, monotonic() + CANCEL_SECONDS, Telling(UNWATCHED))
        outcome = await self._ask(call, speech, speech.dialect.task_request(speech.dialect.cancel, task_id, speech.tenant))
        log.info("push.cancel", workspace_id=str(target.workspace_id), outcome=type(outcome).__name__)

    async def _send(self, call: _Call, speech: Speech, sent: Enclosed) -> Meaning | NotHanded:
        request_id = call.headers["X-Postroom-Message-Id"]
        if speech.streams:
            return await self._stream(call, speech, sent.within(speech.dialect.stream_request(sent.message, request_id, speech.tenant)))
        return await self._ask(call, speech, sent.within(speech.dialect.message_request(sent.message, request_id, speech.tenant)))

    async def _send_otherwise(
        self, call: _Call, speech: Speech, sent: Enclosed, refused: Failure
    ) -> tuple[Speech, CallResult | Unfinished]:
        """The agent did nothing: ask it less, or in the other version, and remember what it takes."""
        for other in speech.others():
            outcome = await self._send(call, other, sent)
            if not isinstance(outcome, WrongDialect):
                self._learn(call.target, other)
                return other, outcome
        return speech, refused

    async def _stream(self, call: _Call, speech: Speech, body: bytes | Parcel) -> Meaning | NotHanded:
        stream = Stream(call.telling)
        async with call.telling.going():
            return stream.outcome(await self._connections.post(self._request(call, speech, body, stream)))

    async def _ask(self, call: _Call, speech: Speech, body: bytes | Parcel) -> Meaning | NotHanded:
        posted = await self._connections.post(self._request(call, speech, body))
        return meaning_of(posted) if isinstance(posted, Answer) else posted

    def _request(self, call: _Call, speech: Speech, body: bytes | Parcel, listener: Stream | None = None) -> Request:
        accepted = EVENT_STREAM if listener else "application/json"
        headers = {"Content-Type": "application/json", "Accept": accepted} | dict(speech.dialect.headers) | call.headers
        return Request(call.target.url, headers, body, call.seconds_left, listener)

    async def _follow(self, call: _Call, speech: Speech, task: Unfinished) -> CallResult:
        """Ask for the task until it has ended or waits for something. The message was handed, so silence from here on is no answer."""
        body = speech.dialect.task_request(speech.dialect.get, task.upstream["taskId"], speech.tenant)
        call.telling.begun(task.upstream)
        call.telling.words(task.words)
        pause, unanswered = FIRST_PAUSE, 0
        while unanswered < FOLLOW_TRIES and call.seconds_left > pause:
            await asyncio.sleep(pause)
            outcome = await self._ask(call, speech, body)
            if isinstance(outcome, Unfinished):
                call.telling.words(outcome.words)
                unanswered = 0
            elif (ended := _end_of_task(outcome)) is not None:
                return ended
            else:
                unanswered += 1
            pause = min(pause * PAUSE_GROWTH, PAUSE_LIMIT)
        return Failure(code="no_answer", detail="The agent took the message and did not finish its task in time.", retry=True)

    def _speech(self, target: CallTarget) -> Speech:
        declared = speech_of(target.agent_card, target.url)
        url, taken = self._learnt.get(target.workspace_id, ("", declared))
        return replace(taken, tenant=declared.tenant) if url == target.url else declared

    def _learn(self, target: CallTarget, speech: Speech) -> None:
        self._learnt[target.workspace_id] = (target.url, speech)
        self._learnt.move_to_end(target.workspace_id)
        if len(self._learnt) > REMEMBERED:
            self._learnt.popitem(last=False)


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
