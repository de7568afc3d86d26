"""The points of a run, in order, and what each is compared with."""

import asyncio
from collections.abc import Generator
from dataclasses import dataclass

from benches.machine import postgres_version
from benches.plan import Measured, Plan
from benches.processes import bare, generate, postroom
from tests.support.server import ServerProcess, make_agent

CALLERS = (1, 8, 64)
MOST_CALLERS = CALLERS[-1]
FETCH_CALLERS = 8
MAILBOXES = 50
CONCURRENT = 8
"""Messages that one called mailbox hands out at a time; 50 x 8 leave room for 64 callers."""


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
        with bare("echo") as agent:
            with bare("forward", agent) as ceiling:
                for callers in CALLERS:
                    yield point("a. ceiling", Plan(urls=[ceiling], callers=callers), compared=callers)
            yield from self._postroom(agent)
            with postroom(batch_size="1") as server:
                plan = asyncio.run(called(server, agent, MOST_CALLERS))
                yield point("c. called, batch 1", plan, compared=MOST_CALLERS)

    def _postroom(self, agent: str) -> Generator[Point]:
        with postroom() as server:
            self.postgres = asyncio.run(postgres_version(server.dsn()))
            for callers in CALLERS:
                plan = asyncio.run(called(server, agent, callers))
                yield point("b. called", plan, compared=callers)
            plan = asyncio.run(fetched(server, FETCH_CALLERS))
            yield point("e. fetching", plan, compared=FETCH_CALLERS)
            yield point("e. wake-up", asyncio.run(woken(server)), compared=None)


def point(name: str, plan: Plan, *, compared: int | None) -> Point:
    """Measure one."""
    return Point(name=name, callers=plan.callers, compared=compared, measured=generate(plan))


async def called(server: ServerProcess, agent: str, callers: int) -> Plan:
    """Blocking sends to new mailboxes whose agent is called at its URL."""
    async with server.client() as operator:
        made = [await make_agent(operator, f"called-{callers}-{i}", url=agent, max_concurrent=CONCURRENT) for i in range(MAILBOXES)]
    return Plan(urls=[address(server, id) for id, _ in made], headers=bearer(server.operator_token), callers=callers)


async def fetched(server: ServerProcess, callers: int) -> Plan:
    """Blocking sends to one new mailbox that a fetching agent empties, one message at a time."""
    async with server.client() as operator:
        id, token = await make_agent(operator, f"fetching-{callers}", max_concurrent=1)
    return Plan(
        urls=[address(server, id)],
        headers=bearer(server.operator_token),
        callers=callers,
        inbox=f"{server.url}/workspaces/{id}/inbox",
        inbox_headers=bearer(token),
    )


async def woken(server: ServerProcess) -> Plan:
    """Single messages to a fetching agent that waits."""
    plan = await fetched(server, 1)
    return Plan(kind="wake", urls=plan.urls, headers=plan.headers, inbox=plan.inbox, inbox_headers=plan.inbox_headers)


def address(server: ServerProcess, id: str) -> str:
    """The A2A address of a workspace."""
    return f"{server.url}/workspaces/{id}/a2a"


def bearer(token: str) -> dict[str, str]:
    """The header that names the caller."""
    return {"Authorization": f"Bearer {token}"}
