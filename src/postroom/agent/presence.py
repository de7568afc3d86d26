"""The agent's sign of life: register, then a heartbeat that also brings what was cancelled."""

import asyncio
from collections.abc import Awaitable, Callable

from postroom.agent.contact import Contact
from postroom.agent.running import Running
from postroom.client import Client, Json
from postroom.clock import jittered, monotonic
from postroom.errors import PostroomError
from postroom.failpoints import reach

# With its spread, 15 to 30 seconds: the server takes 90 seconds of silence for absence.
SHORTEST_PAUSE = 12.5
SPREAD = 10.0


class Presence:
    """The heartbeat loop of one agent."""

    def __init__(self, client: Client, contact: Contact, running: Running, *, workspace_id: str, card: Json, url: str | None) -> None:
        """``url`` is where the agent is called; None: it fetches."""
        self._client = client
        self._contact = contact
        self._running = running
        self._workspace_id = workspace_id
        self._card = card
        self._url = url
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
                pause = self._contact.miss(error, attempt)
                attempt += 1
                await asyncio.sleep(pause)

    async def _register(self) -> None:
        mode = "push" if self._url else "poll"
        known = await self._client.register(self._workspace_id, agent_card=self._card, url=self._url, delivery_mode=mode)
        self._contact.enter(known["name"], self._workspace_id, self._url)
        reach("agent.registered")

    async def _beat(self) -> None:
        handled = self._running.message_ids
        answer = await self._client.heartbeat(
            self._workspace_id,
            active_tasks=len(handled),
            current_task=handled[0] if handled else None,
            error_rate=self._running.error_rate,
            sample_error=self._running.last_error,
            uptime_seconds=int(monotonic() - self._began),
        )
        self._contact.hear()
        reach("agent.beaten")
        for message_id in answer["cancel"]:
            self._running.stop(message_id, "cancelled")
