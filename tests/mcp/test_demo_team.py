"""Two coding agents and the demo team: one over stdio, one over HTTP, and a server that is killed after everything that they do."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from postroom.client import Client
from tests.mcp.bridges import Bridge
from tests.mcp.clients import Agent, Seat
from tests.mcp.desks import another_bridge
from tests.support.demo import PostRoom
from tests.support.server import make_agent

Json = dict[str, Any]

TEAM = {"Lead", "Clerk", "Echo", "Slow"}

pytestmark = pytest.mark.timeout(240)


@dataclass
class Colleagues:
    """Laptop has a bridge, Desk an HTTP client; both sit below Lead."""

    room: PostRoom
    laptop: Bridge
    desk: Agent
    ids: dict[str, str]

    async def kill(self) -> None:
        """kill -9, and a new server at the same address."""
        port = self.room.port
        self.room.kill()
        await asyncio.to_thread(self.room.start, port=port)


@asynccontextmanager
async def meeting(short_directory: Path, tmp_path: Path) -> AsyncGenerator[Colleagues]:
    """No fixture: the clients want to be left by the task that entered them."""
    room = PostRoom(short_directory / "two-clients", poll_seconds="0.2")
    try:
        await asyncio.to_thread(room.start)
        async with room.client() as operator:
            ids, tokens = await seats(operator)
        laptop = another_bridge(tmp_path, room.url, tokens["Laptop"])
        async with laptop.running(), Seat(room.url, ids["Desk"], tokens["Desk"], "Desk").connect() as desk:
            yield Colleagues(room, laptop, desk, ids)
    finally:
        room.destroy()


async def seats(operator: Client) -> tuple[dict[str, str], dict[str, str]]:
    (lead,) = [one["id"] for one in await operator.workspaces() if one["name"] == "Lead"]
    elsewhere, _ = await make_agent(operator, "Other root")
    places = {"Laptop": lead, "Desk": lead, "Outside": elsewhere}
    made = {name: await make_agent(operator, name, parent_id=parent) for name, parent in places.items()}
    return {name: one for name, (one, _) in made.items()}, {name: token for name, (_, token) in made.items()}


async def test_they_work_together_while_the_server_dies_after_every_step(short_directory: Path, tmp_path: Path) -> None:
    async with meeting(short_directory, tmp_path) as colleagues:
        await look_around(colleagues)
        asked = await ask_and_answer(colleagues)
        unwanted = await ask_and_cancel(colleagues)
        await nothing_is_left(colleagues, asked, unwanted)


async def look_around(colleagues: Colleagues) -> None:
    laptop, desk = colleagues.laptop, colleagues.desk
    for agent, other in ((laptop, "Desk"), (desk, "Laptop")):
        peers = (await agent.use("list_peers"))["peers"]
        assert {peer["name"] for peer in peers} == TEAM | {other}, "exactly those that the tree allows"


async def ask_and_answer(colleagues: Colleagues) -> list[Json]:
    """Laptop asks Desk, which asks Clerk; the answer comes back as post."""
    laptop, desk, kill = colleagues.laptop, colleagues.desk, colleagues.kill
    await kill()
    task = await laptop.use("delegate_task_async", workspace_id="Desk", task="count 3 apples and 4 pears")
    await kill()
    message = await desk.take()
    assert (message["text"], [link["name"] for link in message["on_behalf_of"]]) == ("count 3 apples and 4 pears", ["Laptop"])
    await kill()
    counted = await desk.use("delegate_task", workspace_id="Clerk", task=message["text"])
    assert (counted["status"], "sum 7" in counted["result"]["text"]) == ("completed", True)
    await kill()
    await desk.use("report_progress", message_id=message["message_id"], text="Clerk has counted")
    await kill()
    (seen,) = (await laptop.use("check_task_status", task_id=task["task_id"]))["tasks"]
    assert (seen["status"], seen["progress"]["text"]) == ("handed", "Clerk has counted")
    await kill()
    await desk.use("reply", message_id=message["message_id"], text="it is 7")
    await kill()
    told = await laptop.take()
    assert (told["text"], told["report"]["task_id"], told["report"]["status"]) == ("it is 7", task["task_id"], "completed")
    await kill()
    assert (await laptop.use("inbox_pop", message_id=told["message_id"], if_unanswered="end"))["status"] == "ended"
    return [task, counted]


async def ask_and_cancel(colleagues: Colleagues) -> Json:
    """Laptop asks Slow and thinks better of it."""
    laptop, kill = colleagues.laptop, colleagues.kill
    await kill()
    unwanted = await laptop.use("delegate_task_async", workspace_id="Slow", task="take your time")
    await kill()
    await laptop.use("cancel_task", task_id=unwanted["task_id"])
    await kill()
    (ended,) = (await laptop.use("check_task_status", task_id=unwanted["task_id"], timeout_seconds=30))["tasks"]
    assert ended["status"] == "cancelled"
    assert (await laptop.take())["report"] == {"task_id": unwanted["task_id"], "status": "cancelled", "error": ended["error"]}
    return unwanted


async def nothing_is_left(colleagues: Colleagues, asked: list[Json], unwanted: Json) -> None:
    """Every message once: what was asked, what was answered, and the two posts about the ends."""
    async with colleagues.room.client() as operator:
        found = [one.id for name in ("Laptop", "Desk") for one in await operator.delegations(colleagues.ids[name])]
        assert sorted(found) == sorted(task["task_id"] for task in (*asked, unwanted))
        posts = (await operator.chat_history(colleagues.ids["Laptop"]))["messages"]
        assert sorted(post["reply_to"] for post in posts if post["role"] == "user") == sorted((asked[0]["task_id"], unwanted["task_id"]))
        answers = (await operator.chat_history(colleagues.ids["Desk"]))["messages"]
        assert [line["content"] for line in answers] == ["count 3 apples and 4 pears", "it is 7"]
