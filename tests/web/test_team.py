"""The team as a chart and as a list: moved, taken back, refused, added and connected; and everything that matters by keyboard alone."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.web.agents import Team, Worker, echo
from tests.web.conftest import NewDevice
from tests.web.devices import HELD, PHONE, REFUSED, SECONDS, Device, login_link
from tests.web.test_files import file

_FOCUSED = "(document.activeElement.labels?.[0]?.innerText ?? document.activeElement.ariaLabel)"


def card(page: Page, worker: Worker) -> Locator:
    """The card of a workspace in the chart."""
    return page.locator(f"article[data-workspace-id='{worker.id}']")


@asynccontextmanager
async def changed(page: Page) -> AsyncGenerator[None]:
    """In the block the page changes a workspace, and the server agrees."""
    async with page.expect_response(lambda answer: answer.request.method == "PATCH") as answer:
        yield
    assert (await answer.value).ok


async def tab_to(page: Page, label: str) -> None:
    """Press Tab until the control with this label has the focus. Each chat in the side bar is a stop on the way."""
    for _ in range(600):
        if await page.evaluate(_FOCUSED) == label:
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"the Tab key never comes to {label!r}")


async def walk_to(page: Page, worker: Worker) -> None:
    """From the list's first row down to that of a workspace."""
    await tab_to_tree(page)
    while await page.evaluate("document.activeElement.dataset.workspaceId") != worker.id:
        await page.keyboard.press("ArrowDown")


async def tab_to_tree(page: Page) -> None:
    while await page.evaluate("document.activeElement.getAttribute('role')") != "treeitem":
        await page.keyboard.press("Tab")


async def parent_of(team: Team, worker: Worker) -> str | None:
    return (await team.client.workspace(worker.id))["parent_id"]


@pytest.mark.parametrize("desk", [HELD], indirect=True)
@pytest.mark.parametrize("kept_first", [True, False])
async def test_what_is_kept_is_not_undone_by_an_answer_from_before_it(desk: Device, team: Team, *, kept_first: bool) -> None:
    lead = await team.idle("Lead")
    member = await team.idle("Member", parent_id=lead.id)
    old, free = asyncio.Event(), asyncio.Event()
    asked = 0

    async def late(route: Route) -> None:
        nonlocal asked
        asked += 1
        answer = await route.fetch()
        # The first of all shows the team; the feed, which begins then, has it asked for again.
        if asked == 2:
            old.set()
            await free.wait()
        await route.fulfill(response=answer)

    await desk.page.route("**/session/preferences", late)
    page = await desk.opened("/team?view=list")
    await asyncio.wait_for(old.wait(), SECONDS)
    row = page.locator(f"[role=treeitem][data-workspace-id='{member.id}']")
    kept = await desk.hold("**/session/preferences/canvas")
    await page.get_by_role("button", name=f"Close the team of {lead.name}").click()
    await expect(row).to_have_count(0)
    answers = [("**/session/preferences/canvas", kept), ("**/session/preferences", free)]
    for address, comes in answers if kept_first else reversed(answers):
        async with page.expect_response(address):
            comes.set()
        await page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        await expect(row).to_have_count(0)


async def test_an_agent_is_moved_by_dragging_and_taken_back(desk: Device, team: Team) -> None:
    lead, member = await team.idle("Lead"), await team.idle("Member")
    page = await desk.opened("/team?view=chart")
    async with changed(page):
        await card(page, member).drag_to(card(page, lead))
    await expect(page.get_by_text(f"Moved {member.name} below {lead.name}.")).to_be_visible()
    assert await parent_of(team, member) == lead.id
    async with changed(page):
        await page.get_by_role("button", name="Undo").click()
    assert await parent_of(team, member) is None


async def test_a_move_into_a_circle_is_refused_and_says_why(desk: Device, team: Team) -> None:
    lead = await team.idle("Lead")
    member = await team.idle("Member", parent_id=lead.id)
    page = await desk.opened("/team?view=list")
    desk.faults.expect("status of 4")
    await page.get_by_role("treeitem", name=lead.name).click(button="right")
    await page.get_by_role("menuitem", name="Move to…").click()
    await page.get_by_placeholder("In whose team?").fill(member.name)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status").filter(has_text="its own ancestor")).to_be_visible()
    assert await parent_of(team, lead) is None


