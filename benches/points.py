"""The points of a run, in order, and what each is compared with."""

import asyncio
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Literal

from benches.machine import postgres_version
from benches.plan import Inbox, Measured, Plan
from benches.processes import app, database, generate, postroom, replicas
from tests.support.server import ServerProcess, make_agent

CALLERS = (1, 8, 64, 256)
FEW_CALLERS = (1, 8, 64)
MANY = 64
FETCH_CALLERS = 8
FETCHERS = 100
LISTENERS = (1, 1000, 100)
"""In this order: what a thousand cost is measured in a server that had but one."""
CALLED = 50
CONCURRENT = 8
"""Messages that one called mailbox hands out at a time; 50 x 8 leave room for 256 callers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """``compared`` is the number of callers of the ceiling that it stands beside; None for what has no ceiling."""

    name: str
    callers: int
    compared: int | None
    measured: Measured


class Points:
    """One run; ``postgres`` is the version that was found on the way."""

    def __init__(self) -> None:
        self.postgres = ""

    def run(self) -> Generator[Point]:
        """Measure everything, one point after the other."""
        with app("apps", "echo") as agent:
            yield from forwarded(agent)
            with postroom() as server:
                self.postgres = asyncio.run(postgres_version(server.dsn()))
                yield from called(server, agent)
                yield from fetched(server)
            with postroom() as server:  # a new one: in memory that others have used and left, listeners would cost nothing
                yield from heard(server)
            with postroom(batch_size="1") as server:
                yield point("c. called, batch 1", asyncio.run(calls([server], agent, MANY)), compared=MANY)
            with database() as dsn, app("rival", dsn, agent) as rival:
                for callers in FEW_CALLERS:
                    yield point("d. a2a-sdk, tasks in PostgreSQL", Plan(urls=[rival], callers=callers), compared=callers)
            for number in (2, 3):
                with replicas(number) as servers:
                    yield point(f"f. called, {number} servers", asyncio.run(calls(servers, agent, MANY)), compared=MANY)


def point(name: str, plan: Plan, *, compared: int | None) -> Point:
    """Measure one."""
    return Point(name=name, callers=plan.callers, compared=compared, measured=generate(plan))


def forwarded(agent: str) -> Generator[Point]:
    """What the machine can do when nothing is stored."""
    with app("apps", "bare", agent) as url:
        yield point("a0. bare forwarder", Plan(urls=[url], callers=MANY), compared=MANY)
    with app("apps", "ceiling", agent) as url:
        for callers in CALLERS:
            yield point("a. ceiling", Plan(urls=[url], callers=callers), compared=callers)


def called(server: ServerProcess, agent: str) -> Generator[Point]:
    """Blocking sends to agents that are called at their URL."""
    for callers in CALLERS:
        yield point("b. called", asyncio.run(calls([server], agent, callers)), compared=callers)


async def calls(servers: Sequence[ServerProcess], agent: str, callers: int) -> Plan:
    """Blocking sends to new mailboxes, each at one of the servers in turn."""
    async with servers[0].client() as operator:
        made = [await make_agent(operator, f"called-{callers}-{i}", url=agent, max_concurrent=CONCURRENT) for i in range(CALLED)]
    urls = [address(servers[number % len(servers)], id) for number, (id, _) in enumerate(made)]
    return Plan(urls=urls, headers=bearer(servers[0].operator_token), callers=callers)


def fetched(server: ServerProcess) -> Generator[Point]:
    """Blocking sends to agents that fetch; requests are messages."""
    yield point("e. fetching, 1 mailbox", asyncio.run(fetches(server, 1, FETCH_CALLERS)), compared=FETCH_CALLERS)
    yield point(f"e. fetching, {FETCHERS} mailboxes", asyncio.run(fetches(server, FETCHERS, MANY)), compared=MANY)
    yield point("e. wake-up", asyncio.run(fetches(server, 1, 1, kind="wake")), compared=None)


def heard(server: ServerProcess) -> Generator[Point]:
    """Messages as the listeners of a live feed see them."""
    for listeners in LISTENERS:
        yield point("g. feed, per listener", asyncio.run(feed(server, listeners)), compared=None)


async def feed(server: ServerProcess, listeners: int) -> Plan:
    """Messages to one new mailbox that nobody empties, and listeners on its feed."""
    async with server.client() as operator:
        id, _ = await make_agent(operator, f"heard-{listeners}")
    return Plan(
        kind="feed",
        urls=[address(server, id)],
        headers=bearer(server.operator_token),
        callers=listeners,
        feed=f"{server.url}/workspaces/{id}/events/stream",
        server=server.pid,
    )


async def fetches(server: ServerProcess, mailboxes: int, callers: int, *, kind: Literal["load", "wake"] = "load") -> Plan:
    """Sends to new mailboxes, each emptied by an agent of its own, one message at a time."""
    async with server.client() as operator:
        made = [await make_agent(operator, f"fetching-{callers}-{i}") for i in range(mailboxes)]
    return Plan(
        kind=kind,
        urls=[address(server, id) for id, _ in made],
        headers=bearer(server.operator_token),
        callers=callers,
        inboxes=[Inbox(url=f"{server.url}/workspaces/{id}/inbox", headers=bearer(token)) for id, token in made],
    )


def address(server: ServerProcess, id: str) -> str:
    """The A2A address of a workspace."""
    return f"{server.url}/workspaces/{id}/a2a"


def bearer(token: str) -> dict[str, str]:
    """The header that names the caller."""
    return {"Authorization": f"Bearer {token}"}
