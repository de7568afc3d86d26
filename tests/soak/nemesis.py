"""What goes wrong, and when: a schedule made from a seed alone, and the hands that carry it out."""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any

import asyncpg
import psutil

from tests.soak.house import House, Server
from tests.support.proxy import How, Proxy

Chance = random.Random
Fault = Callable[[Chance], Awaitable[str]]

LEASE_AND_MORE = 11.5
"""Longer than the leases of calls and claims, which are 10 s here."""
TABLES = ("work", "mailbox", "message", "event", "credential", "outcome")
# A server that finds no database yet gives up; people and supervisors start it again.
START_SECONDS = 60.0
# What every piece waits on a slow line.
SLOW_SECONDS = 0.1


def schedule(seed: int, kinds: Sequence[str]) -> Generator[tuple[str, Chance]]:
    """For ever: the kinds in rounds, each round in an order of its own, so that every kind has its turn; each fault with its own chance."""
    order = random.Random(f"order of {seed}")
    for number in count():
        for place, kind in enumerate(order.sample(kinds, len(kinds))):
            yield kind, random.Random(f"{seed}, round {number}, place {place}")


class Nemesis:
    """The hands. Each fault lasts until it is healed, and says what it did."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._hold = house.scale.hold

    def fault(self, kind: str) -> Fault:
        """By its name in ``scale.KINDS``."""
        return getattr(self, kind)

    # Servers

    async def kill_server(self, chance: Chance) -> str:
        """kill -9; whoever started it starts it again."""
        server = self._server(chance)
        server.process.kill()
        await self._wait(chance, 0, 1)
        await self._start(server)
        return f"{server.process.data.name}"

    async def stop_server(self, chance: Chance) -> str:
        """SIGSTOP for longer than a lease: it wakes up and believes that it still holds what it held."""
        server = self._server(chance)
        server.process.signal(signal.SIGSTOP)
        await asyncio.sleep(LEASE_AND_MORE)
        server.process.signal(signal.SIGCONT)
        return f"{server.process.data.name} for {LEASE_AND_MORE} s"

    async def restart_server(self, chance: Chance) -> str:
        """SIGTERM and a new one, as in a deploy."""
        server = self._server(chance)
        took = await asyncio.to_thread(server.process.stop)
        await self._start(server)
        return f"{server.process.data.name}, {took:.1f} s to stop"

    # PostgreSQL

    async def kill_postmaster(self, _: Chance) -> str:
        """kill -9 of the postmaster; its keeper starts it again, and it recovers."""
        os.kill(self._house.postmaster, signal.SIGKILL)
        return ""

    async def kill_backend(self, chance: Chance) -> str:
        """The out-of-memory killer takes one connection; PostgreSQL ends all others and recovers."""
        async with self._connection() as connection:
            pids = await connection.fetch("select pid from pg_stat_activity where application_name = 'postroom' order by pid")
            os.kill(chance.choice(pids)["pid"], signal.SIGKILL)
        return f"one of {len(pids)}"

    async def terminate_backends(self, _: Chance) -> str:
        """An administrator ends all connections of the servers."""
        async with self._connection() as connection:
            ended = await connection.fetch(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'postroom'",
            )
        return f"{len(ended)} connections"

    async def stop_database(self, chance: Chance) -> str:
        """SIGSTOP of every process of PostgreSQL: no answer, and no error."""
        postmaster = psutil.Process(self._house.postmaster)
        stopped = [postmaster, *postmaster.children()]
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        took = await self._wait(chance, 1, 5)
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.resume()
        return f"{took:.1f} s"

    async def lock_table(self, chance: Chance) -> str:
        """A migration or a dump holds a lock on a table that everything needs."""
        table = chance.choice(TABLES)
        async with self._connection() as connection, connection.transaction():
            await connection.execute(f"set local lock_timeout = '10s'; lock table {table} in access exclusive mode")
            took = await self._wait(chance, 1, 4)
        return f"{table} for {took:.1f} s"

    async def use_up_connections(self, chance: Chance) -> str:
        """Somebody else takes every place, also those of the servers' own connections when these are cut."""
        taken: list[Any] = []
        async with self._connection() as connection:
            await self._take_all(taken)
            await connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'postroom'")
            give_up = time.monotonic() + chance.uniform(1, 3) * self._hold
            while time.monotonic() < give_up:
                await self._take_all(taken)
                await asyncio.sleep(0.01)
        for each in taken:
            each.terminate()
        return f"{len(taken)} of them"

    # Clients

    async def kill_agent(self, chance: Chance) -> str:
        """kill -9 of a process of agents, and its successor."""
        return await self._kill_member(chance, [name for name in self._house.crew if name.startswith(("called", "fetchers", "sdk"))])

    async def kill_sender(self, chance: Chance) -> str:
        """kill -9 of a process of senders; its successor reads what it wrote down, and sends again what is open."""
        return await self._kill_member(chance, [name for name in self._house.crew if name.startswith("senders")])

    async def kill_follower(self, chance: Chance) -> str:
        """kill -9 of the process that follows the feeds; its successor goes on from the last cursors that it wrote down."""
        return await self._kill_member(chance, ["followers"])

    # The network

    async def cut_database(self, chance: Chance) -> str:
        """Between one server and PostgreSQL."""
        return await self._disturb(chance, self._house.database_line)

    async def cut_clients(self, chance: Chance) -> str:
        """Between the clients and one server."""
        return await self._disturb(chance, self._house.client_line)

    async def _disturb(self, chance: Chance, line: Proxy) -> str:
        way = chance.choice(("cut", "silent", "slow"))
        seconds = chance.uniform(2, 7) * self._hold
        match way:
            case "cut":
                await self._keep_cutting(line, seconds)
            case "silent":
                line.black_hole()
                await asyncio.sleep(seconds)
                line.heal()
            case _:
                line.delay = SLOW_SECONDS
                await asyncio.sleep(seconds)
                line.delay = 0.0
        return f"{way} for {seconds:.1f} s"

    async def _keep_cutting(self, line: Proxy, seconds: float) -> None:
        """Reset what is open, and what is opened meanwhile."""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            line.cut_all(How.RST)
            await asyncio.sleep(SLOW_SECONDS / 2)

    # How

    def _server(self, chance: Chance) -> Server:
        return chance.choice(self._house.servers)

    async def _wait(self, chance: Chance, least: float, most: float) -> float:
        seconds = chance.uniform(least, most) * self._hold
        await asyncio.sleep(seconds)
        return seconds

    async def _start(self, server: Server) -> None:
        give_up = time.monotonic() + START_SECONDS
        while True:
            try:
                return await asyncio.to_thread(server.start)
            except AssertionError:
                if time.monotonic() > give_up:
                    raise

    async def _kill_member(self, chance: Chance, names: Sequence[str]) -> str:
        member = self._house.crew[chance.choice(names)]
        await asyncio.to_thread(member.kill)
        await self._wait(chance, 0, 2)
        member.start()
        return member.name

    async def _take_all(self, taken: list[Any]) -> None:
        with suppress(asyncpg.TooManyConnectionsError):
            while True:
                taken.append(await asyncpg.connect(self._house.postgres.dsn))

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[Any]:
        connection: Any = await asyncpg.connect(self._house.superuser_dsn)
        try:
            yield connection
        finally:
            connection.terminate()
