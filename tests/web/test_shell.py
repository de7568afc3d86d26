"""The frame around every screen: palette, theme, addresses, the connection."""

import asyncio
import re
from uuid import uuid4

from playwright.async_api import Locator, Page, Route, WebSocketRoute, expect

from postroom.client import Client
from tests.support.server import ServerProcess, make_agent
from tests.web.agents import Team, Worker, echo, fail
from tests.web.conftest import NewDevice
from tests.web.devices import AWAY, DARK, HELD, Device

_LONGEST_PAUSE = 10_500
"""Milliseconds until a page without a server tries again."""


async def test_an_agent_is_found_by_keyboard(desk: Device, operator: Client) -> None:
    name = f"Found {uuid4()}"
    made, _ = await make_agent(operator, name)
    page = await desk.opened("/operate/health")
    await page.keyboard.press("Control+k")
    await expect(page.get_by_placeholder("An agent, a page")).to_be_focused()
    await page.keyboard.type(name)
    await expect(page.get_by_role("option", name=name).first).to_have_attribute("data-selected", "true")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/w/{made}")
    await expect(page.get_by_role("heading", name=name)).to_be_visible()


async def test_the_palette_goes_away_and_leads_from_words_that_name_nothing_to_where_they_were_said(desk: Device, team: Team) -> None:
    worker, other = await team.idle("Told"), await team.idle("Told last")
    await team.client.send(worker.id, "three pears and an apple", wait=None)
    await team.client.send(other.id, "nothing of the kind", wait=None)
    page = await desk.opened("/team")
    await page.keyboard.press("Control+k")
    await page.keyboard.type("Pears and")
    await expect(page.get_by_text("Nothing has that name.")).to_be_visible()
    await expect(page.get_by_role("option").first).to_have_text(f"Search “Pears and” in the chat with {other.name}")
    await page.get_by_role("option", name=f"in the chat with {worker.name}", exact=False).click()
    await expect(page.get_by_role("list", name="Found").locator("mark")).to_have_text("pears and")
    await expect(page.get_by_label("Words to look for")).to_be_focused()
    # There, it is that chat alone; and what was looked for before is not any more.
    await page.keyboard.press("Control+k")
    await page.keyboard.type("apples")
    await expect(page.get_by_role("option")).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Nobody said that here.")).to_be_visible()
    await page.keyboard.press("Control+k")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()


async def test_the_theme_is_the_systems_until_one_is_chosen_and_stays(new_device: NewDevice) -> None:
    device = await new_device(theme=DARK)
    page = await device.opened("/team")
    assert await _theme(page) == "dark"
    await page.get_by_role("button", name="More", exact=True).click()
    await expect(page.get_by_role("menuitemradio", checked=True)).to_have_text("As the system")
    await page.get_by_role("menuitemradio", name="Light").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    await page.reload()
    assert await _theme(page) == "light"
    await page.get_by_role("button", name="More", exact=True).click()
    await expect(page.get_by_role("menuitemradio", checked=True)).to_have_text("Light")
    async with device.context.expect_page() as beside:
        await page.get_by_role("menuitem", name="The API").click()
    assert (await beside.value).url.endswith("/docs")


async def _theme(page: Page) -> str | None:
    return await page.locator("html").get_attribute("data-theme")


async def test_an_unknown_address_says_so_and_leads_on(desk: Device) -> None:
    page = await desk.opened("/operate/nothing-here")
    await page.get_by_role("link", name="Go to the team").click()
    await page.wait_for_url("**/team")
    await desk.open(f"/w/{uuid4()}")
    await expect(page.get_by_text("There is no such agent")).to_be_visible()


async def test_the_description_of_the_api_sets_names_apart(desk: Device) -> None:
    await desk.open("/docs")
    await expect(desk.page.locator("p code", has_text="confirm")).to_have_count(1)
    assert "`" not in (await desk.page.locator("main").text_content() or "`")


