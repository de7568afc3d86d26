"""Which sessions this process sees alive: those with a request or a stream under way.

For as long their leases are extended, and their agents count as online.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog

from postroom.core.deliveries.keeping import Keeping
from postroom.core.deliveries.model import Session
from postroom.edges.presence import Presence
from postroom.errors import PostroomError
from postroom.metrics import FAULTS

log = structlog.get_logger()

# A broken stream leaves a lease of POSTROOM_LEASE_SECONDS: who sees the session alive elsewhere has several turns in that time.
_TURNS: Final = 4


@dataclass(slots=True)
class Life:
    """One request or stream; ``broken``: the client closed what tells of its life, or is gone."""

    broken: bool = False


class Sessions:
    """Signs of life, written down for all sessions at once."""

    def __init__(self, keeping: Keeping, presence: Presence, lease_seconds: float) -> None:
        self._keeping = keeping
        self._presence = presence
        self._every = lease_seconds / _TURNS
        self._open: Counter[Session] = Counter()
        # A turn that was under way when a stream broke must not extend after it what the break cut short.
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Extend what open sessions hold, until cancelled."""
        while True:
            await asyncio.sleep(self._every)
            async with self._turn:
                await self._note(list(self._open))

    @asynccontextmanager
    async def open(self, session: Session) -> AsyncGenerator["Life"]:
        """A request or a stream of the session: a sign of life as it begins, and for as long as the block runs."""
        life = Life()
        self._open[session] += 1
        try:
            await self._note([session])
            yield life
        finally:
            self._open[session] -= 1
            if not self._open[session]:
                del self._open[session]
        if life.broken and session not in self._open:
            await self._break_off(session)

    async def _break_off(self, session: Session) -> None:
        try:
            async with self._turn:
                await self._keeping.break_off(session)
        except PostroomError as error:
            # The leases run out all the same, later.
            log.info("mcp.not_broken_off", workspace_id=str(session.workspace_id), reason=error.name)

    async def _note(self, sessions: list[Session]) -> None:
        await self._presence.touch(*{session.workspace_id for session in sessions})
        try:
            await self._keeping.extend(sessions)
        except Exception as error:  # boundary: the next turn tries again, and the call that came with the sign of life must go on
            FAULTS.labels("mcp_sessions").inc()
            log.warning("mcp.not_extended", sessions=len(sessions), reason=type(error).__name__)