async def test_several_are_paused_together_and_taken_back(desk: Device, team: Team) -> None:
    several = [await team.idle("Several") for _ in range(3)]
    page = await desk.opened("/team?view=list")
    for worker in several[:2]:
        await page.get_by_role("button", name=f"Select {worker.name}").click()
    await page.get_by_role("toolbar", name="Selected agents").get_by_role("button", name="Pause 2").click()
    await expect(page.get_by_text("Paused 2 agents.")).to_be_visible()
    assert [(await team.client.workspace(worker.id))["status"] == "paused" for worker in several] == [True, True, False]
    await page.get_by_role("button", name="Undo").click()
    for worker in several:
        await expect(page.get_by_role("treeitem", name=worker.name)).not_to_contain_text("paused", ignore_case=True)
        assert (await team.client.workspace(worker.id))["status"] != "paused"


async def test_a_team_that_is_closed_is_closed_on_every_device(new_device: NewDevice, team: Team) -> None:
    lead = await team.idle("Lead")
    member = await team.idle("Member", parent_id=lead.id)
    page = await (await new_device()).opened("/team")
    # From afar there is no such button.
    await page.get_by_label("Find in the team").fill(lead.name)
    async with page.expect_response("**/session/preferences/canvas"):
        await card(page, lead).get_by_role("button", name=f"1 in the team of {lead.name}").click()
    await expect(card(page, member)).to_have_count(0)
    there = await (await new_device(PHONE)).opened("/team")
    await expect(there.get_by_role("treeitem", name=lead.name)).to_have_attribute("aria-expanded", "false")
    await expect(there.get_by_role("treeitem", name=member.name)).to_have_count(0)


async def test_a_line_lights_up_while_one_asks_another(desk: Device, team: Team) -> None:
    lead = await team.idle("Lead")
    member = await team.idle("Member", parent_id=lead.id)
    page = await desk.opened("/team?view=chart")
    line = page.get_by_label(f"{lead.name} asks {member.name}").locator(".post-line")
    async with team.server.client(lead.token) as client:
        asked = await client.delegate(lead.id, member.id, "Count the stars.", key="stars")
        await expect(line).to_have_class(re.compile("post-open"))
        await page.reload()
        await expect(line).to_have_class(re.compile("post-open"))
        again = await client.delegate(lead.id, member.id, "Count them again.", key="stars again")
        await expect(page.get_by_text("2 · 0:0")).to_be_visible()
        for delegation in (asked.id, again.id):
            await client.cancel_delegation(lead.id, delegation)
    # At once, and not when what moved before has had its five seconds of light.
    await expect(line).to_have_class(re.compile("post-ended"), timeout=4_000)


async def test_everybody_is_in_sight_until_one_looks_elsewhere_and_there_is_a_way_back(desk: Device, team: Team) -> None:
    await team.idle("First")
    async with undone_view(desk):
        page = await desk.opened("/team?view=chart")
        newcomers = [await team.idle("Newcomer") for _ in range(12)]
        for one in newcomers:
            await expect(card(page, one)).to_be_in_viewport(ratio=0.99)
        await _drag_up(page)
        await _drag_up(page)
        await expect(page.get_by_text("Nobody is in sight.")).to_be_visible()
        await page.get_by_role("button", name="Show the team").click()
        await expect(card(page, newcomers[0])).to_be_in_viewport(ratio=0.99)
        await expect(page.get_by_text("Nobody is in sight.")).to_have_count(0)


@asynccontextmanager
async def undone_view(device: Device) -> AsyncGenerator[None]:
    """What is looked at in the block is not kept for the tests that come after it: all pages are one person's."""
    yield
    await device.page.goto("about:blank")
    url = device.server.url
    kept = await device.context.request.put(
        f"{url}/session/preferences/canvas-view", data="null", headers={"Origin": url, "Content-Type": "application/json"}
    )
    assert kept.ok, await kept.text()


async def _drag_up(page: Page) -> None:
    """The chart, by its ground."""
    await page.mouse.move(1150, 795)
    await page.mouse.down()
    await page.mouse.move(1150, 70, steps=3)
    await page.mouse.up()


