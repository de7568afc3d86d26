"""The agent's sign of life: register, then a heartbeat that also brings what was cancelled."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from postroom.agent.worker import Worker, pause_after
from postroom.client import Client, Json
from postroom.clock import jittered, monotonic
from postroom.errors import PostroomError
from postroom.failpoints import reach

# With its spread, 15 to 30 seconds: the server takes 90 seconds of silence for absence.
SHORTEST_PAUSE = 12.5
SPREAD = 10.0

log = logging.getLogger(__name__)


class Presence:
    """The heartbeat loop of one agent."""

    def __init__(self, client: Client, worker: Worker, *, workspace_id: str, card: Json) -> None:
        self._client = client
        self._worker = worker
        self._workspace_id = workspace_id
        self._card = card
        self._began = monotonic()

    async def run(self) -> None:
        """Register, then beat for ever."""
        await self._insist(self._register)
        while True:
            await self._insist(self._beat)
            await asyncio.sleep(SHORTEST_PAUSE + jittered(SPREAD))

    async def _insist(self, act: Callable[[], Awaitable[None]]) -> None:
        attempt = 0
        while True:
            try:
                return await act()
            except PostroomError as error:
                pause = pause_after(error, attempt)
                log.warning("no sign of life reached the server, next try in %.1f s: %s", pause, error)
                attempt += 1
                await asyncio.sleep(pause)

    async def _register(self) -> None:
        await self._client.register(self._workspace_id, agent_card=self._card, delivery_mode="poll")
        reach("agent.registered")

    async def _beat(self) -> None:
        handled = self._worker.handled_now
        answer = await self._client.heartbeat(
            self._workspace_id,
            active_tasks=len(handled),
            current_task=handled[0] if handled else None,
            error_rate=self._worker.error_rate,
            sample_error=self._worker.last_error,
            uptime_seconds=int(monotonic() - self._began),
        )
        reach("agent.beaten")
        for message_id in answer["cancel"]:
            self._worker.cancel(message_id)
