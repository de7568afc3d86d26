"""``make page-figures``: what a first visit costs, how the chart moves with 500 workspaces, how a chat scrolls with 100,000 messages, how
far one device is behind another.

Figures of this machine, printed and judged by nobody: a test of times would fail on a busy one.
"""

import asyncio
import gzip
import statistics
import tempfile
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from playwright.async_api import Browser, Page, async_playwright, expect

from benches.growth.seed import seed
from tests.support.server import ServerProcess
from tests.web.agents import Team, echo
from tests.web.browser import MISSING, find_browser, launch
from tests.web.chats import open_chat
from tests.web.devices import DESK, LIGHT, PHONE, Device, Options, make_device

WORKSPACES = 500
MESSAGES = 100_000
LETTERS = 50
ASSETS = Path(__file__).parents[2] / "src" / "postroom" / "page" / "assets"
# What a phone of the middle class is, beside a desk's processor (as Lighthouse has it).
SLOWER = 4

# Milliseconds between frames, from now until it is asked again.
_BEGIN = """() => {
    window.frames_ = []; let last = performance.now();
    const tick = now => { frames_.push(now - last); last = now; window.ticking = requestAnimationFrame(tick) };
    window.ticking = requestAnimationFrame(tick);
}"""
_END = "() => { cancelAnimationFrame(ticking); return frames_ }"
# Milliseconds since 1970: of each Enter, and of the frame in which each letter and each answer was first drawn.
_ENTERED = """() => {
    window.entered_ = [];
    addEventListener("keydown", ({key, timeStamp}) => key === "Enter" && entered_.push(performance.timeOrigin + timeStamp), true);
}"""
_SEEN = """log => {
    window.seen_ = {};
    const look = () => requestAnimationFrame(() => {
        const said = log.textContent.match(/(You said: )?Letter \\d+\\./g) ?? [];
        for (const text of said) seen_[text] ??= performance.timeOrigin + performance.now();
    });
    new MutationObserver(look).observe(log, {childList: true, subtree: true, characterData: true});
}"""
_PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"


@asynccontextmanager
async def stage() -> AsyncGenerator[tuple[Browser, Team]]:
    """A server of its own and a browser."""
    path = find_browser()
    if path is None:
        raise SystemExit(MISSING)
    base = Path(tempfile.mkdtemp(prefix="postroom-figures-", dir="/tmp"))
    base.chmod(0o711)
    server = ServerProcess(base / "data").start()
    try:
        async with async_playwright() as playwright, server.client() as client:
            browser = await launch(playwright, path)
            yield browser, Team(server, client, base)
            await browser.close()
    finally:
        server.destroy()


@asynccontextmanager
async def device_of(browser: Browser, team: Team, size: Options) -> AsyncGenerator[Device]:
    """One that is logged in, and closed at the end: pages that stay open would cost the next figure its frames."""
    device = await make_device(browser, team.server, size, LIGHT)
    await device.log_in()
    yield device
    await device.context.close()


def first_load() -> str:
    """Script and style that index.html names, packed as they are sent."""
    index = (ASSETS.parent / "index.html").read_text()
    named = [file for file in ASSETS.iterdir() if file.name in index]
    sizes = {file.name: len(gzip.compress(file.read_bytes())) for file in named}
    return f"{sum(sizes.values()) / 1000:.0f} kB in {len(sizes)} files"


async def until_interactive(browser: Browser, team: Team, size: Options, slower: int) -> str:
    """Seconds to the first words on the screen, and to a page that is live and answers a key."""
    async with device_of(browser, team, size) as device:
        session = await device.context.new_cdp_session(device.page)
        await session.send("Emulation.setCPUThrottlingRate", {"rate": slower})  # pyright: ignore[reportUnknownMemberType]
        await device.opened("/talk")
        await device.page.keyboard.press("Control+k")
        await expect(device.page.get_by_placeholder("An agent, a page")).to_be_focused()
        done: float = await device.page.evaluate("performance.now()")
        painted: float = await device.page.evaluate(_PAINTED)
    return f"first words {painted / 1000:.2f} s, answers a key {done / 1000:.2f} s"


async def frames(page: Page, act: Awaitable[None]) -> str:
    """How long the frames took while ``act`` went on."""
    await page.evaluate(_BEGIN)
    await act
    took: list[float] = sorted(await page.evaluate(_END))
    late = sum(time > 1000 / 30 for time in took)
    return (
        f"{len(took)} frames, median {statistics.median(took):.1f} ms, p95 {took[int(len(took) * 0.95)]:.1f} ms, worst {took[-1]:.0f} ms, "
        f"{late} longer than two"
    )


