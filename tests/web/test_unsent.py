"""Nothing unsent is ever lost or out of sight: not before the browser's store has it, and not while there is no server to have it."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from tests.crash.form import LONG
from tests.support.server import ServerProcess
from tests.web.agents import Team, echo
from tests.web.chats import agree, letters, open_chat
from tests.web.conftest import NewDevice
from tests.web.devices import AWAY, DESK, PHONE, REFUSED, Device, Options
from tests.web.test_files import file

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
# The limits of requests end by the page's clock, too.
_LIMITS = """AbortSignal.timeout = milliseconds => {
    const limit = new AbortController();
    setTimeout(() => limit.abort(new DOMException("The time is up.", "TimeoutError")), milliseconds);
    return limit.signal;
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


@asynccontextmanager
async def no_network(device: Device) -> AsyncGenerator[None]:
    await device.context.set_offline(True)
    try:
        yield
    finally:
        await device.context.set_offline(False)


@asynccontextmanager
async def no_server(device: Device) -> AsyncGenerator[None]:
    """Only a proxy before it, which says so."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    port = device.server.port
    device.server.kill()
    proxy = await asyncio.start_server(answer, "127.0.0.1", port)
    try:
        yield
    finally:
        proxy.close()
        await asyncio.to_thread(device.server.start, port=port)


@asynccontextmanager
async def no_answer(device: Device) -> AsyncGenerator[None]:
    """It takes connections, and says nothing."""
    device.server.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        device.server.signal(signal.SIGCONT)


@pytest.mark.xdist_group("mortal page")
@pytest.mark.parametrize(
    ("size", "without"),
    [(PHONE, no_network), (DESK, no_answer), *([(DESK, no_server)] if LONG else [])],
    ids=lambda given: getattr(given, "__name__", None),
)
async def test_hours_without_a_server_and_a_reload_between_lose_nothing_and_end_by_themselves(
    new_device: NewDevice,
    mortal: ServerProcess,
    mortal_team: Team,
    size: Options,
    without: Callable[[Device], AbstractAsyncContextManager[None]],
) -> None:
    """They pass for the page, all its timers with them: pauses, limits, the silence of the feed."""
    device = await new_device(size, server=mortal)
    device.faults.expect(*AWAY, "status of 502", "Unexpected response code: 502")
    page = device.page
    await page.clock.install()
    await device.context.add_init_script(_LIMITS)
    async with mortal_team.working(echo) as worker:
        chat = await open_chat(device, worker)
        await expect(chat.box).to_be_visible()
        await page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
        async with without(device):
            await chat.attach(file("data.bin"))
            await chat.send("Letter 1.")
            await chat.box.fill("Not yet finished")
            await page.clock.run_for("01:00:00")
            await expect(chat.line("Letter 1.")).to_contain_text("Goes out when there is a connection")
            await page.reload()
            away = page.locator("[data-away]")
            waits, unfinished = away.get_by_role("region", name="Waits to be sent"), away.get_by_role("region", name="Not sent yet")
            await expect(unfinished).to_contain_text("Not yet finished")
            await page.clock.run_for("01:00:00")
            for said in (f"To {worker.name}", "2h ago", "Letter 1.", "data.bin", "Goes out when there is a connection"):
                await expect(waits).to_contain_text(said)
        await device.connected()
        await chat.shows("You said: Letter 1. [data.bin: 7]")
        await expect(chat.box).to_have_value("Not yet finished")
        assert len(await mortal_team.history(worker)) == 2


async def test_a_network_that_is_back_is_not_waited_for(phone: Device, team: Team) -> None:
    phone.faults.expect(*AWAY)
    page = phone.page
    await page.clock.install()
    await open_chat(phone, await team.idle())
    await page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    await phone.context.set_offline(True)
    await page.reload()
    await expect(page.locator("[data-away]")).to_contain_text("This device has no network.")
    # No timer goes off any more: it is the network that is heard.
    await page.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))
    # What was asked while the clock ran ahead has failed before this does: the network is heard once, not while a question is open.
    await page.evaluate("fetch('/session').catch(() => undefined)")
    async with page.expect_request("**/session"):
        await phone.context.set_offline(False)
    await page.clock.resume()
    await phone.connected()


async def test_whoever_is_logged_out_is_told_that_something_waits_and_not_what(desk: Device, team: Team) -> None:
    desk.faults.expect(*AWAY, REFUSED)
    chat = await open_chat(desk, await team.idle())
    await desk.context.set_offline(True)
    await chat.send("Letter 1.")
    await chat.shows("Letter 1.")
    await desk.context.clear_cookies()
    await desk.context.set_offline(False)
    await desk.page.reload()
    await expect(desk.page.get_by_text("A message waits in this browser")).to_be_visible()
    await expect(desk.page.get_by_text("Letter 1.")).to_have_count(0)
