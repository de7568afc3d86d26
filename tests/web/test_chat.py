"""A chat from day to day: streaming, cancelling, failing, several devices, a flood, odd clocks, long texts."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from playwright.async_api import expect

from postroom.agent import Message
from postroom.agent.parts import Piece
from postroom.db.statements import load
from tests.web.agents import Gate, Stream, Team, echo, fail
from tests.web.chats import agree, letters, open_chat, read
from tests.web.conftest import NewDevice
from tests.web.devices import AWAY, HELD, PHONE, REFUSED, Device, login_link

AT_ONCE = 200


async def test_an_answer_is_shown_as_it_is_written(phone: Device, team: Team) -> None:
    more, rest = asyncio.Event(), asyncio.Event()

    async def answer(message: Message) -> AsyncGenerator[Piece]:
        del message
        yield "The first half, "
        await more.wait()
        yield "as it comes; "
        await rest.wait()
        yield "and the second half."

    async with team.working(answer) as worker:
        chat = await open_chat(phone, worker)
        await chat.send("Go on.")
        growing = chat.log.locator("[data-streaming]")
        await expect(growing).to_have_text("The first half,")
        more.set()
        for _ in range(2):
            await expect(growing).to_have_text("The first half, as it comes;")
            await phone.page.reload()
        rest.set()
        await chat.shows("The first half, as it comes; and the second half.")
        await expect(growing).to_have_count(0)


@pytest.mark.parametrize("desk", [HELD], indirect=True)
async def test_an_answer_that_comes_while_its_beginning_is_read_is_shown(desk: Device, team: Team) -> None:
    stream = Stream()
    async with team.working(stream.answer) as worker:
        chat = await open_chat(desk, worker)
        await chat.send("Go on.")
        await expect(chat.log.locator("[data-streaming]")).to_be_visible()
        free = await desk.hold("**/activity?*")
        async with desk.page.expect_request("**/activity?*"):
            await desk.page.reload()
        stream.open.set()
        await expect(desk.page.get_by_role("list", name="Chats").get_by_text("and the second half.")).to_be_visible()
        free.set()
        await chat.shows("The first half, as it comes; and the second half.")


@pytest.mark.parametrize("desk", [HELD], indirect=True)
async def test_words_are_shown_though_their_looks_can_not_be_fetched(desk: Device, team: Team) -> None:
    desk.faults.expect(*AWAY)
    await desk.page.route("**/assets/markdown-*", lambda route: route.abort())
    async with desk.page.expect_event("requestfailed", lambda request: "markdown-" in request.url):
        chat = await open_chat(desk, await team.idle())
    await chat.send("**Letter 1.**")
    await chat.shows("**Letter 1.**")
    await expect(chat.line("**Letter 1.**")).to_have_attribute("data-state", "accepted")


async def test_work_is_cancelled(desk: Device, team: Team) -> None:
    gate = Gate()
    async with team.working(gate.answer) as worker:
        chat = await open_chat(desk, worker)
        await chat.send("Letter 1.")
        await expect(chat.line("Letter 1.")).to_have_attribute("data-state", "handed")
        await expect(chat.log.get_by_text("half way")).to_be_visible()
        await chat.line("Letter 1.").get_by_role("button", name="Cancel").click()
        await expect(chat.line("Letter 1.")).to_have_attribute("data-state", "cancelled")
        await expect(chat.log.get_by_text("half way")).to_have_count(0)


async def test_what_failed_says_why_and_is_sent_again_once_whoever_asks(desk: Device, team: Team) -> None:
    async with team.working(fail) as worker:
        chat = await open_chat(desk, worker)
        await chat.send("Letter 1.")
        first = chat.log.get_by_role("article").first
        await expect(first).to_have_attribute("data-state", "failed")
        await expect(first).to_contain_text("I can not do this: Letter 1.")
        for _ in range(2):
            async with desk.page.expect_response("**/replay"):
                await first.get_by_role("button", name="Replay").click()
        await expect(chat.log.get_by_role("article")).to_have_count(2)
        assert [entry["content"] for entry in await team.history(worker)] == ["Letter 1.", "Letter 1."]


async def test_whoever_reads_the_newest_stays_with_it_when_something_tall_is_sent(desk: Device, team: Team) -> None:
    async with team.working(echo) as worker:
        chat = await open_chat(desk, worker)
        for number in range(1, 4):
            tall = "\n\n".join(f"Line {line} of {number}" for line in range(30))
            await chat.send(tall)
            await expect(chat.log.get_by_text(f"Line 29 of {number}").last).to_be_in_viewport()
            await chat.shows(f"You said: Line 0 of {number}")
            await expect(chat.log.get_by_text(f"Line 29 of {number}").last).to_be_in_viewport()
        await expect(desk.page.get_by_role("button", name="Newest")).to_have_count(0)


async def test_a_server_on_the_same_machine_is_heard_without_a_network(desk: Device, team: Team) -> None:
    """A laptop on a train, with Postroom on it."""
    async with team.working(echo) as worker:
        chat = await open_chat(desk, worker)
        await expect(chat.box).to_be_visible()
        await desk.page.evaluate("""() => {
            Object.defineProperty(navigator, "onLine", {get: () => false});
            dispatchEvent(new Event("offline"));
        }""")
        await team.client.send(worker.id, "Letter 1.", wait=None)
        await chat.shows("You said: Letter 1.")
        await desk.connected()


async def test_what_is_sent_without_a_network_arrives_once_and_in_order(phone: Device, team: Team) -> None:
    phone.faults.expect(*AWAY)
    async with team.working(echo) as worker:
        chat = await open_chat(phone, worker)
        await phone.context.set_offline(True)
        for number in range(1, 6):
            await chat.send(f"Letter {number}.")
            await chat.shows(f"Letter {number}.")
        await expect(chat.line("Letter 5.")).to_contain_text("Goes out when there is a connection")
        await chat.line("Letter 5.").get_by_role("button", name="Take back").click()
        await expect(chat.line("Letter 5.")).to_have_count(0)
        await expect(chat.box).to_have_value("Letter 5.")
        await chat.send("Letter 5.")
        assert await team.history(worker) == []
        await phone.context.set_offline(False)
        await chat.shows("You said: Letter 5.")
        said = [entry["content"] for entry in await team.history(worker) if entry["role"] == "user"]
        assert said == letters(range(1, 6))[::2]
        assert sorted(read(await chat.everything(10))) == sorted(letters(range(1, 6)))


@pytest.mark.parametrize("pruned", [False, True], ids=["the feed goes on", "the feed does not reach back"])
async def test_what_was_said_while_the_network_was_away_is_there_when_it_is_back(phone: Device, team: Team, pruned: bool) -> None:
    phone.faults.expect(*AWAY)
    worker = await team.idle()
    chat = await open_chat(phone, worker)
    await expect(phone.page.get_by_role("heading", name="Nothing was said yet")).to_be_visible()
    await phone.context.set_offline(True)
    await expect(phone.page.locator("[data-connection=offline]")).to_be_visible()
    async with team.server.client(worker.token) as agent:
        await agent.notify(worker.id, "Letter 1.")
    if pruned:
        await _forget_the_feed(team)
    await phone.context.set_offline(False)
    await chat.shows("Letter 1.")


async def _forget_the_feed(team: Team) -> None:
    """As after the days for which it is kept."""
    connection: Any = await asyncpg.connect(team.server.dsn())
    try:
        await connection.execute(load("events").prune_events, 0, 1_000_000)
    finally:
        await connection.close()


async def test_what_is_new_is_counted_on_every_device_until_it_was_seen_on_one(new_device: NewDevice, team: Team) -> None:
    desk, phone = await new_device(), await new_device(PHONE)
    worker = await team.idle()
    pages = [await desk.opened("/team"), await phone.opened("/talk")]
    counts = [page.get_by_role("list", name="Chats").get_by_role("link", name=worker.name).get_by_text("2 unread") for page in pages]
    async with team.server.client(worker.token) as agent:
        for number in range(2):
            await agent.notify(worker.id, f"Letter {number}.")
    for count in counts:
        await expect(count).to_be_visible()
    chat = await open_chat(desk, worker)
    await expect(chat.log.get_by_role("separator", name="New")).to_be_visible()
    for count in counts:
        await expect(count).to_have_count(0)


async def test_two_tabs_and_another_device_are_in_step(new_device: NewDevice, team: Team) -> None:
    desk, phone = await new_device(), await new_device(PHONE)
    sent: list[str] = []
    desk.context.on("request", lambda request: sent.append(request.url))
    async with team.working(echo) as worker:
        here, there = await open_chat(desk, worker), await open_chat(phone, worker)
        beside = await open_chat(await desk.another_tab(), worker)
        for number, sender in enumerate((here, beside, there, here), start=1):
            await sender.send(f"Letter {number}.")
            for chat in (here, beside, there):
                await chat.shows(f"You said: Letter {number}.")
        for chat in (here, beside, there):
            await agree(chat, team, letters(range(1, 5)))
    # Of the four the two tabs sent three: the other tab left each of them alone.
    assert len([url for url in sent if url.endswith("/a2a")]) == 3


@pytest.mark.parametrize("days", [-1, 1], ids=["a day slow", "a day fast"])
async def test_a_clock_that_is_wrong_by_a_day_changes_nothing(desk: Device, team: Team, days: int) -> None:
    async with team.working(echo) as worker:
        await desk.page.clock.install(time=datetime.now(UTC) + timedelta(days=days))
        chat = await open_chat(desk, worker)
        for number in range(1, 4):
            await chat.send(f"Letter {number}.")
            await chat.shows(f"You said: Letter {number}.")
        await agree(chat, team, letters(range(1, 4)))


async def test_two_hundred_messages_arrive_at_once(phone: Device, team: Team) -> None:
    worker = await team.idle()
    chat = await open_chat(phone, worker)
    async with team.server.client(worker.token) as agent, asyncio.TaskGroup() as notices:
        for number in range(AT_ONCE):
            notices.create_task(agent.notify(worker.id, f"Letter {number}.", key=f"notice {number}"))
    kept = [entry["content"] for entry in await team.history(worker)]
    await chat.shows(kept[-1])
    assert len(kept) == AT_ONCE
    assert read(await chat.everything(AT_ONCE)) == kept


async def test_a_text_near_the_limit_is_sent_and_one_over_it_says_so(desk: Device, team: Team) -> None:
    async with team.working(lambda message: f"You said {len(message.text)}.") as worker:
        chat = await open_chat(desk, worker)
        most = 1_040_000
        await chat.send("x" * most)
        await chat.shows(f"You said {most}.")
        await chat.box.fill("x" * 1_060_000)
        await expect(chat.page.get_by_role("alert")).to_contain_text("too long")
        await expect(chat.page.get_by_role("button", name="Send", exact=True)).to_be_disabled()


PART = f"## A part\n\nSome **words**, {'which go on and on ' * 16}.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- one\n- `two`\n\n"
PARTS = 50
TOO_MUCH = {
    "wide": "|a" * 100 + "|\n" + "|-" * 100 + "|\n" + "b\n" * 100,
    "deep": "- " * 300 + "deep",
    "many": "- a\n" * 2_000,
}


async def test_what_would_hold_the_page_up_is_shown_as_it_was_written(desk: Device, team: Team) -> None:
    worker = await team.idle()
    chat = await open_chat(desk, worker)
    async with team.server.client(worker.token) as agent:
        for name, text in TOO_MUCH.items():
            await agent.notify(worker.id, f"{name}\n\n{text}")
            shown = chat.log.get_by_role("article").filter(has_text=name)
            await expect(shown).to_contain_text("Shown as it was written")
            await expect(shown.locator("li, td")).to_have_count(0)
        # What only has much to say is laid out, all of it.
        await agent.notify(worker.id, PART * PARTS)
    await chat.page.get_by_role("button", name="Show all of it").click()
    await expect(chat.log.get_by_role("article").last.locator("table")).to_have_count(PARTS)


async def test_a_session_that_ends_in_mid_typing_keeps_what_was_written(desk: Device, team: Team) -> None:
    async with team.working(echo) as worker:
        chat = await open_chat(desk, worker)
        await chat.box.fill("Letter 1.")
        desk.faults.expect(REFUSED)
        await desk.end_session()
        over = chat.page.get_by_role("dialog", name="You are logged out")
        await expect(over).to_be_visible()
        await over.get_by_label("Login link or code").fill(login_link(desk.server))
        await over.get_by_role("button", name="Log in").click()
        await expect(over).to_be_hidden()
        await expect(chat.box).to_have_value("Letter 1.")
        await chat.box.press("Enter")
        await chat.shows("You said: Letter 1.")


async def test_a_draft_stays_through_a_reload_and_a_logout(desk: Device, team: Team) -> None:
    worker = await team.idle()
    chat = await open_chat(desk, worker)
    await chat.box.fill("Not yet finished")
    await chat.page.goto(f"{desk.server.url}/team")
    await open_chat(desk, worker)
    await expect(chat.box).to_have_value("Not yet finished")
    await chat.page.reload()
    await expect(chat.box).to_have_value("Not yet finished")
    desk.faults.expect(REFUSED)
    await chat.page.get_by_role("button", name="More", exact=True).click()
    await chat.page.get_by_role("menuitem", name="Log out").click()
    await expect(chat.page.get_by_label("Login link or code")).to_be_visible()
    await desk.log_in()
    await open_chat(desk, worker)
    await expect(chat.box).to_have_value("Not yet finished")
