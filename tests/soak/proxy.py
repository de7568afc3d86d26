"""A line between two processes that can be cut, frozen and slowed: bytes in both directions, and nothing known of what they say."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Literal

State = Literal["open", "cut", "frozen", "slow"]
Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]

CHUNK = 65536
SLOW_SECONDS = 0.1


class Proxy:
    """Give its ``serve`` to a listener; ``connect`` reaches the other side."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._state: State = "open"
        self._flows = asyncio.Event()
        self._flows.set()
        self._open: set[asyncio.StreamWriter] = set()
        self.carried = 0

    def set(self, state: State) -> None:
        """``cut`` resets what is open and what comes; ``frozen`` holds every byte and resets nothing; ``slow`` delays each chunk."""
        self._state = state
        if state == "frozen":
            self._flows.clear()
        else:
            self._flows.set()
        if state == "cut":
            for writer in self._open:
                writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        with suppress(OSError):
            if self._state == "cut":
                writer.transport.abort()
                return
            await self._flows.wait()
            there, back = await self._connect()
            self._open |= {writer, back}
            try:
                async with asyncio.TaskGroup() as pumps:
                    pumps.create_task(self._pump(reader, back))
                    pumps.create_task(self._pump(there, writer))
            finally:
                self._open -= {writer, back}

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await source.read(CHUNK):
                if self._state == "slow":
                    await asyncio.sleep(SLOW_SECONDS)
                await self._flows.wait()
                self.carried += len(chunk)
                target.write(chunk)
                await target.drain()
        target.close()


@asynccontextmanager
async def tcp_proxy(port: int, behind: Callable[[], int]) -> AsyncGenerator[Proxy]:
    """A port of this machine in front of the one that ``behind`` names."""
    proxy = Proxy(lambda: asyncio.open_connection("127.0.0.1", behind()))
    listener = await asyncio.start_server(proxy.serve, "127.0.0.1", port)
    try:
        yield proxy
    finally:
        proxy.set("cut")
        listener.close()


@asynccontextmanager
async def unix_proxy(place: str, behind: str) -> AsyncGenerator[Proxy]:
    """A socket at ``place`` in front of the one at ``behind``."""
    proxy = Proxy(lambda: asyncio.open_unix_connection(behind))
    listener = await asyncio.start_unix_server(proxy.serve, place)
    try:
        yield proxy
    finally:
        proxy.set("cut")
        listener.close()
