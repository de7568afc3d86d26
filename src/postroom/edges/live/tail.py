"""The newest events, read once per process and shared by all open feeds.

A feed that has caught up takes what is new from here: one read of the database serves a thousand of them. A feed that is further behind
reads its own pages until it has caught up. There is no task behind this: whoever looks first reads for everybody.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from postroom.clock import monotonic
from postroom.core.events.model import Event, Position
from postroom.core.events.service import PAGE, Events
from postroom.edges.live.frames import frame_of

KEPT: Final = 2000
"""Events that are held in memory; a feed that falls further behind reads by itself."""

# Open feeds look every second or so; after this long there was none.
_STALE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Entry:
    """An event and its frame, which is written once for all."""

    event: Event
    cursor: str
    frame: bytes

    def concerns(self, workspace: UUID | None) -> bool:
        """Whether it belongs to this feed; None is the feed of everything."""
        return workspace is None or workspace in (self.event.workspace_id, self.event.peer_id)


@dataclass(frozen=True, slots=True)
class Page:
    """What comes next, where the reader stands after it, and whether there may be more at once."""

    entries: Sequence[Entry]
    position: Position
    more: bool


class Tail:
    """Everything after ``_floor`` up to ``_end``, in the feed's order."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._reading = asyncio.Lock()
        self._read_at = monotonic()
        self._entries: list[Entry] = []
        self._positions: list[Position] = []
        self._floor: Position | None = None
        self._end = Position(0, 0)
        self._behind = False

    def _begin(self, floor: Position | None) -> None:
        self._entries, self._positions, self._behind = [], [], False
        self._floor, self._end = floor, floor or Position(0, 0)
        self._read_at = monotonic()

    async def after(self, workspace: UUID | None, position: Position, since: float) -> Page:
        """The next page of a feed. Nothing that was committed before ``since`` (a local time) is missed."""
        if monotonic() - self._read_at > _STALE_SECONDS:
            # Nobody has read for long: what came meanwhile is not worth reading, the next reader begins anew.
            self._begin(None)
        if self._floor is None or position < self._floor:
            return await self._catch_up(workspace, position)
        if self._end <= position or self._behind:
            await self._read_on(since)
        return self._held(workspace, position)

    def _held(self, workspace: UUID | None, position: Position) -> Page:
        if self._floor is None or position < self._floor:
            # While we waited for the read, more arrived than is kept.
            return Page([], position, more=True)
        later = self._entries[bisect_right(self._positions, position) :]
        return Page([entry for entry in later if entry.concerns(workspace)], max(position, self._end), more=self._behind)

    async def _catch_up(self, workspace: UUID | None, position: Position) -> Page:
        # Taken before the read: everything up to here can be seen by it, so a page that is not full has brought all of that.
        end = self._end
        events = await self._events.after(workspace, position)
        entries = [self._entry(event) for event in events]
        if len(events) == PAGE:
            return Page(entries, events[-1].position, more=True)
        reached = events[-1].position if events else position
        if self._floor is None:
            self._begin(reached)
        return Page(entries, max(reached, end), more=False)

    async def _read_on(self, since: float) -> None:
        async with self._reading:
            if self._read_at >= since:
                return
            read_at, end = monotonic(), self._end
            events = await self._events.after(None, end)
            if self._floor is None or self._end != end:
                return
            self._behind = len(events) == PAGE
            if not self._behind:
                self._read_at = read_at
            self._keep([self._entry(event) for event in events])

    def _keep(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        held = [*self._entries, *entries]
        if len(held) > KEPT:
            self._floor = held[-KEPT - 1].event.position
            held = held[-KEPT:]
        self._entries = held
        self._positions = [entry.event.position for entry in held]
        self._end = held[-1].event.position

    def _entry(self, event: Event) -> Entry:
        cursor = event.position.encode(self._events.installation)
        return Entry(event, cursor, frame_of(event, cursor))
