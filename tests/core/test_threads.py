"""Threads of the people's conversation: all of them, once each, whatever stands between."""

import random
from collections.abc import AsyncGenerator

import asyncpg
import pytest

from postroom.core.identity.model import Principal
from postroom.core.messages.reading import THREADED
from tests.core.test_growth import Crowd
from tests.core.test_path import draft, send
from tests.core.test_reading import notify, reply, write_lines
from tests.support.database import House


async def walked(house: House, agent: Principal, limit: int) -> list[tuple[str, int, str | None, str | None]]:
    """All pages of threads, one after the other: id, messages, how each begins and ends."""
    found: list[tuple[str, int, str | None, str | None]] = []
    before = None
    while True:
        page = await house.services.reading.threads(house.operator, agent.id, before=before, limit=limit)
        assert len(page.threads) <= limit
        found += [(thread.id, thread.messages, thread.begins, thread.last.preview) for thread in page.threads]
        if page.next is None:
            return found
        before = page.next


async def test_threads_are_those_of_people_and_the_newest_comes_first(house: House) -> None:
    agent, other = await house.workspace("agent"), await house.workspace("other")
    await send(house, agent, "first", thread_id="a")
    await send(house, agent, "second", thread_id="b")
    await reply(house, agent, "to the first")
    await house.services.messages.accept(other, draft(agent.id, "not for people"))
    await notify(house, agent, "by the way")
    found = await walked(house, agent, 50)
    assert [(messages, begins, ends) for _, messages, begins, ends in found] == [
        (1, "by the way", "by the way"),
        (2, "first", "to the first"),
        (1, "second", "second"),
    ]
    assert [id for id, *_ in found[1:]] == ["a", "b"]
    assert await walked(house, other, 50) == []


@pytest.mark.parametrize(("seed", "count"), [(1, 60), (2, 900), (3, 2 * THREADED)])
async def test_pages_together_have_each_thread_once(house: House, seed: int, count: int) -> None:
    """Long threads and short ones, side by side and one after the other; more than one call looks at."""
    agent, chance = await house.workspace(), random.Random(seed)
    lines = [(chance.choice(["from_people", "to_people", "agents"]), f"t{int(chance.random() ** 3 * 40)}", str(n)) for n in range(count)]
    lines[0], lines[1] = ("to_people", "the oldest", "0"), ("agents", "of agents", "1")
    await write_lines(house, agent, lines)
    expected: dict[str, tuple[str, int, str, str]] = {}
    for strand, thread, words in lines:
        if strand != "agents":
            _, messages, begins, _ = expected.pop(thread, (thread, 0, words, words))
            expected[thread] = (thread, messages + 1, begins, words)
    for limit in (1, 7, 200) if count < THREADED else (30, 200):
        found = await walked(house, agent, limit)
        assert [(id, min(n, 1000), *rest) for id, n, *rest in reversed(expected.values())] == found


LONG = 100_000
MOST_ROWS = THREADED * 3


@pytest.fixture
async def crowd(house: House, dsn: str) -> AsyncGenerator[Crowd]:
    """Two agents that were told very much: one in one thread, one in as many threads as messages."""
    agents = [await house.workspace("one thread"), await house.workspace("many threads")]
    for many, agent in enumerate(agents):
        await write_lines(house, agent, [("to_people", str(number * many), "words") for number in range(LONG // 2)])
    connection = await asyncpg.connect(dsn, server_settings={"plan_cache_mode": "force_generic_plan"})
    await connection.execute("vacuum analyze")
    try:
        yield Crowd(connection, agents[0].id, agents[1].id, house.operator.credential_id)
    finally:
        await connection.close()


async def test_threads_cost_what_one_call_looks_at(crowd: Crowd) -> None:
    for agent in (crowd.busy, crowd.quiet):
        for before in (None, LONG // 4):
            assert await crowd.rows("messages", "list_threads", agent, before, THREADED, 50) < MOST_ROWS
