"""The network between server and agent, cut at each byte of a call: what may have been handed counts as handed, and takes effect once."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest

from tests.conftest import NewServer
from tests.crash.checker import judge
from tests.crash.cuts import LANES, plan_cuts
from tests.crash.form import LONG, report
from tests.crash.load import House, Mailbox, at_rest, called_agent, make_mailbox
from tests.edges.agents import raw_agent
from tests.support.proxy import Cut, How, Proxy, Way, proxy_to

pytestmark = pytest.mark.timeout(900 if LONG else 120)

Outcomes = dict[str, list[str]]


@dataclass
class Lane:
    """A mailbox whose agent is called through a proxy."""

    mailbox: Mailbox
    proxy: Proxy


@asynccontextmanager
async def open_lane(house: House) -> AsyncGenerator[Lane]:
    made: list[Mailbox] = []
    async with raw_agent(called_agent(house.journal, made)) as agent, proxy_to(("127.0.0.1", agent.port)) as proxy:
        url = f"http://127.0.0.1:{proxy.port}/"
        made.append(await asyncio.to_thread(make_mailbox, house.urls[0], house.operator_token, "behind", delivery_mode="push", url=url))
        yield Lane(made[0], proxy)


async def size_of_a_call(house: House, lane: Lane, http: httpx.AsyncClient) -> tuple[int, int]:
    """Bytes of the request and of the answer, on a connection that is there already: as those that are cut."""
    await house.send(http, lane.mailbox, wait=20)
    up, down = lane.proxy.passed[Way.UP], lane.proxy.passed[Way.DOWN]
    await house.send(http, lane.mailbox, wait=20)
    return lane.proxy.passed[Way.UP] - up, lane.proxy.passed[Way.DOWN] - down


async def call_cut_short(house: House, lane: Lane, http: httpx.AsyncClient, at: int, cut: Cut) -> list[int]:
    """One message whose first call is cut, waited for; the attempts that its agent saw whole."""
    if at == 0:
        lane.proxy.cut_all(How.FIN)
        lane.proxy.plans.append(cut)
    else:
        lane.proxy.arm(cut)
    key = await house.send(http, lane.mailbox, wait=20)
    lane.proxy.armed.clear()
    assert cut.done, f"{cut} was never reached"
    return [seen.attempt for seen in house.journal.seen if seen.text == key]


def check_attempts(at: int, cut: Cut, sizes: tuple[int, int], attempts: list[int], outcomes: Outcomes) -> None:
    """R24: a connection that was there and then broke may have brought the message, so the attempt counts, from the first byte on."""
    request, answer = sizes
    if cut.way is Way.DOWN and at >= answer:
        expected, outcome = [[1]], "answered"
    elif at == 0:
        # Ended before anything was sent, the HTTP client may notice, and begin anew; or not.
        expected, outcome = [[1], [2]], "handed in part"
    elif cut.way is Way.UP and at < request:
        expected, outcome = [[2]], "handed in part"
    else:
        # The last byte and the reset may come together, so that the agent hears only of the reset.
        expected, outcome = [[1, 2], [2]] if cut.way is Way.UP else [[1, 2]], "handed, no outcome"
    assert attempts in expected, f"{cut.way} after {at} of {sizes}, {cut.how}: the agent saw the attempts {attempts}"
    outcomes.setdefault(outcome, []).append(f"{cut.way}{at}{cut.how}")


async def run_lane(house: House, lane: Lane, waiting: deque[tuple[int, Cut]], sizes: tuple[int, int], outcomes: Outcomes) -> None:
    async with httpx.AsyncClient(timeout=40) as http:
        while waiting:
            at, cut = waiting.popleft()
            attempts = await call_cut_short(house, lane, http, at, cut)
            check_attempts(at, cut, sizes, attempts, outcomes)


async def sweep(house: House, opened: Sequence[Lane]) -> Outcomes:
    outcomes: Outcomes = {}
    async with httpx.AsyncClient(timeout=40) as http:
        sizes = await size_of_a_call(house, opened[0], http)
    waiting = deque(plan_cuts(*sizes))
    async with asyncio.TaskGroup() as running:
        for lane in opened:
            running.create_task(run_lane(house, lane, waiting, sizes, outcomes))
    return outcomes


async def test_a_call_may_be_cut_anywhere_and_takes_effect_once(new_server: NewServer) -> None:
    server = await asyncio.to_thread(new_server(backoff_seconds="0.1", poll_seconds="0.1").start)
    house = House([server.url], server.operator_token)
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(open_lane(house)) for _ in range(LANES)]
        outcomes = await sweep(house, opened)
        mailboxes = [lane.mailbox.id for lane in opened]
        await at_rest(server.dsn(), mailboxes)
    verdict = await judge(house.journal, server.dsn(), mailboxes)
    counts = Counter({outcome: len(places) for outcome, places in outcomes.items()})
    report("cuts of calls", **counts, **verdict.counts, faults=verdict.faults)
    assert verdict.faults == {} and house.journal.refused == []
    assert outcomes.keys() == {"answered", "handed in part", "handed, no outcome"}
