"""Keeps the lease of a claimed message while it is handled."""

import asyncio
import logging

from postroom.agent.handling import Handling
from postroom.client import Client, Item
from postroom.clock import monotonic
from postroom.errors import LeaseLost, PostroomError
from postroom.failpoints import reach

log = logging.getLogger(__name__)


async def keep_lease(client: Client, item: Item, handling: Handling, seconds: float) -> None:
    """Extend at a third of the lease (R23), and stop the handling when it is lost or nobody wants the answer any more.

    While the server is away the work goes on: its reply may still count (R31).
    """
    while True:
        await asyncio.sleep(seconds / 3)
        began = monotonic()
        try:
            extension = await client.extend(item, seconds, timeout=seconds / 3)
        except LeaseLost:
            return handling.stop("lease lost")
        except PostroomError as error:
            log.warning("the lease of message %s was not extended after %.1f s: %s", item.message_id, monotonic() - began, error)
        else:
            reach("agent.extended")
            if extension.cancel:
                return handling.stop("cancelled")
