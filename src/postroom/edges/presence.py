"""An agent that speaks lives: its mailbox's verbs are signs of life beside the heartbeat."""

from typing import Final
from uuid import UUID

import structlog

from postroom.clock import monotonic
from postroom.core.registry.agents import Agents
from postroom.metrics import FAULTS

log = structlog.get_logger()

# Silence of 90 s is what counts as offline: every few seconds says as much as every request.
_EVERY_SECONDS: Final = 5.0


class Presence:
    """Notes signs of life, at most every few seconds per workspace, and never fails a request over it."""

    def __init__(self, agents: Agents) -> None:
        self._agents = agents
        self._noted: dict[UUID, float] = {}

    async def touch(self, *workspaces: UUID) -> None:
        """The agents of these workspaces were heard of just now."""
        now = monotonic()
        due = [workspace for workspace in workspaces if now - self._noted.get(workspace, -_EVERY_SECONDS) >= _EVERY_SECONDS]
        if not due:
            return
        for workspace in due:
            self._noted.pop(workspace, None)
            self._noted[workspace] = now
        self._forget(now)
        try:
            await self._agents.touch(due)
        except Exception as error:  # boundary: presence is a courtesy, the verb that came with it must go on
            FAULTS.labels("presence").inc()
            log.warning("presence.failed", workspaces=len(due), reason=type(error).__name__)

    def _forget(self, now: float) -> None:
        """Keep what still says something: agents come and go for as long as the server runs. The dict is in the order of time."""
        while now - self._noted[oldest := next(iter(self._noted))] >= _EVERY_SECONDS:
            del self._noted[oldest]
