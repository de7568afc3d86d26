"""Agents, streams and tokens that come and go under load leave nothing behind. ``make leaks`` is the long form (reliability.md, T23)."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from benches.leaks.churn import Churn
from benches.leaks.samples import Sample, Sampler
from benches.processes import app
from benches.sending import build_client
from tests.conftest import NewServer
from tests.support.server import ServerProcess

WARM_SECONDS, CHURN_SECONDS = 2.0, 6.0
SETTLE_SECONDS = 40.0
"""The server's unused connections to agents close after 4 s, others after 30."""
MOST_DATABASE_CONNECTIONS = 8 + 2 + 2 + 7 + 2
"""The pools at their sizes, and the two of the wake-ups."""
BACK_TO_BASE = ("descriptors beside the database's", "tasks", "feed listeners", "calls in flight", "unfinished messages")

pytestmark = pytest.mark.timeout(150)


@asynccontextmanager
async def sampler(server: ServerProcess) -> AsyncGenerator[Sampler]:
    connection = await asyncpg.connect(server.dsn("postgres"))
    try:
        async with build_client() as http:
            yield Sampler(server, http, connection)
    finally:
        await connection.close()


async def load(server: ServerProcess, agent: str, seconds: float) -> Churn:
    """Everything comes and goes, for so long; at the end all of it is gone."""
    churn = Churn(server, agent, per_second=100, agent_life=2.0)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(churn.run())
        await asyncio.sleep(seconds)
        churn.stop()
    return churn


async def settled(looks: Sampler, holds: Callable[[Sample], bool]) -> Sample:
    """The first sample for which it holds, or the last one there was time for."""
    ends = asyncio.get_running_loop().time() + SETTLE_SECONDS
    while not holds(sample := await looks.look()) and asyncio.get_running_loop().time() < ends:
        await asyncio.sleep(0.5)
    return sample


class AtRest:
    """Holds for a sample that is like the ones before it, with nothing open."""

    def __init__(self) -> None:
        self._last: list[list[float]] = []

    def __call__(self, sample: Sample) -> bool:
        self._last = [*self._last, [sample[name] for name in BACK_TO_BASE]][-4:]
        return len(self._last) == 4 and all(look == self._last[0] for look in self._last) and self._last[0][2:] == [0, 0, 0]


async def test_what_comes_and_goes_leaves_nothing_behind(new_server: NewServer) -> None:
    server = new_server().start()
    with app("apps", "echo") as agent:
        async with sampler(server) as looks:
            # What a server makes once and keeps (pools, its own tasks) is there after the first round.
            await load(server, agent, WARM_SECONDS)
            before = await settled(looks, AtRest())
            churn = await load(server, agent, CHURN_SECONDS)
            after = await settled(looks, lambda sample: all(sample[name] <= before[name] for name in BACK_TO_BASE))
    print({name: (before[name], after[name]) for name in BACK_TO_BASE}, churn.done, churn.refused)
    assert {name: after[name] for name in BACK_TO_BASE if after[name] > before[name]} == {}
    assert (before["feed listeners"], before["calls in flight"], before["unfinished messages"]) == (0, 0, 0)
    assert after["faults"] == 0
    assert after["database connections"] <= MOST_DATABASE_CONNECTIONS
    assert min(churn.done[kind] for kind in ("message", "agent", "stream", "token")) >= 5, churn.first_refusal
