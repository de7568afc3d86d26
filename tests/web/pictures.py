"""``make pictures``: the main screens as they look, from the demo team on the running page: all of them into tmp/pictures to look at, and
docs/pictures/page.png for the README."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright, expect

from postroom.client import Client
from tests.support.demo import PostRoom
from tests.web.browser import MISSING, find_browser, launch
from tests.web.devices import DARK, DESK, LIGHT, PHONE, Device, make_device
from tests.web.screens import cut_off, settled

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "tmp" / "pictures"
README = ROOT / "docs" / "pictures" / "page.png"
README_SIZE = {"viewport": {"width": 1180, "height": 700}}
SIZES = {"desk": DESK, "phone": PHONE}
QUESTION = "3 apples and 4 pears, and ask Slow, too"


@asynccontextmanager
async def stage() -> AsyncGenerator[tuple[Browser, PostRoom, Client]]:
    """The demo team at work, and a browser."""
    path = find_browser()
    if path is None:
        raise SystemExit(MISSING)
    base = Path(tempfile.mkdtemp(prefix="postroom-pictures-", dir="/tmp"))
    base.chmod(0o711)
    room = PostRoom(base / "data")
    room.start()
    try:
        async with async_playwright() as playwright, room.client() as client:
            yield await launch(playwright, path), room, client
    finally:
        room.destroy()
        shutil.rmtree(base, ignore_errors=True)


async def take(device: Device, team: dict[str, str], suffix: str) -> None:
    """Every screen on one device, while Lead waits for Slow."""
    page = device.page
    lead = team["Lead"]
    await device.opened(f"/w/{lead}")
    await page.get_by_role("textbox", name="Message to Lead").fill(QUESTION)
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.get_by_role("log").get_by_text("Asking Echo, Clerk, Slow").last).to_be_visible()
    await shoot(page, f"chat-{suffix}")
    for name, path in {"team": "/team", "chats": "/talk", "health": "/operate/health", "access": "/operate/access"}.items():
        await device.opened(path)
        await shoot(page, f"{name}-{suffix}")
    for tab in ("delegations", "traffic", "overview", "activity", "settings"):
        await device.opened(f"/w/{lead}/{tab}")
        await shoot(page, f"{tab}-{suffix}")
    await device.opened(f"/w/{team['Slow']}")
    await page.get_by_role("textbox", name="Message to Slow").fill("Read the long report, please.")
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.get_by_role("log").get_by_text("of 10 seconds").last).to_be_visible()
    await shoot(page, f"streaming-{suffix}")
    await connect(device, suffix)
    async with cut_off(device, lead):
        await shoot(page, f"away-{suffix}")


async def connect(device: Device, suffix: str) -> None:
    """The dialog that adds an agent, and how it ends."""
    page = await device.opened("/team")
    await page.get_by_role("button", name="Add agent").click()
    await page.get_by_label("Name", exact=True).fill(f"Reader {suffix}")
    await shoot(page, f"add-{suffix}")
    await page.get_by_role("button", name="Add it").click()
    await expect(page.get_by_text("Waiting to hear from it.")).to_be_visible()
    await shoot(page, f"connect-{suffix}")


async def shoot(page: Page, name: str) -> None:
    """As it is when nothing is on its way any more."""
    await settled(page)
    await page.screenshot(path=KEPT / f"{name}.png")


async def for_readme(browser: Browser, room: PostRoom, client: Client, lead: str) -> None:
    """The team with post on its way."""
    device = await make_device(browser, room, README_SIZE, LIGHT)
    await device.log_in()
    kept = await device.context.request.put(f"{room.url}/session/preferences/tour", data=True, headers={"Origin": room.url})
    assert kept.ok, await kept.text()
    page = await device.opened("/team?view=chart")
    await client.send(lead, QUESTION, wait=None)
    await expect(page.locator(".post-open").first).to_be_attached()
    await expect(page.locator("main").get_by_text(" of 10 seconds")).to_be_visible()
    await page.screenshot(path=README)
    await device.context.close()


async def main() -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    async with stage() as (browser, room, client):
        team = {workspace["name"]: workspace["id"] for workspace in await client.workspaces()}
        await for_readme(browser, room, client, team["Lead"])
        for theme in (LIGHT, DARK):
            for size, options in SIZES.items():
                device = await make_device(browser, room, options, theme)
                await device.log_in()
                await take(device, team, f"{size}-{theme}")
                taken = len(list(KEPT.glob(f"*-{size}-{theme}.png")))
                print(f"{size}, {theme}: {taken} pictures, {device.faults.unexpected or 'no complaints'}")
                await device.context.close()


if __name__ == "__main__":
    asyncio.run(main())
