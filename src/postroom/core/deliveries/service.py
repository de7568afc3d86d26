"""Use cases of deliveries: hand out, extend, finish, give back, cancel, and what time does by itself."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson

from postroom.clock import jittered, monotonic
from postroom.core.deliveries import store
from postroom.core.deliveries.model import (
    CallTarget,
    Claim,
    Claimed,
    Delivery,
    End,
    Ended,
    Extension,
    Failure,
    Finish,
    Hold,
    Json,
    Reply,
    Return,
    ReturnKind,
    Written,
)
from postroom.core.events import store as event_store
from postroom.core.events.model import EventType
from postroom.core.files.service import Files
from postroom.db.batching import Batcher
from postroom.db.database import Database
from postroom.db.signals import Signals
from postroom.errors import Conflict, LeaseLost, NotFound, Superseded, Unauthenticated
from postroom.failpoints import reach
from postroom.ids import new_id
from postroom.metrics import FINISHED, HANDED, LEASES_LOST, RETURNED
from postroom.settings import Settings

_PREVIEW = 280
_REAPED_AT_ONCE = 200


class Deliveries:
    """The lease state machine. Every write about a hand-out carries its token."""

    def __init__(self, db: Database, settings: Settings, signals: Signals, *, files: Files, server: UUID) -> None:
        self._db = db
        self._settings = settings
        self._signals = signals
        self._files = files
        self.server = server
        # Plugged in by who keeps callers waiting: what has just ended, and how.
        self.on_end: Callable[[Ended], None] = lambda _ended: None
        size, lanes = settings.batch_size, settings.lanes
        self.finishes: Batcher[Finish, Written] = Batcher(
            "finish", self._write_finishes, lanes=lanes, size=size, subject=lambda item: item.hold.message_id
        )
        self.claims: Batcher[Claim, Claimed] = Batcher("claim", self._write_claims, lanes=1, size=size)

    # Hand out

    async def claim_calls(self, most: int) -> list[tuple[Delivery, CallTarget]]:
        """Lease what is due for agents that are called, at most so many."""
        reach("claim.calls_due")
        leases = await store.claim_calls(self._db, self.server, most, self._settings.lease_seconds, self._settings.attempt_limit)
        if not leases:
            return []
        reach("claim.calls_committed")
        self._count_handed("call", len(leases), lost=sum(lease.lost for lease in leases))
        return await store.read_calls(self._db, leases)

    async def claim_post(self, claim: Claim) -> list[Delivery]:
        """Lease what is due in one mailbox for its agent; empty when there is nothing.

        Raises Unauthenticated, and Conflict (``delivery_mode``) where post is brought to a URL.
        """
        reach("claim.post_received")
        claimed = await self.claims.submit(claim)
        match claimed.refused:
            case "unauthenticated":
                raise Unauthenticated("This needs a valid token.")
            case "called":
                raise brought_to_url()
            case _:
                return claimed.deliveries

    async def wait_for_post(self, claim: Claim, seconds: float, enough: Callable[[], Awaitable[bool]]) -> list[Delivery]:
        """What is due, waiting for the first for at most so long; nothing when there is ``enough``, asked about once a second."""
        give_up = monotonic() + seconds
        # Listening begins before the first look: what comes in between is not slept through.
        with self._signals.subscribe(f"post:{claim.workspace_id}") as post:
            while True:
                deliveries = await self.claim_post(claim)
                left = give_up - monotonic()
                if deliveries or left <= 0:
                    return deliveries
                await post.wait(min(left, jittered(self._settings.poll_seconds)))
                if await enough():
                    return []

    async def _write_claims(self, claims: Sequence[Claim]) -> list[Claimed]:
        found = await store.claim_post(self._db, claims, self._settings.attempt_limit)
        handed = sum(len(claimed.deliveries) for claimed in found)
        if handed:
            reach("claim.post_committed")
            self._count_handed("fetch", handed, lost=sum(claimed.lost for claimed in found))
            self._signals.emit("events")
        return found

    def _count_handed(self, way: str, leases: int, *, lost: int) -> None:
        HANDED.labels(way).inc(leases)
        LEASES_LOST.labels("ran_out").inc(lost)

    async def extend(self, holds: Sequence[Hold], lease: float) -> dict[UUID, Extension]:
        """Make leases last ``lease`` seconds from now; who is missing in the answer has lost it."""
        if not holds:
            return {}
        reach("extend.asked")
        extensions = await store.extend_work(self._db, holds, lease)
        reach("extend.committed")
        return {extension.message_id: extension for extension in extensions}

    async def extend_one(self, hold: Hold, lease: float) -> Extension:
        """Raises LeaseLost."""
        extensions = await self.extend([hold], lease)
        if hold.message_id not in extensions:
            LEASES_LOST.labels("extend").inc()
            raise LeaseLost("This lease is not yours any more: another hand-out counts, or the message has ended.")
        return extensions[hold.message_id]

    async def report_progress(self, hold: Hold, progress: Json) -> bool:
        """Keep and show how far the agent is; True when the sender asked to cancel. Raises LeaseLost, and Refused for its files."""
        progress = await self._files.name_in(progress, "workspace", hold.workspace_id)

        async def act(connection: Any) -> bool:
            row = await store.find_holding(connection, hold)
            if row is None or not row["held"]:
                raise LeaseLost("This lease is not yours any more: another hand-out counts, or the message has ended.")
            payload = {**progress, "thread_id": row["thread_id"], "token": hold.token}
            await event_store.insert_event(
                connection,
                EventType.PROGRESS,
                hold.workspace_id,
                actor_kind="workspace",
                actor=hold.workspace_id,
                payload=payload,
                message=hold.message_id,
                peer=row["peer_id"],
            )
            await self._files.attach(connection, progress, hold.message_id)
            reach("progress.noted")
            return row["cancel"]

        cancel = await self._db.transaction(act)
        reach("progress.committed")
        self._signals.emit("events", f"progress:{hold.message_id}")
        return cancel

    # Finish

    async def reply(self, hold: Hold, reply: Reply) -> Written:
        """The answer. The same one again is answered alike. Raises Superseded, LeaseLost, NotFound, Unauthenticated, Refused."""
        reply = replace(reply, message=await self._files.name_in(reply.message, "workspace", hold.workspace_id))
        body = orjson.dumps([reply.message, reply.interrupted], option=orjson.OPT_SORT_KEYS)
        finish = Finish(
            hold=hold,
            state=End.REPLIED,
            fingerprint=hashlib.sha256(body).digest(),
            reply_id=new_id(),
            reply=reply,
            preview=preview_of(reply.message),
        )
        return await self._finish(finish, len(body))

    async def fail(self, hold: Hold, failure: Failure) -> Written:
        """A failure that another attempt may mend is retried, another ends the message. Raises as ``reply`` does."""
        error = {"code": failure.code, "detail": failure.detail}
        if failure.retry:
            return await self.give_back(Return(hold=hold, kind=ReturnKind.RETRY, error=error))
        fingerprint = hashlib.sha256(orjson.dumps(["failed", error])).digest()
        return await self._finish(
            Finish(hold=hold, state=End.FAILED, fingerprint=fingerprint, error=error, preview=failure.detail[:_PREVIEW]), 0
        )

    async def confirm_cancel(self, hold: Hold) -> Written:
        """The agent stopped. Raises as ``reply`` does."""
        error = {"code": "cancelled", "detail": "Cancelled by its sender."}
        return await self._finish(Finish(hold=hold, state=End.CANCELLED, fingerprint=hashlib.sha256(b"cancelled").digest(), error=error), 0)

    async def _finish(self, finish: Finish, size: int) -> Written:
        reach("finish.received")
        written = await self.finishes.submit(finish, size=size)
        reach("finish.settled")
        if written.verdict == "done":
            FINISHED.labels(finish.state.value).inc()
        return self._settled(written)

    async def _write_finishes(self, items: Sequence[Finish]) -> list[Written]:
        reach("finish.batched")
        found = await store.finish_work(self._db, items)
        reach("finish.committed")
        # Here and not in ``_finish``: the agent that replied may be gone, and who waits for its reply has to hear of it all the same.
        for item, written in zip(items, found, strict=True):
            self._tell(item, written)
            self._wake(written)
        return found

    def _tell(self, item: Finish, written: Written) -> None:
        if written.verdict == "done" and written.ended_at is not None:
            self.on_end(
                Ended(
                    message_id=written.message_id,
                    state=item.state,
                    attempts=written.attempts,
                    at=written.ended_at,
                    reply_id=item.reply_id,
                    reply=item.reply,
                    error=item.error,
                )
            )

    async def give_back(self, item: Return) -> Written:
        """A hand-out without an end: retry, not handed, or released. Raises as ``reply`` does."""
        limits = (self._settings.attempt_limit, self._settings.backoff_seconds, self._settings.backoff_limit)
        reach("give_back.received")
        written = (await store.return_work(self._db, [item], *limits))[0]
        reach("give_back.committed")
        self._wake(written)
        if written.verdict == "done":
            RETURNED.labels(item.kind.value).inc()
        elif written.verdict in ("failed", "cancelled"):
            FINISHED.labels(written.verdict).inc()
        return self._settled(written)

    def _settled(self, written: Written) -> Written:
        match written.verdict:
            case "lease_lost":
                LEASES_LOST.labels("late").inc()
                raise LeaseLost("This lease is not yours any more: another hand-out counts.")
            case "superseded":
                LEASES_LOST.labels("superseded").inc()
                raise Superseded("This message has already ended.", message_id=str(written.message_id))
            case "not_found":
                raise NotFound("There is no such message in this mailbox.")
            case "unauthenticated":
                raise Unauthenticated("This needs a valid token.")
            case _:
                return written

    def _wake(self, written: Written) -> None:
        topics = ["events", f"end:{written.message_id}"]
        if written.promoted:
            topics.append("calls" if written.called else f"post:{written.workspace_id}")
        if written.reader is not None:
            topics.append("calls" if written.reader_called else f"post:{written.reader}")
        self._signals.emit(*topics)

    # Cancel, and what time brings

    async def cancel(self, message: UUID, actor_kind: str, actor: UUID) -> str:
        """Returns ``cancelled`` or ``requested`` (its holder was asked) or ``ended``; raises NotFound."""
        reach("cancel.received")
        written = await store.cancel_work(self._db, message, actor_kind, actor)
        reach("cancel.committed")
        if written.verdict == "not_found":
            raise NotFound("There is no such message.")
        if written.verdict == "cancelled":
            FINISHED.labels("cancelled").inc()
        self._wake(written)
        self._signals.emit("cancels")
        return written.verdict

    async def wanted_cancels(self, workspace: UUID) -> list[UUID]:
        """Messages that this agent holds and nobody wants any more."""
        return await store.list_cancels(self._db, workspace)

    async def reap(self) -> int:
        """End what time has ended; returns how many."""
        reach("reap.due")
        ended = await store.reap_work(self._db, self._settings.attempt_limit, _REAPED_AT_ONCE)
        if ended:
            reach("reap.committed")
        for written in ended:
            FINISHED.labels(written.verdict).inc()
            self._wake(written)
        return len(ended)


def brought_to_url() -> Conflict:
    """The refusal of a claim where there is nothing to claim."""
    return Conflict("This workspace is called at its URL and does not fetch.", code="delivery_mode", delivery_mode="push")


def preview_of(message: Json) -> str | None:
    """The first words of a message, whole characters only (lessons.md, L10)."""
    parts: list[Json] = message.get("parts") or []
    return " ".join(part["text"] for part in parts if isinstance(part.get("text"), str))[:_PREVIEW] or None