async def drag_about(page: Page, name: str) -> None:
    """One card and what hangs below it, over others and back, within what is seen: beyond its edge the whole chart moves."""
    box = await page.get_by_role("article", name=name).first.bounding_box()
    assert box is not None
    x, y = box["x"] + 6, box["y"] + 6
    await page.mouse.move(x, y)
    await page.mouse.down()
    for step in range(240):
        await page.mouse.move(x + step * 1.5, y + (step % 60) * 2)
    await page.mouse.move(x, y)
    await page.mouse.up()


async def pan_about(page: Page) -> None:
    """The whole chart, by its ground."""
    await page.mouse.move(700, 780)
    await page.mouse.down()
    for step in range(240):
        await page.mouse.move(700 + step, 780 - (step % 120) * 4)
    await page.mouse.up()


async def scroll_about(page: Page) -> None:
    """Up through a thousand messages, and down again."""
    await page.get_by_role("log").hover()
    for step in range(300):
        await page.mouse.wheel(0, -400 if step < 200 else 400)
        await page.evaluate("new Promise(requestAnimationFrame)")


async def chart(browser: Browser, team: Team) -> str:
    """500 workspaces in teams of ten."""
    leads = [await team.idle("Lead") for _ in range(WORKSPACES // 10)]
    for lead in leads:
        for _ in range(9):
            await team.idle("Member", parent_id=lead.id)
    async with device_of(browser, team, DESK) as device:
        page = await device.opened("/team?view=chart")
        await expect(page.locator("article[data-workspace-id]").first).to_be_visible()
        one, team_of_ten = [await frames(page, drag_about(page, name)) for name in ("Member", "Lead")]
        return f"one: {one}; a team of ten: {team_of_ten}; the whole chart: {await frames(page, pan_about(page))}"


async def history(browser: Browser, team: Team) -> str:
    """A chat with 100,000 messages."""
    worker = await team.idle("Old")
    sent = await team.client.send(worker.id, "Said often.\n\n- one\n- `two`", wait=None)
    await seed(team.server.dsn("postgres"), UUID(sent.message_id), MESSAGES)
    async with device_of(browser, team, DESK) as device:
        chat = await open_chat(device, worker)
        await expect(chat.log.locator(f"article[data-seq='{MESSAGES}']")).to_be_visible()
        return await frames(device.page, scroll_about(device.page))


async def in_step(browser: Browser, team: Team) -> str:
    """From Enter on a desk to a phone that shows the letter, and its answer."""
    async with device_of(browser, team, DESK) as here, device_of(browser, team, PHONE) as there, team.working(echo) as worker:
        desk, phone = await open_chat(here, worker), await open_chat(there, worker)
        await desk.send("The first of all.")
        await phone.shows("You said: The first of all.")
        await desk.page.evaluate(_ENTERED)
        await phone.log.evaluate(_SEEN)
        for number in range(LETTERS):
            await desk.box.fill(f"Letter {number}.")
            await desk.box.press("Enter")
            await phone.shows(f"You said: Letter {number}.")
        entered: list[float] = await desk.page.evaluate("entered_")
        seen: dict[str, float] = await phone.page.evaluate("seen_")
    shown = [seen[f"Letter {number}."] - entered[number] for number in range(LETTERS)]
    answered = [seen[f"You said: Letter {number}."] - entered[number] for number in range(LETTERS)]
    return f"the message {_spread(shown)}, its answer {_spread(answered)}"


def _spread(times: list[float]) -> str:
    ordered = sorted(times)
    return f"median {statistics.median(ordered):.0f} ms, p95 {ordered[int(len(ordered) * 0.95)]:.0f} ms, worst {ordered[-1]:.0f} ms"


async def main() -> None:
    print(f"first load, packed: {first_load()}")
    async with stage() as (browser, team):
        await team.idle()
        print(f"a desk: {await until_interactive(browser, team, DESK, 1)}")
        print(f"a phone, processor {SLOWER} times slower: {await until_interactive(browser, team, PHONE, SLOWER)}")
        print(f"{LETTERS} messages, from Enter to a second device: {await in_step(browser, team)}")
        print(f"scrolling among {MESSAGES:,} messages: {await history(browser, team)}")
        print(f"dragging among {WORKSPACES} workspaces: {await chart(browser, team)}")


if __name__ == "__main__":
    asyncio.run(main())
