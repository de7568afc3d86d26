"""Every screen of the page, with something on it: what the tests that hold for all of them go through."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from playwright.async_api import Page, Route, expect

from tests.web.agents import Team, Worker, echo, fail
from tests.web.devices import AWAY, Device

PLACES = ("/talk", "/team", "/operate/health", "/operate/dead-letters", "/operate/access", "/operate/nothing-here")
TABS = ("", "/traffic", "/overview", "/delegations", "/activity", "/dead-letters", "/settings")
LONG = "Averylongnamewithoutanyplacetobreakitwhichgoesonandonandonuntilnobodycanreaditanymore"


@asynccontextmanager
async def furnished(team: Team) -> AsyncGenerator[tuple[str, ...]]:
    """The addresses of every screen, for a team that has talked: answers, a failure, one that waits, one asked by another."""
    async with team.working(echo, "Lead") as lead, team.working(fail, "Faulty", parent_id=lead.id) as faulty:
        waiting = await team.idle(LONG, parent_id=lead.id, role=f"Has a role that is {LONG}")
        await _talk(team, lead, faulty, waiting)
        yield (*PLACES, *(f"/w/{lead.id}{tab}" for tab in TABS), f"/w/{faulty.id}", f"/w/{faulty.id}/dead-letters", f"/w/{waiting.id}")


async def _talk(team: Team, lead: Worker, faulty: Worker, waiting: Worker) -> None:
    await team.client.send(
        lead.id, "# A heading\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nprint('hello')\n```\n\n- `code` and **bold**"
    )
    await team.client.send(faulty.id, LONG)
    await team.client.send(waiting.id, "Nobody is there", wait=None)
    async with team.server.client(lead.token) as client:
        await client.delegate(lead.id, faulty.id, "do it", key="asked")


@asynccontextmanager
async def cut_off(device: Device, workspace_id: str) -> AsyncGenerator[None]:
    """The page as it opens without a server, while a message, a file and a draft for an agent wait in it."""
    page = await device.opened(f"/w/{workspace_id}")
    device.faults.expect(*AWAY)
    await device.context.route("**/*", _unanswered)
    await page.get_by_label("Files to attach").set_input_files({"name": "report.csv", "mimeType": "text/csv", "buffer": b"a,b\n1,2\n"})
    await page.get_by_role("textbox").fill(f"The report, as far as it is.\n{LONG}")
    await page.get_by_role("button", name="Send", exact=True).click()
    await page.get_by_role("textbox").fill("And one more thing")
    await page.reload()
    await expect(page.locator("[data-away]").get_by_text("And one more thing")).to_be_visible()
    yield
    await device.context.unroute_all()


async def _unanswered(route: Route) -> None:
    """The page itself is there, as its service worker would have it; nobody answers its calls."""
    await (route.abort() if route.request.resource_type in ("fetch", "xhr") else route.fallback())


async def settled(page: Page) -> None:
    """Wait until nothing on the screen is still on its way."""
    await expect(page.locator("main")).to_be_visible()
    await expect(page.locator("[data-waiting]")).to_have_count(0)
    await page.evaluate("document.fonts.ready.then(() => undefined)")
