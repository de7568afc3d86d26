"""One agent asks sixty-four times at once while the server is killed: every answer arrives in its mailbox, once.

``FAN_OUT=n`` runs n rounds; ``make test`` runs one, ``make faults`` ten.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import httpx
import pytest

from tests.conftest import NewServer
from tests.crash.checker import end_of, judge
from tests.crash.form import LONG, report
from tests.crash.load import House, Mailbox, at_rest, called_mailbox, fetched_mailbox, until
from tests.support.server import ServerProcess

ROUNDS = int(os.environ.get("FAN_OUT", "10" if LONG else "1"))
WIDTH = 64
# After how many acknowledgements, and then hand-outs of tasks and answers, the server dies: the first time while it is still asked.
KILLED_AT = (16, 8, 40, 72, 104)
CALLED, FETCHING = 4, 4
WORK_SECONDS = 0.2

pytestmark = pytest.mark.timeout(90 + 60 * ROUNDS)


@asynccontextmanager
async def crew(house: House) -> AsyncGenerator[tuple[Mailbox, list[Mailbox]]]:
    """Lead, which reads its post, and those that it asks: half of them are called, half of them fetch."""
    async with AsyncExitStack() as stack:
        kinds = [called_mailbox] * CALLED + [fetched_mailbox] * FETCHING
        clerks = [await stack.enter_async_context(kind(house, f"clerk {n}", WORK_SECONDS)) for n, kind in enumerate(kinds)]
        yield await stack.enter_async_context(fetched_mailbox(house, "Lead")), clerks


async def fan_out(house: House, lead: Mailbox, clerks: list[Mailbox]) -> list[str]:
    """Ask all at once; returns the delegations."""
    async with httpx.AsyncClient(timeout=30) as http, asyncio.TaskGroup() as group:
        asked = [group.create_task(house.delegate(http, lead, clerks[n % len(clerks)], str(uuid4()))) for n in range(WIDTH)]
    return [task.result()["delegation_id"] for task in asked]


async def kill_five_times(server: ServerProcess, house: House) -> list[float]:
    """Returns how many seconds each restart took."""
    port, journal, away = server.port, house.journal, list[float]()
    acked, seen = len(journal.acks), len(journal.seen)
    for number, enough in enumerate(KILLED_AT):
        if number == 0:
            await until(lambda: len(journal.acks) >= acked + KILLED_AT[0], 30, "some were acknowledged")
        else:
            await until(lambda enough=enough: len(journal.seen) >= seen + enough, 30, f"{enough} were handed out")
        server.kill()
        killed = time.monotonic()
        await asyncio.to_thread(server.start, port=port)
        away.append(time.monotonic() - killed)
    return away


async def test_sixty_four_answers_arrive_once_each_while_the_server_is_killed(new_server: NewServer) -> None:
    server = await asyncio.to_thread(new_server(poll_seconds="0.2", backoff_seconds="0.1", lease_seconds="5").start)
    house = House([server.url], server.operator_token)
    async with crew(house) as (lead, clerks):
        for _ in range(ROUNDS):
            await one_round(server, house, lead, clerks)


async def one_round(server: ServerProcess, house: House, lead: Mailbox, clerks: list[Mailbox]) -> None:
    began, before = time.monotonic(), set(answers_read(house, lead))
    mailboxes = [lead.id, *(clerk.id for clerk in clerks)]
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(fan_out(house, lead, clerks))
        killing = group.create_task(kill_five_times(server, house))
    await at_rest(server.dsn(), mailboxes)
    verdict = await judge(house.journal, server.dsn(), mailboxes)
    report(
        "fan-out",
        seconds=round(time.monotonic() - began, 1),
        kills=len(killing.result()),
        away_seconds=round(sum(killing.result()), 1),
        **verdict.counts,
    )
    assert verdict.faults == {} and house.journal.refused == []
    assert set(answers_read(house, lead)) - before == {end_of(delegation) for delegation in asking.result()}
    assert len(asking.result()) == WIDTH and verdict.counts["handed_again"] > 0
    async with server.client(lead.token) as client:
        found = await client.delegations(lead.id, status="completed", limit=200)
        assert {one.id for one in found} >= set(asking.result())
        assert await client.delegations(lead.id, open=True) == []


def answers_read(house: House, lead: Mailbox) -> list[str]:
    """Whose ends were handed to Lead, in the order in which it read them."""
    return [seen.text for seen in house.journal.seen if seen.mailbox == lead.id]
