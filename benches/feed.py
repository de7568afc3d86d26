"""Listeners on a live feed: how long after the answer to a send each of them sees it, and what they cost the server.

A listener is a bare connection that looks for the newest message's id in what arrives. A thousand of them take a core for some ten
milliseconds per message; a real client would take longer, and would be what is measured.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import cast
from urllib.parse import urlsplit

import psutil
from pyreqwest.client import Client

from benches.plan import Measured, Plan, percentile
from benches.sending import A2A_HEADERS, build_client, post, result_of, send_body

OPEN_AT_A_TIME = 50
ENOUGH = 1000
SEEN_SECONDS = 20.0
FRAMES_PER_SECOND = 2000
"""Of all listeners together: what is measured is a message's way, not a queue in front of this process."""


class Wire(asyncio.Protocol):
    """One listener."""

    def __init__(self, request: bytes, room: "Room") -> None:
        self._request = request
        self._room = room
        self._ready = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        cast(asyncio.Transport, transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        """Note when what arrives names the message that is on its way."""
        if not self._ready and b"\nid: " in data:
            self._ready = True
            self._room.opened()
        elif self._room.awaited in data:
            self._room.saw()

    def connection_lost(self, exc: Exception | None) -> None:
        """A listener that is cut misses messages, which the room counts."""


class Room:
    """All listeners, and the one message that they wait for. What is sent carries the mark, which its preview in the feed repeats."""

    def __init__(self, listeners: int) -> None:
        self._listeners = listeners
        self._open = 0
        self._changed = asyncio.Event()
        self.awaited = b"no message yet"
        self.seen: list[float] = []

    def opened(self) -> None:
        self._open += 1
        self._changed.set()

    def saw(self) -> None:
        self.seen.append(perf_counter())
        if len(self.seen) >= self._listeners:
            self._changed.set()

    def expect(self, mark: str) -> None:
        """The next message."""
        self.awaited = mark.encode()
        self.seen = []

    async def all_open(self, number: int) -> None:
        """Raises TimeoutError when a listener gets no stream."""
        await self._until(lambda: self._open >= number)

    async def all_seen(self) -> bool:
        """Whether every listener saw the message in time."""
        try:
            await self._until(lambda: len(self.seen) >= self._listeners)
        except TimeoutError:
            return False
        return True

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(SEEN_SECONDS):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


async def listen(plan: Plan) -> Measured:
    """Run one point."""
    room, memory = Room(plan.callers), psutil.Process(plan.server)
    async with build_client() as client:
        before = memory_of(memory)
        wires = await open_wires(plan, room)
        times, missed = await speak(plan, client, room)
        grown = {
            f"{kind} of the server per listener, kB": (memory_of(memory)[kind] - before[kind]) / plan.callers / 1000 for kind in before
        }
        for wire in wires:
            wire.abort()
    return Measured(
        requests_per_second=len(times) / plan.seconds,
        p50=percentile(times, 0.5) * 1000,
        p99=percentile(times, 0.99) * 1000,
        count=len(times),
        errors=missed,
        first_error="a listener missed a message" if missed else "",
        # What a server with few listeners grows by is its own warming up.
        more=grown if plan.callers >= ENOUGH else {},
    )


def memory_of(process: psutil.Process) -> dict[str, float]:
    """Bytes; PSS counts what processes share in parts."""
    found = process.memory_full_info()
    return {"RSS": found.rss, "PSS": found.pss}


async def open_wires(plan: Plan, room: Room) -> list[asyncio.Transport]:
    """Open all listeners, some at a time; every one has said where it stands."""
    url = urlsplit(plan.feed)
    head = [f"GET {url.path} HTTP/1.1", f"Host: {url.netloc}", *(f"{name}: {value}" for name, value in plan.headers.items())]
    request = "\r\n".join([*head, "", ""]).encode()
    wires: list[asyncio.Transport] = []
    for number in range(1, plan.callers + 1):
        wire, _ = await asyncio.get_running_loop().create_connection(lambda: Wire(request, room), url.hostname or "", url.port or 80)
        wires.append(wire)
        if number % OPEN_AT_A_TIME == 0 or number == plan.callers:
            await room.all_open(number)
    return wires


async def speak(plan: Plan, client: Client, room: Room) -> tuple[list[float], int]:
    """Post messages at an even pace; the seconds from each answer to each sight of it, and how many sights are missing."""
    times, missed = list[float](), 0
    pause = max(plan.callers / FRAMES_PER_SECOND, 0.02)
    ends = perf_counter() + plan.seconds
    number = 0
    while perf_counter() < ends:
        began, number = perf_counter(), number + 1
        room.expect(mark := f"heard {plan.callers} {number}.")
        result_of(await post(client, plan.urls[0], {**A2A_HEADERS, **plan.headers}, send_body(mark, blocking=False)))
        accepted = perf_counter()
        whole = await room.all_seen()
        missed += 0 if whole else plan.callers - len(room.seen)
        # Who saw it before its sender had the answer has waited for nothing.
        times += [max(0.0, seen - accepted) for seen in room.seen]
        await asyncio.sleep(max(0.0, began + pause - perf_counter()))
    return times, missed
