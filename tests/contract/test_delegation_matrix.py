"""Whoever asks, and whoever is asked: a delegation is the same, and nobody can tell from the outside what the other one is.

One body of tests for every kind of caller with every kind of callee, on a real server.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from postroom.client import Client
from tests.contract.callees import CALLEES, Callee
from tests.contract.callers import CALLERS, Caller, Standing
from tests.contract.places import Place
from tests.support.server import ServerProcess, make_agent

SECONDS = 60.0

pytestmark = pytest.mark.timeout(150)


@dataclass
class Pair:
    """Lead, who asks Clerk."""

    lead: Caller
    clerk: Callee
    lead_id: str
    clerk_id: str

    async def until(self, delegation: str, holds: Callable[[Standing], bool]) -> Standing:
        """How the delegation stands once that holds."""
        async with asyncio.timeout(SECONDS):
            while not holds(seen := await self.lead.look(delegation)):
                await asyncio.sleep(0.05)
            return seen

    async def end(self, delegation: str) -> Standing:
        return await self.until(delegation, lambda seen: seen.status not in ("accepted", "handed"))


async def answered(pair: Pair) -> None:
    """Progress is seen on the way, and the answer whole."""
    asked = await pair.lead.ask(pair.clerk_id, "draw")
    work = await pair.clerk.take()
    assert (work.text, work.sender) == ("draw", pair.lead_id)
    await work.progress("half way")
    await pair.until(asked, lambda seen: seen == Standing("handed", "half way"))
    await work.answer("here it is")
    assert await pair.end(asked) == Standing("completed", "half way", "here it is", pair.clerk.files)
    assert await pair.lead.told() in (None, (asked, "completed"))


async def failed(pair: Pair) -> None:
    """The reason is the agent's."""
    asked = await pair.lead.ask(pair.clerk_id, "print")
    await (await pair.clerk.take()).fail("no paper")
    assert await pair.end(asked) == Standing("failed", reason="no paper")
    assert await pair.lead.told() in (None, (asked, "failed"))


async def cancelled(pair: Pair) -> None:
    """One is in hand and one waits: its holder is asked to stop, the other ends at once."""
    held = await pair.lead.ask(pair.clerk_id, "dig")
    work = await pair.clerk.take()
    # A called agent can be told to stop once the server has heard of its task.
    await work.progress("digging")
    await pair.until(held, lambda seen: seen.progress == "digging")
    waiting = await pair.lead.ask(pair.clerk_id, "dig deeper")
    await pair.lead.cancel(waiting)
    assert (await pair.end(waiting)).status == "cancelled"
    await pair.lead.cancel(held)
    await work.stop_when_told()
    assert (await pair.end(held)).status == "cancelled"
    assert await pair.lead.told() in (None, (waiting, "cancelled"))
    assert await pair.lead.told() in (None, (held, "cancelled"))


@pytest.mark.parametrize("callee", CALLEES)
@pytest.mark.parametrize("caller", CALLERS)
async def test_a_delegation_is_the_same_between_any_two(
    caller: str, callee: str, server: ServerProcess, operator: Client, tmp_path: Path
) -> None:
    called = {"delivery_mode": "push"} if callee == "called" else {}
    lead, clerk = Place(*await make_agent(operator, "Lead")), Place(*await make_agent(operator, "Typist", **called))
    async with CALLERS[caller](server, lead, tmp_path) as asking, CALLEES[callee](server, clerk, tmp_path) as asked:
        for story in (answered, failed, cancelled):
            await story(Pair(asking, asked, lead.id, clerk.id))
