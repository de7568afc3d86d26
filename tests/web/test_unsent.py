"""Nothing unsent is ever lost: what was typed, and what Enter was pressed on, before the browser's store had it."""

import pytest
from playwright.async_api import Page, expect

from tests.web.agents import Team, echo
from tests.web.chats import agree, letters, open_chat
from tests.web.devices import Device

# No write of the page gets its turn in the store from here on: what it has written is there only when it was put down elsewhere.
_HOLD_STORE = """() => new Promise(done => {
    indexedDB.open("postroom").onsuccess = ({target}) => {
        const outbox = target.result.transaction(["outbox", "drafts"], "readwrite").objectStore("outbox");
        const hold = () => { outbox.count().onsuccess = hold; done() };
        hold();
    };
})"""
_FILL_STORAGE = """() => {
    for (let size = 2 ** 22; size >= 1; size /= 2) {
        try { for (let number = 0; ; number++) localStorage.setItem(`${size} ${number}`, "x".repeat(size)) } catch { continue }
    }
}"""
_FORBID_STORAGE = 'Object.defineProperty(window, "localStorage", {get() { throw new DOMException("Forbidden.", "SecurityError") }})'


async def press_enter_and_reload(page: Page) -> None:
    """Within one task of the page: nothing else of it runs between the two."""
    press = 'box => { box.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true})); location.reload() }'
    async with page.expect_navigation():
        await page.get_by_role("textbox").evaluate(press)


async def test_what_was_sent_and_typed_outlives_a_page_whose_store_had_none_of_it(desk: Device, team: Team) -> None:
    longest = "Letter 4." + "x" * 1_040_000
    async with team.working(lambda message: f"You said: {message.text[:9]}") as worker:
        chat = await open_chat(desk, worker)
        await desk.page.evaluate(_HOLD_STORE)
        for number in range(1, 4):
            await chat.send(f"Letter {number}.")
        await chat.box.fill(longest)
        await desk.page.reload()
        await expect(chat.box).to_have_value(longest)
        await chat.shows("You said: Letter 3.")
        await desk.page.evaluate(_HOLD_STORE)
        await press_enter_and_reload(desk.page)
        await chat.shows("You said: Letter 4.")
        await expect(chat.box).to_have_value("")
        said = [entry["content"] for entry in await team.history(worker) if entry["role"] == "user"]
        assert said == [*letters(range(1, 4))[::2], longest]


async def test_another_tab_sends_what_one_was_closed_upon(desk: Device, team: Team) -> None:
    async with team.working(echo) as worker:
        chat = await open_chat(desk, worker)
        other = await open_chat(await desk.another_tab(), worker)
        await desk.page.evaluate(_HOLD_STORE)
        await chat.send("Letter 1.")
        await desk.page.close()
        await other.shows("You said: Letter 1.")
        await agree(other, team, letters([1]))


@pytest.mark.parametrize("forbidden", [False, True], ids=["full", "forbidden"])
async def test_a_browser_without_room_for_notes_sends_and_keeps_drafts_as_ever(desk: Device, team: Team, forbidden: bool) -> None:
    if forbidden:
        await desk.context.add_init_script(_FORBID_STORAGE)
    async with team.working(echo) as worker:
        chat = await open_chat(desk, worker)
        if not forbidden:
            await desk.page.evaluate(_FILL_STORAGE)
        await chat.send("Letter 1.")
        await chat.shows("You said: Letter 1.")
        await chat.box.fill("Not yet finished")
        await desk.page.reload()
        await expect(chat.box).to_have_value("Not yet finished")
        await agree(chat, team, letters([1]))