async def test_an_agent_is_added_and_the_dialog_turns_green_when_it_comes(desk: Device, team: Team) -> None:
    name = f"New {uuid4().hex[:8]}"
    # An empty team has another first step.
    somebody = await team.idle("Somebody")
    page = await desk.opened("/team")
    await page.get_by_role("button", name="Add agent").click()
    await page.get_by_label("Name", exact=True).fill(somebody.name.upper())
    await expect(page.get_by_text(f"There is an agent {somebody.name} already, at the top of the tree")).to_be_visible()
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_role("button", name="Add it").click()
    dialog = page.get_by_role("dialog", name=f"Connect {name}")
    await expect(dialog.get_by_text("Waiting to hear from it.")).to_be_visible()
    await _stands_still(dialog)
    await dialog.get_by_role("tab", name="curl").click()
    await dialog.get_by_role("button", name="Send it “hello”").click()
    token = await dialog.get_by_text(re.compile(r"^prw_|^pr\w_")).first.inner_text()
    made = next(one for one in await team.client.workspaces() if one["name"] == name)
    async with team.at_work(Worker(made["id"], name, token), echo):
        await expect(dialog.get_by_text(f"{name} is here.")).to_be_visible()
        await dialog.get_by_role("link", name="Say hello").click()
        await page.get_by_role("textbox", name=f"Message to {name}").fill("hello")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("log").get_by_role("article")).to_have_count(4)


COVERS = """foot => {
  const { x, y } = foot.getBoundingClientRect();
  return document.elementsFromPoint(x + 9, y + 9).some(one => one.closest("[role=tabpanel]"));
}"""
"""Whether it lies over the commands."""


async def _stands_still(dialog: Locator) -> None:
    """From tab to tab; nothing lies over the commands, and what ours are in a checkout stands beside them alone."""
    close = dialog.get_by_role("button", name="Close")
    place = await close.bounding_box()
    for tab, commands in {"Python": ["python"], "Any program": ["postroom"], "curl": [], "MCP": ["postroom"]}.items():
        await dialog.get_by_role("tab", name=tab).click()
        await expect(dialog.get_by_text("In a checkout").locator("code:first-child")).to_have_text(commands)
        assert await close.bounding_box() == place
        assert not await dialog.get_by_role("status").last.evaluate(COVERS)


async def test_everything_that_matters_by_keyboard_alone(new_device: NewDevice, team: Team) -> None:
    """Log in, find an agent, send a file, read the answer, move a workspace, undo: the mouse is not touched."""
    device = await new_device(logged_in=False)
    device.faults.expect(REFUSED)
    lead = await team.idle("Lead")
    async with team.working(echo, "Member") as member:
        await _log_in(device)
        await _find(device.page, member.name)
        await device.page.wait_for_url(f"**/w/{member.id}")
        await _send_a_file(device.page, member)
        await _find(device.page, "Team")
        await device.page.wait_for_url("**/team")
        await _move_and_undo(device.page, member, lead)
        assert await parent_of(team, member) is None


async def _log_in(device: Device) -> None:
    await device.open("/")
    await tab_to(device.page, "Login link or code")
    await device.page.keyboard.insert_text(login_link(device.server))
    await device.page.keyboard.press("Enter")
    await device.connected()


async def _find(page: Page, name: str) -> None:
    await page.keyboard.press("Control+k")
    await page.keyboard.type(name)
    await expect(page.get_by_role("option", name=name).first).to_have_attribute("data-selected", "true")
    await page.keyboard.press("Enter")


async def _send_a_file(page: Page, worker: Worker) -> None:
    # Chromium is told to leave the choosing to us, and is not waited for: on a busy machine one press of a key comes before that.
    async with page.expect_file_chooser() as choosing:
        await tab_to(page, "Attach files")
        await page.keyboard.press("Enter")
    await (await choosing.value).set_files([file("note.txt", b"12345")])
    await tab_to(page, f"Message to {worker.name}")
    await page.keyboard.type("Count this.")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("log").get_by_text("You said: Count this. [note.txt: 5]")).to_be_visible()


async def _move_and_undo(page: Page, worker: Worker, lead: Worker) -> None:
    await tab_to(page, "As a list")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("treeitem", name=worker.name)).to_be_visible()
    await walk_to(page, worker)
    await page.keyboard.press("Shift+F10")
    await expect(page.get_by_role("menu")).to_be_visible()
    await page.keyboard.type("Move to")
    await page.keyboard.press("Enter")
    await expect(page.get_by_placeholder("In whose team?")).to_be_focused()
    await page.keyboard.type(lead.name)
    async with changed(page):
        await page.keyboard.press("Enter")
    await expect(page.get_by_text(f"Moved {worker.name} below {lead.name}.")).to_be_visible()
    async with changed(page):
        await page.keyboard.press("Control+z")
