"""The agent that fetches its post: it claims, handles, and sends its replies until they are taken."""

import asyncio
import contextlib

from postroom.agent.desk import Desk
from postroom.agent.holdings import Holdings
from postroom.agent.outbox import Outbox
from postroom.agent.worker import Worker


class Fetching:
    """The loops of an agent that needs no address of its own."""

    url = None

    def __init__(self, desk: Desk) -> None:
        self.card = desk.card
        self._holdings = Holdings(desk.state)
        self._outbox = Outbox(desk.store, desk.client)
        self._worker = Worker(desk, self._outbox, self._holdings)

    async def run(self) -> None:
        """Claim, handle and send until ``stop``. Raises what the server refuses for good."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._outbox.run())
            tasks.create_task(self._worker.run())

    async def stop(self, grace: float) -> None:
        """No more claims, a grace for what is being handled, the rest is given back; replies that are left wait for the next process."""
        await self._worker.stop(grace)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._outbox.drained()
        self._holdings.close()