async def test_a_page_that_the_server_has_no_more_is_loaded_anew(new_device: NewDevice) -> None:
    """As after an upgrade: a part of it that is asked for later is not there."""
    device = await new_device(HELD)
    page = await device.opened("/talk")
    device.faults.expect("status of 404", "dynamically imported module")

    async def newer(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, body=(await answer.text()).replace("/assets/index-", "/assets/newer-"))

    await page.route(f"{device.server.url}/", newer)
    await page.route("**/assets/health-page-*.js", lambda route: route.fulfill(status=404), times=1)
    await page.get_by_role("link", name="Health").click()
    await expect(page.get_by_role("heading", name="Background work")).to_be_visible()


async def test_a_phone_begins_with_its_chats_and_says_what_is_not_well(phone: Device, team: Team) -> None:
    async with team.working(fail, "Faulty") as worker:
        await team.client.send(worker.id, "Letter 1.")
    async with team.server.client(worker.token) as agent:
        await agent.heartbeat(worker.id, error_rate=1.0, sample_error="no paper")
    page = await phone.opened("/")
    await expect(page.get_by_role("button", name="More (there are dead letters)")).to_be_visible()
    await page.get_by_role("link", name=worker.name).click()
    await page.wait_for_url(f"**/w/{worker.id}")
    await expect(page.get_by_title("At least half of what it does fails: no paper")).to_have_text("degraded")
    await page.go_back()
    await expect(page.get_by_role("link", name=worker.name)).to_be_visible()


async def test_the_connection_is_told_while_the_server_is_killed_and_back(
    new_device: NewDevice, mortal: ServerProcess, mortal_team: Team
) -> None:
    """Meanwhile nobody is said to be online, but to have been; what was asked in vain is asked again."""
    device = await new_device(server=mortal)
    page = device.page
    connect = await _hold_feed(page)
    await page.clock.install()
    async with mortal_team.working(echo) as worker:
        await mortal_team.client.send(worker.id, "Are you there?")
        shown = page.locator(f"[data-workspace-id='{worker.id}']")
        # What is opened while the server is away was fetched before.
        await device.open(f"/w/{(await mortal_team.idle()).id}/overview")
        await page.get_by_role("link", name="Team", exact=True).click()
        await expect(shown.get_by_text("online", exact=True)).to_have_count(2)
        connect.set()
        await device.connected()
        device.faults.expect(*AWAY)
        port = mortal.port
        mortal.kill()
        await expect(page.locator("[data-connection=connecting]")).to_be_visible()
        await expect(page.get_by_text("Connecting to the server.")).to_be_visible()
        await expect(shown.get_by_text("was online", exact=True)).to_have_count(2)
        await expect(page.get_by_text("online", exact=True)).to_have_count(0)
        tokens = await _tokens_in_vain(page, worker)
        await asyncio.to_thread(mortal.start, port=port)
        await page.clock.fast_forward(_LONGEST_PAUSE)
        await device.connected()
        await expect(page.get_by_text("Connecting to the server.")).to_be_hidden()
        await expect(tokens.get_by_role("listitem")).to_have_count(1)
        await expect(shown.get_by_text("online", exact=True)).to_have_count(1)
        await expect(page.get_by_text(re.compile("^was "))).to_have_count(0)


async def _tokens_in_vain(page: Page, worker: Worker) -> Locator:
    """The panel of its tokens, opened without a server, once the page tries no more."""
    await page.get_by_role("complementary").locator(f"[data-workspace-id='{worker.id}']").click()
    await page.get_by_role("link", name="Overview").click()
    tokens = page.get_by_role("region", name="Tokens", exact=True)
    failed = tokens.get_by_role("alert")
    for _ in range(100):
        if await failed.count():
            break
        await page.clock.fast_forward(2_000)
    await expect(failed).to_be_visible()
    return tokens


async def _hold_feed(page: Page) -> asyncio.Event:
    """From now on the page's connections to the feed wait until the event is set."""
    free = asyncio.Event()

    async def wait(feed: WebSocketRoute) -> None:
        await free.wait()
        feed.connect_to_server()

    await page.route_web_socket("**/ws", wait)
    return free
