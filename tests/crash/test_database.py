"""Faults of PostgreSQL under a running server: it recovers unaided, loses nothing, and answers 503 meanwhile, never anything else."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import psutil
import pytest

from tests.conftest import NewServer
from tests.crash.checker import judge
from tests.crash.load import House, at_rest, called_mailbox, fetched_mailbox, until
from tests.support.server import ServerProcess

RECOVERY_SECONDS = 10.0
FAULT_SECONDS = 3.0
SENDERS = 6

pytestmark = pytest.mark.timeout(120)


def is_well(server: ServerProcess) -> bool:
    try:
        return server.health()["status"] == "ok"
    except OSError:
        return False


def processes(server: ServerProcess) -> list[psutil.Process]:
    postmaster = psutil.Process(server.database_pid)
    return [postmaster, *postmaster.children()]


async def kill_a_backend(server: ServerProcess) -> None:
    """The out-of-memory killer takes one; PostgreSQL ends all others and recovers."""
    connection: Any = await asyncpg.connect(server.dsn("postgres"))
    pid = await connection.fetchval("select pid from pg_stat_activity where application_name = 'postroom' limit 1")
    os.kill(pid, signal.SIGKILL)
    await until(connection.is_closed, RECOVERY_SECONDS, "PostgreSQL ended every connection")


async def kill_the_postmaster(server: ServerProcess) -> None:
    server.kill_database()


async def terminate_all_backends(server: ServerProcess) -> None:
    connection: Any = await asyncpg.connect(server.dsn("postgres"))
    await connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'postroom'")
    await connection.close()


async def stop_for_a_while(server: ServerProcess) -> None:
    stopped = processes(server)
    for process in stopped:
        process.suspend()
    await asyncio.sleep(FAULT_SECONDS)
    for process in stopped:
        process.resume()


async def use_up_the_connections(server: ServerProcess) -> None:
    """Somebody else takes every place, also those of the server's own connections when these are cut."""
    taken: list[Any] = []
    await _take_all(server, taken)
    await terminate_all_backends(server)
    give_up = time.monotonic() + FAULT_SECONDS
    while time.monotonic() < give_up:
        await _take_all(server, taken)
        await asyncio.sleep(0.01)
    assert len(taken) > 40
    for connection in taken:
        connection.terminate()


async def _take_all(server: ServerProcess, taken: list[Any]) -> None:
    try:
        while True:
            taken.append(await asyncpg.connect(server.dsn()))
    except asyncpg.TooManyConnectionsError:
        return


FAULTS: list[Callable[[ServerProcess], Awaitable[None]]] = [
    kill_a_backend,
    kill_the_postmaster,
    terminate_all_backends,
    stop_for_a_while,
    use_up_the_connections,
]


async def test_nothing_is_lost_and_nobody_is_told_a_wrong_reason(new_server: NewServer) -> None:
    server = await asyncio.to_thread(new_server().start)
    house = House([server.url], server.operator_token)
    async with called_mailbox(house, "called") as called, fetched_mailbox(house, "fetching") as fetched:
        async with asyncio.TaskGroup() as senders:
            for _ in range(SENDERS):
                senders.create_task(house.keep_sending([called, fetched], pause=0.03))
            for fault in FAULTS:
                await _bear(fault, server, house)
            house.stopped = True
        await at_rest(server.dsn(), [called.id, fetched.id])
    verdict = await judge(house.journal, server.dsn(), [called.id, fetched.id])
    print(verdict.counts, house.journal.retried)
    assert verdict.faults == {} and house.journal.refused == []
    assert house.journal.retried.keys() <= {"503"}, "the server itself was there all the time"
    await until(lambda: is_well(server), RECOVERY_SECONDS, "the server is well")


async def _bear(fault: Callable[[ServerProcess], Awaitable[None]], server: ServerProcess, house: House) -> None:
    """Wait for some traffic, let it happen, and wait until both directions move again."""
    acks, seen = len(house.journal.acks), len(house.journal.seen)
    await until(lambda: len(house.journal.acks) > acks + 20 and len(house.journal.seen) > seen + 20, 20, "post moves")
    await fault(server)
    over, acks, seen = time.monotonic(), len(house.journal.acks), len(house.journal.seen)
    await until(
        lambda: len(house.journal.acks) > acks + SENDERS and len(house.journal.seen) > seen + SENDERS, RECOVERY_SECONDS, "post moves again"
    )
    print(f"{fault.__name__}: post moves again {time.monotonic() - over:.2f} s after it")


async def test_a_lease_whose_claim_was_cut_off_is_given_up(new_server: NewServer) -> None:
    """The claim was committed and its answer lost: the server holds what it knows nothing of, and must not wait until that runs out."""
    server = await asyncio.to_thread(new_server().start)
    house = House([server.url], server.operator_token)
    async with called_mailbox(house, "called") as mailbox, httpx.AsyncClient(timeout=30) as http:
        steer = {"Authorization": f"Bearer {server.operator_token}"}
        await http.post(f"{server.url}/workspaces/{mailbox.id}/pause", headers=steer)
        await house.send(http, mailbox)
        connection: Any = await asyncpg.connect(server.dsn())
        lost = "leased = true, holder = (select id from server), token = token + 1, due_at = clock_timestamp() + interval '1 h'"
        await connection.execute(f"update work set {lost}")  # noqa: S608 - no input
        await connection.close()
        await http.post(f"{server.url}/workspaces/{mailbox.id}/resume", headers=steer)
        began = time.monotonic()
        await until(lambda: len(house.journal.seen) == 1, RECOVERY_SECONDS, "the agent is called")
        print(f"given up after {time.monotonic() - began:.2f} s")
        await at_rest(server.dsn(), [mailbox.id])
    assert (await judge(house.journal, server.dsn(), [mailbox.id])).faults == {}
