"""Use cases of those who read: conversations a page at a time, and which of them have something new.

What is new is decided by a mark for each reader, which moves forward only: whichever of their devices tells how far it has read, and in
whatever order it arrives.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from postroom.core.events import store as event_store
from postroom.core.events.model import EventType
from postroom.core.identity.model import Principal
from postroom.core.identity.service import require_manager
from postroom.core.messages import store
from postroom.core.messages.model import Chat, HistoryPage, Json, Passage
from postroom.core.registry.service import Workspaces
from postroom.db.database import Connection, Database
from postroom.db.signals import Signals
from postroom.errors import Forbidden, NotFound, Refused

# What one search looks at, in messages and in bytes as they are stored (files may stand within them); whoever wants more goes on from where
# it stopped.
SEARCHED = 1000
_SEARCHED_BYTES = 16 * 1024 * 1024


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
        if passage.around is None:
            return await self._page(workspace, passage)
        if (passage.before, passage.after, passage.before_time, passage.words) != (None, None, None, None):
            raise Refused("around goes with neither before, after, before_ts nor q.", code="invalid", fields=["around"])
        return await self._page_around(workspace, passage, passage.around)

    async def _page_around(self, workspace: UUID, passage: Passage, place: int) -> HistoryPage:
        """The place and what is before it, then what is after it; it goes on before."""
        newer = passage.limit // 2
        before = await self._page(workspace, replace(passage, before=place + 1, limit=passage.limit - newer))
        after = await self._page(workspace, replace(passage, after=place, limit=newer))
        return HistoryPage(entries=[*before.entries, *after.entries], next=before.next)

    async def _page(self, workspace: UUID, passage: Passage) -> HistoryPage:
        # One more than is shown tells whether there is more; a search passes by what does not have the words, as far as it may.
        most = passage.limit + 1 if passage.words is None else SEARCHED
        entries, edge, ended = await store.read_history(self._db, workspace, passage, most=most, most_bytes=_SEARCHED_BYTES)
        stopped = entries[-1].seq if entries and len(entries) == passage.limit else edge
        more = stopped != edge or not ended
        return HistoryPage(entries=entries if passage.after is not None else entries[::-1], next=stopped if more else None)

    async def part(self, principal: Principal, workspace: UUID, message: UUID, number: int) -> Json:
        """One part of a message of that conversation, counted from 0. Raises NotFound, Gone, Forbidden."""
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
