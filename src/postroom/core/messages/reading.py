"""Use cases of those who read: conversations a page at a time, and which of them have something new.

What is new is decided by a mark for each reader, which moves forward only: whichever of their devices tells how far it has read, and in
whatever order it arrives.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from postroom.core.events import store as event_store
from postroom.core.events.model import EventType
from postroom.core.identity.model import Principal
from postroom.core.identity.service import require_manager
from postroom.core.messages import store
from postroom.core.messages.model import Chat, HistoryPage, Json, Passage, Stretch, ThreadPage, TrafficPage
from postroom.core.messages.store import Moment
from postroom.core.registry.service import Workspaces
from postroom.db.database import Connection, Database
from postroom.db.signals import Signals
from postroom.errors import Forbidden, NotFound, Refused

# What one search looks at, in messages and in bytes as they are stored (files may stand within them); whoever wants more goes on from where
# it stopped.
SEARCHED = 1000
_SEARCHED_BYTES = 16 * 1024 * 1024
# The last number that the database counts to; no mailbox comes to it.
_FURTHEST = 2**63 - 1
# What one call looks at to list threads: of each message only where it belongs.
THREADED = 5000

Place = TypeVar("Place", int, UUID)

_FIRST, _LAST = UUID(int=0), UUID(int=2**128 - 1)
_NEVER = (datetime.max.replace(tzinfo=UTC), _LAST)


class Reading:
    """Conversations as they are read."""

    def __init__(self, db: Database, signals: Signals, *, workspaces: Workspaces) -> None:
        self._db = db
        self._signals = signals
        self._workspaces = workspaces

    async def history(self, principal: Principal, workspace: UUID, passage: Passage) -> HistoryPage:
        """A page of what was said, oldest first.

        Raises NotFound, Gone, Forbidden (a peer's conversation is not the caller's), Refused (``around`` goes with no other place).
        """
        await self._permit(principal, workspace)
        _require_one_place(passage)
        if passage.around is None:
            return await self._page(workspace, passage)
        return await self._page_around(workspace, passage, passage.around)

    async def _page_around(self, workspace: UUID, passage: Passage, place: int) -> HistoryPage:
        """The place and what is before it, then what is after it; it goes on before."""
        newer = passage.limit // 2
        before = await self._page(workspace, replace(passage, before=min(place, _FURTHEST - 1) + 1, limit=passage.limit - newer))
        after = await self._page(workspace, replace(passage, after=place, limit=newer))
        return HistoryPage(entries=[*before.entries, *after.entries], next=before.next)

    async def _page(self, workspace: UUID, passage: Passage) -> HistoryPage:
        # One more than is shown tells whether there is more; a search passes by what does not have the words, as far as it may.
        most = passage.limit + 1 if passage.words is None else SEARCHED
        entries, edge, ended = await store.read_history(self._db, workspace, passage, most=most, most_bytes=_SEARCHED_BYTES)
        following = _following([entry.seq for entry in entries], passage.limit, edge, ended=ended)
        return HistoryPage(entries=entries if passage.after is not None else entries[::-1], next=following)

    async def traffic(self, principal: Principal, workspace: UUID, stretch: Stretch) -> TrafficPage:
        """A page of what this workspace and other agents said to each other, in their mailboxes and its own, oldest first.

        In the order of time: numbers count within one mailbox only. Raises as ``history``, and NotFound for a place that is not there.
        """
        await self._permit(principal, workspace)
        _require_one_place(stretch)
        before, after, around = [await self._moment(workspace, place) for place in (stretch.before, stretch.after, stretch.around)]
        if around is not None:
            return await self._traffic_around(workspace, stretch, around)
        earlier = _NEVER if stretch.before_time is None else (stretch.before_time, _FIRST)
        return await self._traffic(workspace, stretch, min(before or _NEVER, earlier), after)

    async def _traffic_around(self, workspace: UUID, stretch: Stretch, place: Moment) -> TrafficPage:
        newer, behind = stretch.limit // 2, (place[0], UUID(int=place[1].int + 1))
        before = await self._traffic(workspace, replace(stretch, limit=stretch.limit - newer), behind, None)
        after = await self._traffic(workspace, replace(stretch, limit=newer), _NEVER, place)
        return TrafficPage(lines=[*before.lines, *after.lines], next=before.next)

    async def _traffic(self, workspace: UUID, stretch: Stretch, before: Moment, after: Moment | None) -> TrafficPage:
        most = stretch.limit + 1 if (stretch.words, stretch.thread) == (None, None) else SEARCHED
        lines, edge, ended = await store.read_traffic(
            self._db, workspace, stretch, before=before, after=after, most=most, most_bytes=_SEARCHED_BYTES
        )
        following = _following([line.entry.id for line in lines], stretch.limit, edge, ended=ended)
        return TrafficPage(lines=lines if after is not None else lines[::-1], next=following)

    async def _moment(self, workspace: UUID, message: UUID | None) -> Moment | None:
        if message is None:
            return None
        at = await store.find_moment(self._db, workspace, message)
        if at is None:
            raise NotFound("There is no such message to go on from.")
        return at, message

    async def threads(self, principal: Principal, workspace: UUID, *, before: int | None, limit: int) -> ThreadPage:
        """The threads of the people's conversation, the most recently spoken first. Each call looks at a bounded part of it.

        Raises NotFound, Gone, Forbidden.
        """
        await self._permit(principal, workspace)
        threads, edge, ended = await store.list_threads(self._db, workspace, before, most=THREADED, limit=limit)
        return ThreadPage(threads=threads, next=_following([thread.last.seq for thread in threads], limit, edge, ended=ended))

    async def part(self, principal: Principal, workspace: UUID, message: UUID, number: int) -> Json:
        """One part of a message of its conversations, counted from 0. Raises NotFound, Gone, Forbidden."""
        await self._permit(principal, workspace)
        part = await store.find_part(self._db, workspace, message, number)
        if part is None:
            raise NotFound("There is no such part.")
        return part

    async def _permit(self, principal: Principal, workspace: UUID) -> None:
        await self._workspaces.get(principal, workspace, removed=True)
        if not principal.manages and principal.id != workspace:
            raise Forbidden("A workspace reads its own history only.")

    async def chats(self, principal: Principal) -> Sequence[Chat]:
        """The people's conversations with every agent, the most recently spoken first. Raises Forbidden."""
        require_manager(principal)
        return await store.list_chats(self._db, principal.id)

    async def mark_read(self, principal: Principal, workspace: UUID, seq: int) -> Chat:
        """The caller has read as far as this; never less far than before. Raises NotFound, Gone, Forbidden."""
        await self._workspaces.get(principal, workspace)
        require_manager(principal)

        async def act(connection: Connection) -> None:
            moved = await store.mark_read(connection, principal.id, workspace, seq)
            if moved is not None:
                told = {"seq": moved}
                await event_store.insert_event(
                    connection, EventType.READ, workspace, actor_kind=principal.kind.value, actor=principal.id, payload=told
                )

        await self._db.transaction(act)
        self._signals.emit("events")
        return (await store.list_chats(self._db, principal.id, workspace))[0]


def _following(shown: Sequence[Place], limit: int, edge: Place | None, *, ended: bool) -> Place | None:
    """Where the page after this one begins: after what is shown, where that is all that may be, else where the look stopped (``edge``)."""
    stopped = shown[-1] if shown and len(shown) == limit else edge
    more = stopped != edge or not ended
    return stopped if more else None


def _require_one_place(asked: Passage | Stretch) -> None:
    others = (asked.before, asked.after, asked.before_time, asked.words)
    if asked.around is not None and others != (None, None, None, None):
        raise Refused("around goes with neither before, after, before_ts nor q.", code="invalid", fields=["around"])
