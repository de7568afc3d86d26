"""A message between Enter and the history: kept first, sent under one key until there is an answer, by whichever tab can."""

import asyncio
import json
from typing import Any, Literal

import pytest
from playwright.async_api import Page, Route, expect

from tests.web.agents import Team, echo
from tests.web.chats import Chat, agree, letters, open_chat
from tests.web.devices import AWAY, HELD, SECONDS, Device

MESSAGES = "**/a2a"
_STORED = """store => new Promise(done => {
    indexedDB.open("postroom").onsuccess = ({ target: { result: database } }) => {
        database.transaction(store).objectStore(store).getAll().onsuccess = ({ target: { result } }) => { database.close(); done(result) };
    };
})"""

_FULL = "() => { IDBObjectStore.prototype.add = () => { throw new DOMException('There is no room.', 'QuotaExceededError') } }"


async def stored(page: Page, store: Literal["outbox", "drafts"]) -> list[dict[str, Any]]:
    """What the browser keeps."""
    return await page.evaluate(_STORED, store)


@pytest.mark.parametrize("desk", [HELD], indirect=True)
async def test_a_message_is_kept_before_it_leaves_and_has_one_key_until_there_is_an_answer(desk: Device, team: Team) -> None:
    desk.faults.expect(*AWAY, "status of 503")
    keys: list[str] = []
    kept: list[tuple[list[str], int]] = []

    async def answer(route: Route) -> None:
        """First nobody is there, then nobody has time; then it is taken, and nobody hears of that."""
        keys.append(route.request.headers["idempotency-key"])
        kept.append(([message["key"] for message in await stored(desk.page, "outbox")], len(await stored(desk.page, "drafts"))))
        match len(keys):
            case 1:
                await route.abort()
            case 2:
                await route.fulfill(status=503)
            case 3:
                await route.fetch()
                await route.abort()
            case _:
                await route.continue_()

    async with team.working(echo) as worker:
        chat = await open_chat(desk, worker)
        await desk.page.route(MESSAGES, answer)
        await chat.send("Letter 1.")
        await chat.shows("You said: Letter 1.")
        await expect(chat.log.locator("article[data-key]")).to_have_count(0)
        # Once the history shows it, there is no need to ask a fourth time.
        assert len(keys) >= 3
        assert set(keys) == {keys[0]}
        assert kept == len(keys) * [([keys[0]], 0)]
        await agree(chat, team, letters([1]))


@pytest.mark.parametrize("desk", [HELD], indirect=True)
async def test_what_is_refused_says_why_holds_nothing_up_and_waits_for_a_word(desk: Device, team: Team) -> None:
    desk.faults.expect("status of 4")

    async def spoil(route: Route) -> None:
        """The server does not take it like this."""
        said = json.loads(route.request.post_data or "")
        said["params"]["message"]["parts"] = [{"text": "Letter 1.", "data": 1}]
        await route.continue_(post_data=said)

    async with team.working(echo) as worker:
        chat, beside = await open_chat(desk, worker), await open_chat(await desk.another_tab(), worker)
        await desk.context.route(MESSAGES, spoil, times=2)
        for _ in range(2):
            await chat.send("Letter 1.")
        refused = chat.log.locator("article[data-state=refused]")
        await expect(refused).to_have_count(2)
        await expect(refused.first).to_contain_text("exactly one")
        await chat.send("Letter 2.")
        await chat.shows("You said: Letter 2.")
        await beside.log.locator("article[data-state=refused]").last.get_by_role("button", name="Discard").click()
        await expect(refused).to_have_count(1)
        await refused.get_by_role("button", name="Edit").click()
        await expect(chat.box).to_have_value("Letter 1.")
        await expect(refused).to_have_count(0)
        await chat.box.press("Enter")
        await chat.shows("You said: Letter 1.")
        await agree(chat, team, letters([2, 1]))


@pytest.mark.parametrize("desk", [HELD], indirect=True)
async def test_what_the_server_has_stays_on_the_screen_until_the_history_has_it(desk: Device, team: Team) -> None:
    worker = await team.idle()
    chat = await open_chat(desk, worker)
    await expect(desk.page.get_by_role("heading", name="Nothing was said yet")).to_be_visible()
    free = await desk.hold("**/chat-history?*")
    await chat.send("Letter 1.")
    for _ in range(2):
        await expect(chat.line("Letter 1.")).to_have_attribute("data-state", "accepted")
        await desk.page.reload()
    free.set()
    await expect(chat.line("Letter 1.")).to_have_attribute("data-seq", "1")
    await expect(chat.log.get_by_role("article")).to_have_count(1)


async def test_what_the_browser_can_not_keep_is_not_sent_and_stays_written(desk: Device, team: Team) -> None:
    asked: list[str] = []
    desk.page.on("request", lambda request: asked.append(request.url))
    chat = await open_chat(desk, await team.idle())
    await desk.page.evaluate(_FULL)
    await chat.send("Letter 1.")
    await expect(desk.page.get_by_role("status").filter(has_text="There is no room.")).to_be_visible()
    await expect(chat.box).to_have_value("Letter 1.")
    assert not [url for url in asked if url.endswith("/a2a")]


async def test_what_one_tab_can_not_send_another_one_does(desk: Device, team: Team) -> None:
    desk.faults.expect(*AWAY)
    tab = await desk.another_tab()
    async with team.working(echo) as worker:
        first, second = await open_chat(tab, worker), await open_chat(desk, worker)
        await tab.cut_off()
        await first.send("Letter 1.")
        await second.shows("You said: Letter 1.")
        await agree(second, team, letters([1]))


@pytest.mark.parametrize("desk", [HELD], indirect=True)
async def test_what_is_sent_before_the_history_was_read_goes_on_with_what_was_said_last(desk: Device, team: Team) -> None:
    worker = await team.idle()
    said = await team.client.send(worker.id, "Letter 1.", wait=None)
    desk.faults.expect(*AWAY)
    page = await desk.opened("/talk")
    await page.route("**/chat-history?*", lambda route: route.abort())
    await page.get_by_role("link", name=worker.name).first.click()
    chat = Chat(page, worker)
    await chat.send("Letter 2.")
    await chat.shows("Letter 2.")
    async with asyncio.timeout(SECONDS):
        while len(kept := await team.history(worker)) < 2:
            await asyncio.sleep(0.05)
    assert [entry["thread_id"] for entry in kept] == [kept[0]["thread_id"]] * 2
    assert kept[0]["id"] == said.message_id
