"""Delegations in the crash matrix: one workspace asks another, and reads in its own mailbox how that ended, whichever end it is."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx

from tests.crash.checker import unfinished
from tests.crash.flows import Flow, answering, called_agent, fetching, remove, say, work_on
from tests.crash.load import Mailbox
from tests.crash.stage import AWAY, LEASE, Stage
from tests.edges.agents import raw_agent


@asynccontextmanager
async def reading(stage: Stage, lead: Mailbox) -> AsyncGenerator[httpx.AsyncClient]:
    """The delegator reads its post until everything has its end: what was asked, and what tells of that."""
    async with fetching(stage, lead), httpx.AsyncClient(timeout=30) as http:
        yield http
        await _ended(stage)


async def _ended(stage: Stage) -> None:
    while True:
        try:
            if not await unfinished(stage.dsn, stage.ids):
                return
        except AWAY:
            await stage.database_answers()
        await asyncio.sleep(0.02)


async def _ask_twice(stage: Stage, http: httpx.AsyncClient, lead: Mailbox, clerk: Mailbox, **fields: object) -> list[str]:
    return [await stage.delegate(http, lead, clerk, str(uuid4()), **fields) for _ in range(2)]


async def delegated(stage: Stage) -> None:
    """Two agents that fetch."""
    await stage.well()
    lead, clerk = await stage.mailbox(), await stage.mailbox()
    async with fetching(stage, clerk), reading(stage, lead) as http:
        await _ask_twice(stage, http, lead, clerk)


async def called(stage: Stage) -> None:
    """Two agents that are called: the ends are brought to the one that asked."""
    async with (
        raw_agent(answering(stage, box=0)) as one,
        raw_agent(answering(stage, box=1)) as other,
        httpx.AsyncClient(timeout=30) as http,
    ):
        await stage.well()
        lead, clerk = [await stage.mailbox(delivery_mode="push", url=agent.url) for agent in (one, other)]
        await _ask_twice(stage, http, lead, clerk)
        await _ended(stage)


async def cancelled(stage: Stage) -> None:
    """One is out and one waits; who asked for them does not want them any more, and insists."""
    async with called_agent(stage, lambda _: "hang") as (clerk, agent):
        lead = await stage.mailbox()
        async with reading(stage, lead) as http:
            asked = await _ask_twice(stage, http, lead, clerk)
            while not agent.exchanges:
                await asyncio.sleep(0.01)
            for delegation in reversed(asked):
                await _cancel(stage, http, lead, delegation)


async def _cancel(stage: Stage, http: httpx.AsyncClient, lead: Mailbox, delegation: str) -> None:
    """Ask until it has ended; where it ended otherwise, that is refused."""
    while True:
        answer = await say(stage, http, lead, f"/workspaces/{lead.id}/delegations/{delegation}/cancel", {})
        if answer.status_code == 409 or answer.json()["ended_at"]:
            return
        await asyncio.sleep(0.1)


async def expired(stage: Stage) -> None:
    """Nobody comes for them in time."""
    await stage.well()
    lead, clerk = await stage.mailbox(), await stage.mailbox()
    async with reading(stage, lead) as http:
        await _ask_twice(stage, http, lead, clerk, deadline_seconds=1)


async def removed(stage: Stage) -> None:
    """Who was asked is removed."""
    await stage.well()
    lead, clerk = await stage.mailbox(), await stage.mailbox()
    async with reading(stage, lead) as http:
        await _ask_twice(stage, http, lead, clerk)
        await remove(stage, http, clerk)


async def orphaned(stage: Stage) -> None:
    """What they were part of is answered without them."""
    await stage.well()
    lead, clerk = await stage.mailbox(), await stage.mailbox()
    async with httpx.AsyncClient(timeout=30) as http:
        await stage.send(http, lead, str(uuid4()))
        claimed = await say(stage, http, lead, f"/workspaces/{lead.id}/inbox/claim", {"wait": 2, "lease": LEASE})
        await _ask_twice(stage, http, lead, clerk, cancel_with_parent=True)
        await work_on(stage, http, lead, claimed.json()["items"][0])
    async with reading(stage, lead):
        pass


DELEGATED = {
    "delegated": Flow(delegated),
    "delegated_called": Flow(called),
    "delegated_cancelled": Flow(cancelled, ("cancelled",)),
    "delegated_expired": Flow(expired, ("expired",)),
    "delegated_removed": Flow(removed, ("failed",)),
    "delegated_orphaned": Flow(orphaned, ("replied", "cancelled")),
}
