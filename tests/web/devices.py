"""A person's browsers: a desk or a phone, each with cookies, storage and service worker of its own."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from tests.support.http import ask
from tests.support.server import ServerProcess
from tests.web.faults import Faults

Options = dict[str, Any]

DESK: Options = {"viewport": {"width": 1280, "height": 800}}
PHONE: Options = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
HELD: Options = DESK | {"service_workers": "block"}
"""For tests that hold requests up: those that a service worker has seen can not be."""
NARROWEST: Options = PHONE | {"viewport": {"width": 320, "height": 568}}
LIGHT, DARK = "light", "dark"

AWAY = (r"net::ERR_", r"WebSocket connection .* failed")
"""What Chromium says of a server or a network that is not there."""

REFUSED = r"status of 401"
"""What it says of the page's first question, for a stranger."""

SECONDS = 30.0
"""What anything may take on a slow machine before it counts as not happening."""

expect.set_options(timeout=SECONDS * 1000)


@dataclass(frozen=True)
class Device:
    """One browser and the page that it shows."""

    server: ServerProcess
    context: BrowserContext
    page: Page
    faults: Faults

    async def log_in(self) -> None:
        """Be let in without the login page, which has tests of its own."""
        url = self.server.url
        code = login_link(self.server).partition("#")[2]
        answer = await self.context.request.post(f"{url}/session", data={"code": code}, headers={"Origin": url})
        assert answer.ok, await answer.text()

    async def end_session(self) -> None:
        """End it from afar, as for a lost phone."""
        url, operator = self.server.url, self.server.operator_token
        sessions = await (await self.context.request.get(f"{url}/sessions")).json()
        own = next(session["id"] for session in sessions if session["current"])
        assert ask(url, "DELETE", f"/sessions/{own}", token=operator).status == 204

    async def slow_uploads(self, bytes_per_second: int) -> None:
        """From now on, as over a thin line; -1 is as fast as it goes."""
        await self._set_line(offline=False, upload=bytes_per_second)

    async def cut_off(self) -> None:
        """From now on this tab has no network; those beside it do."""
        await self._set_line(offline=True, upload=-1)

    async def _set_line(self, *, offline: bool, upload: int) -> None:
        session = await self.context.new_cdp_session(self.page)
        line = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": upload}
        await session.send("Network.emulateNetworkConditions", line)  # pyright: ignore[reportUnknownMemberType]

    async def another_tab(self) -> "Device":
        """A second page in the same browser."""
        return replace(self, page=await self.context.new_page())

    async def hold(self, addresses: str) -> asyncio.Event:
        """From now on requests to these wait until the event is set."""
        free = asyncio.Event()

        async def wait(route: Route) -> None:
            await free.wait()
            await route.continue_()

        await self.page.route(addresses, wait)
        return free

    async def open(self, path: str = "/") -> Page:
        """Go to an address of the page."""
        await self.page.goto(self.server.url + path)
        return self.page

    async def opened(self, path: str = "/") -> Page:
        """Go there, and wait until the page is live."""
        await self.open(path)
        await self.connected()
        return self.page

    async def connected(self) -> None:
        """Wait until what the page shows is what there is."""
        await expect(self.page.locator("[data-connection=live]")).to_be_visible()

    async def width(self) -> int:
        """How many pixels wide what is shown is; more than the screen has when it scrolls sideways."""
        return await self.page.evaluate("Math.max(document.documentElement.scrollWidth, innerWidth)")


async def make_device(browser: Browser, server: ServerProcess, size: Options, theme: str) -> Device:
    """A browser that nobody has used yet."""
    context = await browser.new_context(**size, color_scheme=theme, reduced_motion="reduce")  # pyright: ignore[reportArgumentType]
    context.set_default_timeout(SECONDS * 1000)
    faults = Faults(context)
    return Device(server, context, await context.new_page(), faults)


def login_link(server: ServerProcess) -> str:
    """A link that lets one browser in, once."""
    return ask(server.url, "POST", "/login-link", token=server.operator_token).body["link"]


def origin(url: str) -> str:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
