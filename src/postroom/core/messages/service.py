"""Use cases of messages: accept, wait for the end."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from uuid import UUID

import orjson

from postroom.clock import jittered, monotonic
from postroom.core.deliveries.model import CallTarget, Delivery
from postroom.core.deliveries.service import Deliveries, preview_of
from postroom.core.files.service import Files
from postroom.core.identity.model import Principal
from postroom.core.messages import store
from postroom.core.messages.endings import Endings
from postroom.core.messages.model import Draft, Receipt, Standing
from postroom.core.messages.refusals import refusal
from postroom.core.messages.store import Accept
from postroom.core.registry.service import Workspaces
from postroom.db.batching import Batcher
from postroom.db.database import Database, Row
from postroom.db.signals import Signals
from postroom.errors import Forbidden, NotFound, Unavailable
from postroom.failpoints import reach
from postroom.ids import new_id
from postroom.metrics import ACCEPTED, DUPLICATES, HANDED, REFUSED
from postroom.settings import Settings

_LENT = HANDED.labels("call")


class Messages:
    """The front of the one path. After ``accept`` returns, the message is kept, whatever happens to the caller."""

    def __init__(
        self, db: Database, settings: Settings, signals: Signals, *, files: Files, deliveries: Deliveries, workspaces: Workspaces
    ) -> None:
        self._db = db
        self._settings = settings
        self._signals = signals
        self._files = files
        self._deliveries = deliveries
        self._workspaces = workspaces
        size, lanes = settings.batch_size, settings.lanes
        self._endings = Endings()
        deliveries.on_end = self._endings.tell
        self.accepts: Batcher[Accept, Row] = Batcher("accept", self._write_accepts, lanes=lanes, size=size, subject=_subject)
        self.looks: Batcher[UUID, Standing | None] = Batcher("look", self._read_standings, lanes=1, size=256)
        # Plugged in by the deliver worker: may a lease be born with the message, and who takes it (``since`` when it was asked for,
        # on the monotonic clock).
        self.may_lend: Callable[[], bool] = lambda: False
        self.take: Callable[[Delivery, CallTarget, float], None] = lambda _delivery, _target, _since: None
        # Plugged in by the watch over the disk; None while there is room.
        self.no_room: Callable[[], Unavailable | None] = lambda: None

    async def accept(self, principal: Principal, draft: Draft) -> Receipt:
        """Keep a message and say by what it is known.

        Raises NotFound (no such workspace for this caller, or no such task), Gone, KeyReused, Refused, Conflict, TooMany, Unauthenticated,
        Unavailable; OutcomeUnknown when only a repeat with the same key can tell.
        """
        reach("accept.received")
        full_disk = self.no_room()
        if full_disk is not None:
            raise full_disk
        draft = await self._with_files(principal, draft)
        item = Accept(
            id=new_id(),
            draft=draft,
            principal=principal,
            fingerprint=_fingerprint(draft),
            preview=preview_of(draft.body),
            deadline=draft.deadline or self._settings.deadline_seconds,
            lend=self.may_lend(),
        )
        row = await self.accepts.submit(item, size=draft.size)
        reach("accept.settled")
        if row["verdict"] not in ("accepted", "duplicate"):
            REFUSED.labels(row["verdict"]).inc()
            raise refusal(row, self._settings)
        return store.receipt(row, draft)

    async def _with_files(self, principal: Principal, draft: Draft) -> Draft:
        """Before the transaction, and of another one: who names no file is not asked to wait for it."""
        body = await self._files.name_in(draft.body, principal.kind.value, principal.id)
        return draft if body is draft.body else replace(draft, body=body)

    async def _write_accepts(self, items: Sequence[Accept]) -> list[Row]:
        reach("accept.batched")
        since = monotonic()
        rows = await store.accept_messages(self._db, items, self._deliveries.server, self._settings)
        reach("accept.committed")
        # Here and not in ``accept``: the caller may be gone, and what was lent is ours to hand out all the same.
        for item, row in zip(items, rows, strict=True):
            self._follow_up(item, row, since)
        reach("accept.followed")
        return rows

    def _follow_up(self, item: Accept, row: Row, since: float) -> None:
        if row["verdict"] == "duplicate":
            DUPLICATES.inc()
        if row["verdict"] != "accepted":
            return
        ACCEPTED.inc()
        topics = ["events"]
        if row["token"] is not None:
            _LENT.inc()
            self.take(*store.born(row, item), since)
        elif row["active"]:
            topics.append("calls" if row["called"] else f"post:{row['workspace_id']}")
        self._signals.emit(*topics)

    # Waiting. A caller that waits is a reader: it owns nothing, and nothing changes when it goes.

    async def wait(self, message: UUID, seconds: float, enough: Callable[[], Awaitable[bool]], known: Standing | None = None) -> Standing:
        """Where a message stands when it has ended, the time is up, or nobody cares any more: ``enough`` is asked about once a second.

        ``known`` is how it stood just now.
        """
        give_up = monotonic() + seconds
        with self._signals.subscribe(f"end:{message}") as changed, self._endings.expect(message) as awaited:
            standing = known or await self.standing(message)
            while not standing.ended and (left := give_up - monotonic()) > 0:
                await changed.wait(min(left, jittered(self._settings.poll_seconds)))
                standing = standing.after(awaited.ended) if awaited.ended else await self.standing(message)
                if not standing.ended and await enough():
                    break
            return standing

    async def standing(self, message: UUID) -> Standing:
        """Where a message stands now; raises NotFound."""
        standing = await self.looks.submit(message)
        if standing is None:
            raise NotFound("There is no such message.")
        return standing

    async def _read_standings(self, messages: Sequence[UUID]) -> list[Standing | None]:
        found = await store.read_standings(self._db, messages)
        return [found.get(message) for message in messages]

    # Tasks: the A2A view of a message's life.

    async def task(self, principal: Principal, workspace: UUID, task: UUID) -> Standing:
        """The latest of a task, if the caller may see it; raises NotFound (``task_not_found``)."""
        return await self.standing(await self._latest(principal, workspace, task))

    async def cancel(self, principal: Principal, workspace: UUID, task: UUID) -> tuple[str, Standing]:
        """Ask for the end of a task; ``cancelled``, ``requested`` or ``ended``, and where it stands. Raises NotFound."""
        message = await self._latest(principal, workspace, task)
        verdict = await self._deliveries.cancel(message, principal.kind.value, principal.id)
        return verdict, await self.standing(message)

    async def _latest(self, principal: Principal, workspace: UUID, task: UUID) -> UUID:
        row = await store.find_message(self._db, task, workspace, principal)
        if row is None:
            raise NotFound("There is no such task.", code="task_not_found")
        return await store.find_latest(self._db, row["task_id"]) or row["id"]

    async def notify(self, principal: Principal, notice: Draft) -> Receipt:
        """An agent tells its people something; kept, then shown. Raises NotFound, Forbidden, KeyReused, Refused."""
        workspace = notice.workspace_id
        await self._workspaces.get(principal, workspace)
        if principal.workspace_id != workspace:
            raise Forbidden("Only the workspace's own token may do this.")
        notice = await self._with_files(principal, notice)
        row = await store.post_notice(self._db, new_id(), notice, _fingerprint(notice), preview_of(notice.body))
        if row["verdict"] == "key_reused":
            raise refusal(row, self._settings)
        self._signals.emit("events")
        return Receipt(
            message_id=row["message_id"],
            workspace_id=workspace,
            seq=row["seq"],
            thread_id=row["thread_id"],
            task_id=row["message_id"],
            duplicate=row["verdict"] == "duplicate",
        )


def _subject(item: Accept) -> object:
    """What a repeat would say again: a dead letter, or what the key stands for; without these, the message itself."""
    if item.draft.letter is not None:
        return item.draft.letter
    return (item.principal.id, item.draft.key) if item.draft.key is not None else item.id


def _fingerprint(draft: Draft) -> bytes:
    """What makes two sends the same: target, body, options (R12)."""
    said = [str(draft.workspace_id), draft.body, draft.options, draft.thread_id, draft.task_id and str(draft.task_id), draft.deadline]
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).digest()
