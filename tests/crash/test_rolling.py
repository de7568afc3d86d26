"""Three servers on one PostgreSQL, each stopped, killed and frozen in turn under load: nobody else's work suffers (reliability.md, T10)."""

import asyncio
import random
import re
import signal
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from tests.conftest import NewServer
from tests.crash.checker import answer_to, judge
from tests.crash.external import OPERATOR, SECRET_KEY
from tests.crash.form import LONG, percentiles, report
from tests.crash.load import House, Mailbox, at_rest, fetched_mailbox, make_mailbox, until
from tests.edges.agents import Exchange, raw_agent
from tests.support.http import ask
from tests.support.server import ServerProcess

LEASE_SECONDS = 2.0
# Well past the lease; in the long form also past what PostgreSQL waits for a word of a server (15 s).
FROZEN_SECONDS = (3.0, 6.0, 20.0) if LONG else (3.0,)
RUN_SECONDS = 600.0 if LONG else 0.0
TAKEOVER_SECONDS = 20.0

pytestmark = pytest.mark.timeout(1200 if LONG else 180)


@dataclass
class RollingHouse(House):
    """Further attempts are answered only while ``awake``; ``broken`` are those that an agent broke off, ``taken_over`` the others."""

    awake: asyncio.Event = field(default_factory=asyncio.Event)
    broken: set[str] = field(default_factory=set[str])
    taken_over: set[str] = field(default_factory=set[str])


@asynccontextmanager
async def thinking_mailbox(house: RollingHouse, number: int) -> AsyncGenerator[Mailbox]:
    """A called agent that thinks for a while, and now and then breaks off its first attempt."""
    made: list[Mailbox] = []

    async def behave(exchange: Exchange) -> None:
        text = exchange.json["params"]["message"]["parts"][0]["text"]
        attempt = int(exchange.header("X-Postroom-Attempt") or 0)
        house.journal.saw(made[0].id, exchange.header("X-Postroom-Message-Id") or "", text, attempt)
        await asyncio.sleep(0.4)
        if attempt == 1 and random.random() < 0.2:
            house.broken.add(text)
            raise ConnectionError("this attempt breaks off")
        if attempt > 1:
            house.taken_over |= {text} - house.broken
            await house.awake.wait()
        # Each attempt has an answer of its own: the same one again would be the same success.
        parts = [{"text": f"{answer_to(text)} {attempt}"}]
        await exchange.answer_result({"message": {"role": "ROLE_AGENT", "messageId": "m", "parts": parts}})

    async with raw_agent(behave) as agent:
        address = random.choice(house.urls)
        made.append(await asyncio.to_thread(make_mailbox, address, OPERATOR, f"thinks {number}", delivery_mode="push", url=agent.url))
        yield made[0]


def metric(server: ServerProcess, name: str) -> float:
    text = ask(server.url, "GET", "/metrics", token=OPERATOR).content.decode()
    return sum(float(value) for value in re.findall(rf"^{name} (\S+)$", text, re.MULTILINE))


def fenced(server: ServerProcess) -> float:
    """What this server would have written about what another one holds by now: refused as late, or dropped by itself just before."""
    return metric(server, r'postroom_leases_lost_total\{.*"(?:late|dropped)".*\}')


async def restart_softly(_house: RollingHouse, server: ServerProcess) -> None:
    """A rolling restart: SIGTERM, and started again at its address."""
    port = server.port
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start, port=port)


async def restart_hard(_house: RollingHouse, server: ServerProcess) -> None:
    port = server.port
    server.kill()
    await asyncio.to_thread(server.start, port=port)


async def freeze(house: RollingHouse, server: ServerProcess) -> None:
    """Stopped with calls in flight for longer than their leases; what it then writes about them must not count."""
    everybody = house.urls
    await until(lambda: metric(server, "postroom_calls_in_flight") >= 2, 30, "it has calls in flight")
    before = fenced(server)
    house.urls = [url for url in everybody if url != server.url]
    house.taken_over.clear()
    house.awake.clear()
    server.signal(signal.SIGSTOP)
    await asyncio.sleep(random.choice(FROZEN_SECONDS))
    await until(lambda: len(house.taken_over) > 0, 20, "another one calls the agent")
    server.signal(signal.SIGCONT)
    await until(lambda: fenced(server) > before, 20, "it wrote late and was fenced, or saw by itself that it had lost")
    house.awake.set()
    house.urls = everybody


ACTS = [restart_softly, restart_hard, freeze]


async def _roll(house: RollingHouse, servers: list[ServerProcess]) -> dict[str, list[float]]:
    """Every act, each on another server, and again until the time is over; the seconds after which post moved on the others."""
    found: dict[str, list[float]] = {}
    ends = time.monotonic() + RUN_SECONDS
    while not found or time.monotonic() < ends:
        for act, server in zip(ACTS, random.sample(servers, len(servers)), strict=True):
            found.setdefault(act.__name__, []).append(await _bear(house, act(house, server)))
    return found


async def _bear(house: House, act: "asyncio._CoroutineLike[None]") -> float:
    acks, seen, began = len(house.journal.acks), len(house.journal.seen), time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(act)
        await until(lambda: len(house.journal.acks) > acks + 10 and len(house.journal.seen) > seen + 10, TAKEOVER_SECONDS, "post moves")
        return time.monotonic() - began


async def test_each_server_may_stop_die_or_freeze(new_server: NewServer, external_dsn: str) -> None:
    settings = {"database_url": external_dsn, "secret_key": SECRET_KEY, "admin_token": OPERATOR, "lease_seconds": str(LEASE_SECONDS)}
    servers = [new_server(**settings, poll_seconds="0.3", backoff_seconds="0.1") for _ in range(3)]  # pyright: ignore[reportArgumentType]
    async with asyncio.TaskGroup() as starts:
        for server in servers:
            starts.create_task(asyncio.to_thread(server.start))
    house = RollingHouse([server.url for server in servers], OPERATOR)
    house.awake.set()
    async with AsyncExitStack() as stack:
        thinking = [await stack.enter_async_context(thinking_mailbox(house, number)) for number in range(8)]
        mailboxes = [*thinking, await stack.enter_async_context(fetched_mailbox(house, "fetching"))]
        async with asyncio.TaskGroup() as senders:
            for number in range(10):
                senders.create_task(house.keep_sending(mailboxes, pause=0.4, wait=20 if number % 2 else None))
            moved = await _roll(house, servers)
            house.stopped = True
        await at_rest(external_dsn, [mailbox.id for mailbox in mailboxes], 90)
    verdict = await judge(house.journal, external_dsn, [mailbox.id for mailbox in mailboxes])
    late = sum(fenced(server) for server in servers)
    again = [place for place, count in Counter((seen.message, seen.attempt) for seen in house.journal.seen).items() if count > 1]
    times = {name: percentiles(seconds) for name, seconds in moved.items()}
    told = dict(house.journal.retried)
    report("replicas", moved=times, fenced=late, told=told, **verdict.counts, faults=verdict.faults)
    assert verdict.faults == {} and house.journal.refused == []
    assert again == [], "two hand-outs of one attempt"
