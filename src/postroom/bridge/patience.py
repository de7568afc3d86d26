"""How long a call of a tool waits for a server that is away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from postroom.client.retry import Patience
from postroom.clock import monotonic
from postroom.errors import Unavailable

PATIENCE_SECONDS: Final = 10.0
"""Enough for a restart, and well below the 60 seconds after which clients give a call up."""

Made = TypeVar("Made")


async def patiently(act: Callable[[], Awaitable[Made]]) -> Made:
    """Do what may be done twice, until the server answers. Raises Unavailable, the last one, when it does not within the patience."""
    patience = Patience(PATIENCE_SECONDS)
    last = Unavailable("The post room does not answer.", code="unreachable")
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                began = monotonic()
                try:
                    return await act()
                except Unavailable as error:
                    last = error
                    await patience.pause(error, began)
    except TimeoutError:
        raise last from None
