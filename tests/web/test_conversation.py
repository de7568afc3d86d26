"""What a conversation does when a read fails, when a place in it is looked for again and again, and when it is open for days."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from playwright.async_api import Page, Request, Route, expect

from benches.growth.seed import seed
from tests.web.agents import Team, Worker
from tests.web.chats import Chat, open_chat
from tests.web.devices import AWAY, SECONDS, Device

# More than the page keeps of a conversation at a time.
MANY = 1_300


@asynccontextmanager
async def cut(page: Page, pattern: str) -> AsyncGenerator[None]:
    """For the length of the block requests to such an address come to nothing."""

    async def abort(route: Route) -> None:
        await route.abort()

    await page.route(pattern, abort)
    yield
    await page.unroute(pattern)


async def long_chat(team: Team, first: str) -> Worker:
    """A workspace with so many messages, of which the first one says something else."""
    worker = await team.idle()
    await team.client.send(worker.id, first, wait=None)
    await lengthen(team, worker)
    return worker


async def lengthen(team: Team, worker: Worker) -> None:
    sent = await team.client.send(worker.id, "Said often.", wait=None)
    await seed(team.server.dsn("postgres"), UUID(sent.message_id), MANY)


async def tell(team: Team, worker: Worker, text: str) -> None:
    """The agent tells its people something."""
    async with team.server.client(worker.token) as agent:
        await agent.notify(worker.id, text)


async def look_for(chat: Chat, words: str) -> None:
    """Look for a message that is there once, and go to it."""
    field = chat.page.get_by_label("Words to look for")
    if await field.count() == 0:
        await chat.page.get_by_role("button", name="Search this chat").click()
    await field.fill(words)
    await go_to_found(chat)


async def go_to_found(chat: Chat) -> None:
    await chat.page.get_by_role("list", name="Found").get_by_role("button").click()


async def test_a_long_history_that_could_not_be_read_is_read_from_its_end(desk: Device, team: Team) -> None:
    worker = await long_chat(team, "Letter 1.")
    desk.faults.expect(*AWAY)
    async with cut(desk.page, "**/chat-history?*"):
        chat = await open_chat(desk, worker)
        await expect(desk.page.get_by_role("button", name="Try again")).to_be_visible()
    asked: list[str] = []
    desk.page.on("request", lambda request: asked.append(request.url) if "/chat-history" in request.url else None)
    await tell(team, worker, "Letter 2.")
    await chat.shows("Letter 2.")
    assert len(asked) <= 2, asked


async def test_a_place_is_gone_to_as_often_as_it_is_asked_for(desk: Device, team: Team) -> None:
    worker = await long_chat(team, "Letter 1.")
    chat = await open_chat(desk, worker)
    await look_for(chat, "Letter 1.")
    await expect(chat.line("Letter 1.")).to_be_in_viewport()
    await chat.log.hover()
    async with asyncio.timeout(SECONDS):
        while await chat.line("Letter 1.").count() > 0:
            await desk.page.mouse.wheel(0, 5_000)
    await go_to_found(chat)
    await expect(chat.line("Letter 1.")).to_be_in_viewport()


async def test_a_chat_that_is_open_for_long_keeps_a_part_of_it(desk: Device, team: Team) -> None:
    worker = await team.idle()
    await team.client.send(worker.id, "Letter 1.", wait=None)
    chat = await open_chat(desk, worker)
    await chat.shows("Letter 1.")
    await lengthen(team, worker)
    await tell(team, worker, "Letter 2.")
    await chat.shows("Letter 2.")

    def is_older(request: Request) -> bool:
        return "before=" in request.url

    # What was let go of is fetched again by whoever scrolls to it.
    async with desk.page.expect_request(is_older):
        await chat.log.evaluate("log => { log.scrollTop = 0 }")
