"""A TCP proxy that breaks what passes through it: at an exact byte, at once, or by silence.

Silence is the kernel's: a filter on the sockets drops every packet, so that nothing is acknowledged any more, no keep-alive is answered
and no connection is refused. The other end sees what it sees when a cable is pulled.
"""

import asyncio
import ctypes
import socket
import struct
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

Address = tuple[str, int] | str
"""Host and port, or the path of a Unix socket."""

_CHUNK = 64 * 1024
# linux/socket.h and linux/filter.h: the one instruction "return 0", which lets no byte of any packet in.
_ATTACH_FILTER, _DETACH_FILTER = 26, 27
_DROP = struct.pack("HBBI", 0x06, 0, 0, 0)


class Way(StrEnum):
    """``UP`` is what the client sends, ``DOWN`` what it is answered."""

    UP = "up"
    DOWN = "down"


class How(StrEnum):
    """How a connection ends: closed, reset, or not at all: nothing comes through any more and nobody is told."""

    FIN = "fin"
    RST = "rst"
    HOLE = "hole"


@dataclass(slots=True, eq=False)
class Cut:
    """After ``left`` more bytes have gone ``way`` the connection that carried the last one ends."""

    way: Way
    left: int
    how: How = How.RST
    done: bool = False


class _Over(Exception):
    """A cut is due. Data: how."""

    def __init__(self, how: How) -> None:
        super().__init__(how)
        self.how = how


class Proxy:
    """Listens on loopback. ``plans`` has the cuts of the next connections, one each; ``armed`` those that count what passes on any."""

    def __init__(self, upstream: Address) -> None:
        self.upstream = upstream
        self.plans: deque[Cut | None] = deque()
        self.armed: list[Cut] = []
        self.delay = 0.0
        """Seconds that every piece waits before it goes on."""
        self.rate = 0.0
        """Bytes per second that one connection may pass each way; 0: as fast as it goes."""
        self.connects = 0
        self.passed = {Way.UP: 0, Way.DOWN: 0}
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._listener.setblocking(False)
        self._links: set[_Link] = set()
        self._held: list[socket.socket] = []

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    @property
    def open_links(self) -> int:
        """Connections that still pass bytes."""
        return len(self._links)

    def arm(self, cut: Cut) -> Cut:
        """From now on: cut after so many more bytes, whichever connection they are on."""
        self.armed.append(cut)
        return cut

    def cut_all(self, how: How) -> None:
        """End every connection now."""
        for link in list(self._links):
            link.end(how)

    def black_hole(self) -> None:
        """Pull the cable: nothing of any connection comes through, and new ones are neither taken nor refused."""
        silence(self._listener)
        self.cut_all(How.HOLE)

    def heal(self) -> None:
        """Take new connections again. Those that were cut off stay so: both ends believe in them as long as they like."""
        self._listener.setsockopt(socket.SOL_SOCKET, _DETACH_FILTER, 0)

    async def serve(self) -> None:
        """Pass bytes until cancelled."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as links:
            while True:
                near, _ = await loop.sock_accept(self._listener)
                self.connects += 1
                link = _Link(self, near, self.plans.popleft() if self.plans else None)
                link.task = links.create_task(self._carry(link))

    async def _carry(self, link: "_Link") -> None:
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)
            self._held += link.close()

    def close(self) -> None:
        """Let go of everything, also of what is held in silence."""
        for held in (self._listener, *self._held):
            held.close()


class _Link:
    """One connection: the ``near`` socket is the client's, the ``far`` one the server's."""

    def __init__(self, proxy: Proxy, near: socket.socket, plan: Cut | None) -> None:
        self._proxy = proxy
        self._near = near
        self._far: socket.socket | None = None
        self._plan = plan
        self._how = How.FIN
        self.task: asyncio.Task[None] | None = None

    def end(self, how: How) -> None:
        self._how = how
        if self.task is not None:
            self.task.cancel()

    async def run(self) -> None:
        """Pass bytes both ways until both ends are done or a cut is due."""
        _prepare(self._near)
        try:
            self._far = await _connect(self._proxy.upstream)
            self._judge(0, Way.UP)
            self._judge(0, Way.DOWN)
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(self._near, self._far, Way.UP))
                pumps.create_task(self._pump(self._far, self._near, Way.DOWN))
        except* OSError:
            # One end broke it; the other is to see that as well.
            self._how = How.RST
        except* _Over as over:
            self._how = next(error.how for error in over.exceptions if isinstance(error, _Over))

    async def _pump(self, source: socket.socket, sink: socket.socket, way: Way) -> None:
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(source, self._chunk()):
            await self._slow(len(data))
            allowed = min((cut.left for cut in self._cuts(way)), default=len(data))
            await loop.sock_sendall(sink, data[:allowed])
            self._judge(len(data[:allowed]), way)
        sink.shutdown(socket.SHUT_WR)

    def _chunk(self) -> int:
        return max(1, min(_CHUNK, int(self._proxy.rate / 50))) if self._proxy.rate else _CHUNK

    async def _slow(self, size: int) -> None:
        pause = self._proxy.delay + (size / self._proxy.rate if self._proxy.rate else 0.0)
        if pause:
            await asyncio.sleep(pause)

    def _cuts(self, way: Way) -> Sequence[Cut]:
        own = [self._plan] if self._plan is not None else []
        return [cut for cut in (*own, *self._proxy.armed) if cut.way is way and not cut.done]

    def _judge(self, size: int, way: Way) -> None:
        """Count what has passed. Raises _Over when that was the last of it."""
        self._proxy.passed[way] += size
        for cut in self._cuts(way):
            cut.left -= min(size, cut.left)
            if cut.left == 0:
                cut.done = True
                raise _Over(cut.how)

    def close(self) -> list[socket.socket]:
        """End both sockets; those that are to be silent come back, to be held."""
        ends = [self._near] if self._far is None else [self._near, self._far]
        for end in ends:
            match self._how:
                case How.HOLE:
                    silence(end)
                case How.RST:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    end.close()
                case How.FIN:
                    end.close()
        return ends if self._how is How.HOLE else []


def silence(end: socket.socket) -> None:
    """Drop every packet that comes in from now on; nothing is acknowledged. A Unix socket has no packets and stays as it is."""
    if end.family == socket.AF_UNIX:
        return
    code = ctypes.create_string_buffer(_DROP)
    end.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(code)))


def _prepare(end: socket.socket) -> None:
    end.setblocking(False)
    if end.family != socket.AF_UNIX:
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


async def _connect(address: Address) -> socket.socket:
    end = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    _prepare(end)
    try:
        await asyncio.get_running_loop().sock_connect(end, address)
    except OSError:
        end.close()
        raise
    return end


@asynccontextmanager
async def proxy_to(upstream: Address) -> AsyncGenerator[Proxy]:
    """A proxy that passes bytes for the length of the block."""
    proxy = Proxy(upstream)
    try:
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(proxy.serve())
            yield proxy
            serving.cancel()
    finally:
        proxy.close()
