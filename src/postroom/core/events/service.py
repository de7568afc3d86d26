"""Use cases of events: read the feed from a cursor, without a gap, and be told when a cursor is of no use any more."""

import asyncio
from datetime import datetime
from uuid import UUID

from postroom.core.events import store
from postroom.core.events.model import Event, EventFilter, Position
from postroom.core.identity.model import Principal
from postroom.db.database import Database
from postroom.errors import Forbidden, Gone, Malformed
from postroom.metrics import PRUNED

PAGE = 500


class Events:
    """The feed. ``workspace`` None is everything, for those who may see everything."""

    def __init__(self, db: Database, installation: UUID) -> None:
        self._db = db
        self.installation = installation
        # Readers that stand at the same place share one look into the database.
        self._reading: dict[tuple[UUID | None, Position], asyncio.Future[list[Event]]] = {}

    def permit(self, principal: Principal, workspace: UUID | None) -> None:
        """Raises Forbidden unless this feed is theirs: a workspace reads its own."""
        if not principal.manages and workspace != principal.id:
            raise Forbidden("A workspace reads its own feed only.")

    async def start(self, cursor: str | None) -> Position:
        """Where to begin: after the cursor, or from now on. Raises Malformed, or Gone for a cursor whose future was pruned."""
        horizon = await store.find_horizon(self._db)
        if cursor is None:
            return Position(int(horizon["now_xid"]) - 1, 2**63 - 1)
        position = Position.decode(cursor, self.installation)
        if position < Position(int(horizon["floor_xid"]), horizon["floor_id"]):
            raise Gone("The feed does not reach back that far: read the history, then follow from now.", code="cursor_pruned")
        if position.xid >= int(horizon["next_xid"]):
            raise Malformed("This cursor is from another database.", code="bad_cursor")
        return position

    async def after(self, workspace: UUID | None, position: Position) -> list[Event]:
        """The next events after a position, at most PAGE."""
        key = (workspace, position)
        if key not in self._reading:
            reading: asyncio.Future[list[Event]] = asyncio.get_running_loop().create_future()
            self._reading[key] = reading
            try:
                reading.set_result(await self._read(workspace, position))
            finally:
                del self._reading[key]
                # Whoever shares a look that failed, or whose looker left, looks again by itself.
                reading.cancel()
            return reading.result()
        return await self._shared(workspace, position, self._reading[key])

    async def _shared(self, workspace: UUID | None, position: Position, reading: "asyncio.Future[list[Event]]") -> list[Event]:
        await asyncio.wait([reading])
        return await self._read(workspace, position) if reading.cancelled() else reading.result()

    async def _read(self, workspace: UUID | None, position: Position) -> list[Event]:
        if workspace is None:
            return await store.read_all(self._db, position, PAGE)
        return await store.read_workspace(self._db, workspace, position, PAGE)

    async def page(
        self, workspace: UUID | None, *, cursor: str | None, before: datetime | str | None, limit: int, only: EventFilter
    ) -> list[Event]:
        """A page, oldest first: after the cursor, or the newest there are, before a time or another cursor. Raises as ``start`` does."""
        if cursor is not None:
            return await store.read_later(self._db, workspace, await self.start(cursor), limit, only)
        place = await self.start(before) if isinstance(before, str) else before
        return (await store.read_recent(self._db, workspace, place, limit, only))[::-1]

    async def prune(self, days: int, most: int) -> bool:
        """Forget events older than that, oldest first; messages are not touched. Returns whether there may be more than ``most``."""
        pruned = await store.prune_events(self._db, days, most)
        PRUNED.inc(pruned)
        return pruned == most
