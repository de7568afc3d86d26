"""T2: the server, or PostgreSQL under it, killed at its n-th system call while one message is accepted, claimed and answered.

No place in the code is named: whatever the process says to the kernel while it works on the message is a moment of its own.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.conftest import NewServer
from tests.crash.checker import judge, read_rows
from tests.crash.external import OPERATOR, SECRET_KEY
from tests.crash.form import LONG, report
from tests.crash.load import House, Mailbox, at_rest, fetched_mailbox
from tests.faults.machine import no_strace, skip_unless
from tests.faults.strace import Injection, backends, injecting
from tests.support.database import cluster
from tests.support.server import ServerProcess, wait_for

# What a server on uvloop asks of the kernel for its sockets, and a backend for its socket and its log.
OF_THE_SERVER = ("write", "read", "epoll_pwait")
OF_A_BACKEND = ("sendto", "recvfrom", "pwrite64", "fdatasync")
# Of each kind, so many moments at most; a message is done long before the last one.
MOST = 60
FEW = {"read": (4,), "epoll_pwait": (5,), "recvfrom": (), "pwrite64": (), "fdatasync": (1,)}
DOUBT = "there, and nobody was told"

pytestmark = [skip_unless(no_strace), pytest.mark.timeout(3000 if LONG else 120)]


@dataclass
class Sweep:
    """One server and one mailbox through all kills; ``classes`` counts what a kill left."""

    server: ServerProcess
    dsn: str
    house: House
    mailbox: Mailbox
    classes: Counter[str] = field(default_factory=Counter[str])

    async def case(self, pids: list[int], injection: Injection, *, restarts: bool) -> bool:
        """One message with the kill; whether the kill came before the message was answered."""
        port, key = self.server.port, str(uuid4())
        with injecting(pids, injection) as traced:
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(self._send(key))
                while not (sending.done() or traced.injected()):
                    await asyncio.sleep(0.005)
                if killed := traced.injected():
                    await self._look(key)
                if killed and restarts:
                    await asyncio.to_thread(self.server.wait, 20)
                    await asyncio.to_thread(self.server.start, port=port)
        await at_rest(self.dsn, [self.mailbox.id], 60)
        return killed

    async def _send(self, key: str) -> None:
        async with httpx.AsyncClient(timeout=30) as http:
            await self.house.send(http, self.mailbox, wait=20, key=key)

    async def _look(self, key: str) -> None:
        """What the kill left: is the message there, and was its sender told? A kill may come before the sender began at all."""
        told = key in dict(self.house.journal.acks)
        there = key in {row.key for row in await until_read(self.dsn, self.mailbox.id)}
        self.classes["told" if told else DOUBT if there else "not there"] += 1


async def until_read(dsn: str, mailbox: str) -> list[Any]:
    """The rows, as soon as a PostgreSQL that recovers lets itself be asked."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await read_rows(dsn, [mailbox])
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def swept(server: ServerProcess, dsn: str) -> AsyncGenerator[Sweep]:
    """Run the cases inside; then the account of all of them."""
    await asyncio.to_thread(server.start)
    house = House([server.url], OPERATOR)
    async with fetched_mailbox(house, "swept") as mailbox:
        sweep = Sweep(server, dsn, house, mailbox)
        yield sweep
        await at_rest(dsn, [mailbox.id])
    verdict = await judge(house.journal, dsn, [mailbox.id])
    report("kills at system calls", kills=sweep.classes.total(), left=sweep.classes, **verdict.counts, faults=verdict.faults)
    assert verdict.faults == {} and house.journal.refused == []
    assert sweep.classes[DOUBT] > 0, "the sender could not know, and the key told"


async def sweep_all(sweep: Sweep, kinds: tuple[str, ...], pids: Callable[[], list[int]], *, restarts: bool) -> None:
    """Every kind of call, from the first one to where the message is done before. In short: what is said, until a sender was in doubt,
    and a few moments of the other kinds."""
    for calls in kinds:
        for when in range(1, MOST) if LONG else FEW.get(calls, range(1, MOST)):
            if not await sweep.case(pids(), Injection(calls, "signal=KILL", when), restarts=restarts):
                break
            if not LONG and calls not in FEW and sweep.classes[DOUBT]:
                break


async def test_the_server_is_killed_at_any_system_call(new_server: NewServer, external_dsn: str) -> None:
    server = new_server(database_url=external_dsn, secret_key=SECRET_KEY, admin_token=OPERATOR)
    async with swept(server, external_dsn) as sweep:
        await sweep_all(sweep, OF_THE_SERVER, lambda: [server.pid], restarts=True)


async def test_a_backend_is_killed_at_any_system_call(new_server: NewServer, short_directory: Path) -> None:
    with cluster(short_directory / "swept") as dsn:
        server = new_server(database_url=dsn, secret_key=SECRET_KEY, admin_token=OPERATOR)
        async with swept(server, dsn) as sweep:
            postmaster = int((short_directory / "swept" / "pg" / "postmaster.pid").read_text().split()[0])
            await sweep_all(sweep, OF_A_BACKEND, lambda: until_served(postmaster), restarts=False)


def until_served(postmaster: int) -> list[int]:
    """The processes of PostgreSQL that serve the server's connections, as soon as there are some again."""
    return wait_for(lambda: backends(postmaster, "postroom postroom"), 30, "the server is connected")
