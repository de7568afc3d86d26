"""Faults of PostgreSQL under a running server: it recovers unaided, loses nothing, and answers 503 meanwhile, never anything else."""

import asyncio
import random
import time
from collections import Counter
from typing import Any

import asyncpg
import httpx
import pytest

from tests.conftest import NewServer
from tests.crash.checker import judge
from tests.crash.database_faults import Fault, choose, count_connections
from tests.crash.form import LONG, percentiles, report
from tests.crash.load import House, Mailbox, at_rest, called_mailbox, fetched_mailbox, until
from tests.support.server import ServerProcess

RECOVERY_SECONDS = 15.0
SENDERS = 6
# The pools of a server (8, 2, 2 and 7) and the connection that proves its life; the database's doctor is us.
CONNECTIONS = 20

pytestmark = pytest.mark.timeout(3600 if LONG else 180)


def is_well(server: ServerProcess) -> bool:
    try:
        return server.health()["status"] == "ok"
    except OSError:
        return False


async def keep_reading(house: House, mailbox: Mailbox, heard: Counter[int]) -> None:
    """Somebody who looks: at the conversation, at what there is, at the history. Until the house is stopped."""
    headers = {"Authorization": f"Bearer {house.operator_token}"}
    paths = (f"/workspaces/{mailbox.id}/chat-history", "/workspaces", f"/workspaces/{mailbox.id}/activity", f"/workspaces/{mailbox.id}")
    async with httpx.AsyncClient(timeout=40) as http:
        while not house.stopped:
            answer = await http.get(house.urls[0] + random.choice(paths), headers=headers)
            heard[answer.status_code] += 1
            if answer.status_code not in (200, 503) or (answer.status_code == 503) != ("retry-after" in answer.headers):
                house.journal.refuse(f"read: {answer.status_code} {answer.text[:200]}")
            await asyncio.sleep(0.05)


async def test_nothing_is_lost_and_nobody_is_told_a_wrong_reason(new_server: NewServer) -> None:
    server = await asyncio.to_thread(new_server().start)
    house, read, recovered = House([server.url], server.operator_token), Counter[int](), list[float]()
    async with called_mailbox(house, "called") as called, fetched_mailbox(house, "fetching") as fetched:
        async with asyncio.TaskGroup() as clients:
            for _ in range(SENDERS):
                clients.create_task(house.keep_sending([called, fetched], pause=0.03))
            clients.create_task(keep_reading(house, called, read))
            recovered += [await _bear(fault, server, house) for fault in choose()]
            house.stopped = True
        await at_rest(server.dsn(), [called.id, fetched.id])
    verdict = await judge(house.journal, server.dsn(), [called.id, fetched.id])
    await until(lambda: is_well(server), RECOVERY_SECONDS, "the server is well")
    places = await count_connections(server)
    told = {"sent": dict(house.journal.retried), "read": {str(status): count for status, count in read.items()}}
    report("database", recovered=percentiles(recovered), told=told, places=places, **verdict.counts, faults=verdict.faults)
    assert verdict.faults == {} and house.journal.refused == []
    assert house.journal.retried.keys() <= {"503"}, "the server itself was there all the time"
    assert places <= CONNECTIONS


async def _bear(fault: Fault, server: ServerProcess, house: House) -> float:
    """Wait for some traffic, let it happen, and wait until both directions move again; the seconds that took."""
    acks, seen = len(house.journal.acks), len(house.journal.seen)
    await until(lambda: len(house.journal.acks) > acks + 10 and len(house.journal.seen) > seen + 10, 40, "post moves")
    await fault(server)
    over, acks, seen = time.monotonic(), len(house.journal.acks), len(house.journal.seen)
    await until(
        lambda: len(house.journal.acks) > acks + SENDERS and len(house.journal.seen) > seen + SENDERS,
        RECOVERY_SECONDS,
        f"post moves again after {fault.__name__}",
    )
    print(f"{fault.__name__}: post moves again {time.monotonic() - over:.2f} s after it")
    return time.monotonic() - over


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
