"""How a client process is told to come to its end."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


@asynccontextmanager
async def stop_asked() -> AsyncGenerator[asyncio.Event]:
    """Set at SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    yield stop
