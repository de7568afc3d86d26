"""kill -9 of the server, and of its PostgreSQL, under load: nothing acknowledged is lost, nothing takes effect twice."""

import asyncio
import random
import time
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.conftest import NewServer
from tests.crash.checker import Verdict, answer_to, judge, read_rows
from tests.crash.load import House, at_rest, called_mailbox, fetched_mailbox, until
from tests.support.http import ask
from tests.support.server import ServerProcess

RESUME_SECONDS = 5.0
KILLS = 8
SENDERS = 8

pytestmark = pytest.mark.timeout(120 + 10 * KILLS)


async def restart(server: ServerProcess, port: int) -> None:
    await asyncio.to_thread(server.start, port=port)


def repaired(server: ServerProcess) -> float:
    """How often the server found post that waited although there was room; must be 0."""
    lines = ask(server.url, "GET", "/metrics", token=server.operator_token).content.decode().splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith("postroom_repaired_total "))


def history(server: ServerProcess, mailbox: str) -> list[dict[str, Any]]:
    page = ask(server.url, "GET", f"/workspaces/{mailbox}/chat-history?limit=200", token=server.operator_token).body
    assert page["reached_end"]
    return page["messages"]


@pytest.mark.parametrize(
    ("kind", "with_database"),
    [(fetched_mailbox, False), (fetched_mailbox, True), (called_mailbox, False)],
    ids=["fetching", "fetching, and PostgreSQL", "called"],
)
async def test_ten_messages_outlive_a_kill(new_server: NewServer, kind: Any, with_database: bool) -> None:
    server = await asyncio.to_thread(new_server().start)
    port, house = server.port, House([server.url], server.operator_token)
    async with kind(house, "slow", 0.3) as mailbox:
        async with httpx.AsyncClient(timeout=30) as http:
            keys = [await house.send(http, mailbox) for _ in range(10)]
        await until(lambda: len(house.journal.seen) >= 4, 20, "the fourth is at work")
        server.kill()
        if with_database:
            server.kill_database()
        killed, known = time.monotonic(), len(house.journal.seen)
        await restart(server, port)
        started = time.monotonic()
        await until(lambda: len(house.journal.seen) > known, RESUME_SECONDS, "work goes on")
        print(f"work again {time.monotonic() - killed:.2f} s after the kill, {time.monotonic() - started:.2f} s after ready")
        await at_rest(server.dsn(), [mailbox.id])
        said = await asyncio.to_thread(history, server, mailbox.id)
    assert [line["content"] for line in said if line["role"] == "user"] == keys
    assert [line["content"] for line in said if line["role"] == "agent"] == [answer_to(key) for key in keys]
    verdict = await judge(house.journal, server.dsn(), [mailbox.id])
    assert verdict.faults == {} and house.journal.refused == []


async def test_kills_at_random_moments_under_load(new_server: NewServer) -> None:
    server = await asyncio.to_thread(new_server().start)
    house = House([server.url], server.operator_token)
    async with (
        called_mailbox(house, "called 1") as first,
        called_mailbox(house, "called 2", 0.005) as second,
        fetched_mailbox(house, "fetching 1") as third,
        fetched_mailbox(house, "fetching 2", 0.005) as fourth,
    ):
        mailboxes = [first, second, third, fourth]
        async with asyncio.TaskGroup() as senders:
            for _ in range(SENDERS):
                senders.create_task(house.keep_sending(mailboxes, pause=0.04))
            downtime = [await _kill_once(server, house, with_database=number % 4 == 3) for number in range(KILLS)]
            house.stopped = True
        await at_rest(server.dsn(), [mailbox.id for mailbox in mailboxes])
    verdict = await judge(house.journal, server.dsn(), [mailbox.id for mailbox in mailboxes])
    _report(verdict, downtime)
    assert verdict.faults == {} and house.journal.refused == []
    assert verdict.counts["replied"] == verdict.counts["messages"]
    assert repaired(server) == 0
    assert max(downtime) < 2 * RESUME_SECONDS


async def _kill_once(server: ServerProcess, house: House, *, with_database: bool) -> float:
    """Kill after some more acknowledgements, start again; returns the seconds until an agent saw post again."""
    port, enough = server.port, len(house.journal.acks) + random.randint(5, 120)
    await until(lambda: len(house.journal.acks) >= enough, 20, "more was acknowledged")
    await asyncio.sleep(random.uniform(0, 0.02))
    server.kill()
    if with_database:
        server.kill_database()
    killed, known = time.monotonic(), len(house.journal.seen)
    await restart(server, port)
    await until(lambda: len(house.journal.seen) > known, 20, "an agent sees post")
    return time.monotonic() - killed


def _report(verdict: Verdict, downtime: list[float]) -> None:
    mean = sum(downtime) / len(downtime)
    print(f"{len(downtime)} kills, {verdict.counts}, until post moved again: mean {mean:.2f} s, max {max(downtime):.2f} s")


async def test_the_checker_sees_what_is_wrong(new_server: NewServer) -> None:
    """A judge that finds nothing must be shown to be able to: the same run, with lies in the journal."""
    server = await asyncio.to_thread(new_server().start)
    house = House([server.url], server.operator_token)
    async with fetched_mailbox(house, "honest") as mailbox:
        async with httpx.AsyncClient(timeout=30) as http:
            keys = [await house.send(http, mailbox) for _ in range(3)]
        await at_rest(server.dsn(), [mailbox.id])
    assert (await judge(house.journal, server.dsn(), [mailbox.id])).faults == {}
    house.journal.acked(keys[0], str(UUID(int=1)))
    house.journal.intents.pop(keys[1])
    house.journal.seen.reverse()
    verdict = await judge(house.journal, server.dsn(), [mailbox.id])
    assert verdict.faults.keys() == {"lost", "unexpected", "doubled", "disordered"}
    assert len(await read_rows(server.dsn(), [mailbox.id])) == 6
