"""The panels of an agent and the operator's pages: what is done there takes effect, what is shown there is what is there."""

import asyncio
import re

import pytest
from playwright.async_api import Page, expect

from postroom.client import Client, Json
from postroom.errors import Unauthenticated
from tests.support.server import make_agent
from tests.web.agents import Gate, Team, echo, fail
from tests.web.conftest import NewDevice
from tests.web.devices import AWAY, HELD, REFUSED, Device

INVALID = r"status of 422"
"""What Chromium says of a refusal."""

MESSAGES = 40


async def test_settings_are_refused_at_their_field_and_saved_and_not_lost_by_leaving(desk: Device, team: Team) -> None:
    desk.faults.expect(INVALID)
    agent, parent = await team.idle("Changed"), await team.idle("Parent")
    page = await desk.opened(f"/w/{agent.id}/settings")
    same = page.get_by_text("commands that name it will have to say which")
    await page.get_by_label("Name", exact=True).fill(parent.name.upper())
    await expect(same).to_contain_text(f"{parent.name} already, at the top of the tree")
    await page.get_by_label("Name", exact=True).fill(agent.name.upper())
    await expect(same).to_have_count(0)
    await page.get_by_role("button", name="Undo the changes").click()
    await page.get_by_label("How its post gets to it").select_option("push")
    await page.get_by_label("URL").fill("http://169.254.169.254/")
    await page.get_by_label("Parent").select_option(parent.id)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("metadata service")
    await expect(page.get_by_label("URL")).to_have_attribute("aria-invalid", "true")
    await page.get_by_role("link", name="Overview").click()
    await page.get_by_role("dialog").get_by_role("button", name="Stay").click()
    await page.get_by_label("URL").fill("http://127.0.0.1:9999/")
    await page.get_by_label("How its post gets to it").select_option("poll")
    await page.get_by_label("How many at once").fill("3")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    now = await team.client.workspace(agent.id)
    assert (now["parent_id"], now["max_concurrent"], now["delivery_mode"]) == (parent.id, 3, "poll")


async def test_what_is_removed_is_named_before(desk: Device, team: Team) -> None:
    agent = await team.idle("Doomed")
    child = await team.idle("With it", parent_id=agent.id)
    # Of the same name, in another place; and beside one another.
    for parent in (agent.id, child.id, child.id):
        await make_agent(team.client, agent.name, parent_id=parent)
    page = await desk.opened(f"/w/{agent.id}/settings")
    await page.get_by_role("button", name="Remove").click()
    dialog = page.get_by_role("dialog", name=f"Remove {agent.name}, at the top of the tree?")
    below = re.compile(f"^(?:{agent.name}, below (?:{agent.name}|{child.name} \\([0-9a-f]{{8}}\\))|{child.name})$")
    await expect(dialog.get_by_role("listitem").filter(has_text=below)).to_have_count(4)
    await dialog.get_by_role("button", name="Remove").click()
    await page.wait_for_url("**/team")
    assert not {agent.id, child.id} & {row["id"] for row in await team.client.workspaces()}


async def test_a_token_is_shown_once_lets_in_and_is_refused_when_revoked(desk: Device, team: Team) -> None:
    agent = await team.idle("Keyed")
    page = await desk.opened(f"/w/{agent.id}/overview")
    await page.get_by_role("button", name="New token").click()
    await page.get_by_label("What is it for?").fill("the laptop")
    await page.get_by_role("button", name="Make it").click()
    token = await page.get_by_role("region", name="New token").inner_text()
    await page.get_by_role("button", name="I have it").click()
    async with team.server.client(token.strip()) as client:
        await client.peek(agent.id)
        await page.get_by_role("button", name="Revoke: the laptop").click()
        await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        await expect(page.get_by_text("the laptop")).to_have_count(0)
        assert token.strip() not in await page.content()
        assert await _is_refused(client, agent.id)


async def _is_refused(client: Client, id: str) -> bool:
    try:
        await client.peek(id)
    except Unauthenticated:
        return True
    return False


async def test_a_dead_letter_is_sent_again_and_what_came_of_it_is_shown(desk: Device, team: Team) -> None:
    agent = await team.idle("Mended")
    async with team.at_work(agent, fail):
        for number in range(5):
            await team.client.send(agent.id, f"letter {number}")
    page = await desk.opened(f"/w/{agent.id}/dead-letters")
    letters = page.get_by_role("list", name="Dead letters").get_by_role("article")
    await expect(letters).to_have_count(5)
    answered = page.get_by_role("list", name="Sent again").get_by_text("answered")
    async with team.at_work(agent, echo):
        await letters.filter(has_text="letter 2").locator("..").get_by_role("button", name="Replay").click()
        await expect(answered).to_have_count(1)
        for number in (4, 3):
            await page.get_by_label(re.compile(f"^Choose: .*letter {number}")).check()
        await page.get_by_role("button", name="Replay 2").click()
        await page.get_by_role("dialog").get_by_role("button", name="Replay").click()
        await expect(answered).to_have_count(3)
    await page.get_by_label("Choose all").check()
    await page.get_by_role("button", name="Drop 2").click()
    await page.get_by_role("dialog").get_by_role("button", name="Drop").click()
    await expect(page.get_by_text("No dead letters")).to_be_visible()
    said = [entry["content"] for entry in await team.history(agent) if entry["role"] == "user"]
    assert said == [f"letter {number}" for number in (0, 1, 2, 3, 4, 2, 3, 4)]
    assert (await team.client.dead_letters(agent.id))["total"] == 0


async def test_a_delegation_is_seen_while_it_is_worked_on_and_cancelled(desk: Device, team: Team) -> None:
    gate, asker = Gate(), await team.idle("Asker")
    async with team.working(gate.answer, "Asked", parent_id=asker.id) as asked, team.server.client(asker.token) as client:
        page = await desk.opened(f"/w/{asker.id}/delegations")
        await expect(page.get_by_text("has asked nothing")).to_be_visible()
        await client.delegate(asker.id, asked.id, "count the stars", key="stars", report=False)
        await expect(page.get_by_text("in hand")).to_be_visible()
        await page.get_by_role("radio", name="Time-line").click()
        await expect(page.get_by_role("list", name="Time-line").get_by_text("count the stars")).to_be_visible()
        await page.get_by_role("radio", name="Tree").click()
        await page.get_by_role("button", name="count the stars", expanded=False).click()
        await expect(page.get_by_text(f"{asker.name} waits for it")).to_be_visible()
        await page.get_by_role("button", name=f"Cancel what {asker.name} asked {asked.name}").click()
        await page.get_by_role("button", name="Cancel it").click()
        await expect(page.locator("[data-status=cancelled]")).to_be_visible()
        await expect(page.get_by_text(f"{asker.name} waited for it")).to_be_visible()
        gate.open.set()


@pytest.mark.parametrize("desk", [HELD], indirect=True)
async def test_the_activity_is_whole_and_nothing_twice_though_it_goes_on_while_it_is_read(desk: Device, team: Team) -> None:
    async with team.working(echo, "Busy") as agent:
        await _say(team, agent.id, MESSAGES)
        free = await desk.hold("**/activity?*")
        page = await desk.opened(f"/w/{agent.id}/activity")
        # Heard before the first page is read, and in it as well.
        await _say(team, agent.id, MESSAGES // 2)
        free.set()
        await expect(page.locator("article").first).to_be_visible()
        await _say(team, agent.id, MESSAGES // 2)
    whole = await _all_of_it(team, agent.id)
    await expect(page.locator("article").first).to_have_attribute("data-cursor", whole[0])
    assert await _read_back(page, whole) == whole


async def _say(team: Team, id: str, count: int) -> None:
    for number in range(count):
        await team.client.send(id, f"number {number}")


SCROLL = """async (box, by) => {
  const from = box.scrollTop;
  box.scrollBy(0, by);
  // What is scrolled to is drawn some frames after the one that notices.
  const drawn = () => {
    const [rows, at] = [[...box.querySelectorAll("article")].map((row) => row.getBoundingClientRect()), box.getBoundingClientRect()];
    const ends = box.scrollTop + box.clientHeight > box.scrollHeight - 200;
    return rows.some((row) => row.top < at.top + 100) && (ends || rows.some((row) => row.bottom > at.bottom - 1));
  };
  for (let frames = 0; frames < 3 || (!drawn() && frames < 600); frames++) await new Promise(requestAnimationFrame);
  return box.scrollTop !== from;
}"""
"""Scroll by so many pixels, until what is there is drawn; whether that went anywhere."""


async def _read_back(page: Page, whole: list[str]) -> list[str]:
    """The cursors of all rows, the newest first, as one scrolls down to the beginning."""
    more = page.locator("button:enabled", has_text="Show what was before")
    begins = page.get_by_text("This is where it begins.")
    await expect(more.or_(begins)).to_be_visible()
    while await more.count():
        await more.click()
        await expect(more.or_(begins)).to_be_visible()
    seen: dict[str, None] = {}
    feed = page.get_by_role("region", name="Activity")
    await feed.evaluate(SCROLL, -1_000_000)
    further = True
    while further:
        rows: list[str] = await page.locator("article").evaluate_all("rows => rows.map((row) => row.dataset.cursor)")
        assert rows == sorted(set(rows), key=whole.index), "a row is there twice, or out of order"
        seen.update(dict.fromkeys(rows))
        further = await feed.evaluate(SCROLL, 200)
    return list(seen)


async def _all_of_it(team: Team, id: str) -> list[str]:
    rows: list[Json] = []
    while page := await team.client.activity(id, limit=200, **({"before_id": rows[0]["cursor"]} if rows else {})):
        rows = [*page, *rows]
    return [row["cursor"] for row in reversed(rows)]


@pytest.mark.parametrize("desk", [HELD], indirect=True)
async def test_health_says_what_is_wrong_and_leads_there(desk: Device, team: Team) -> None:
    agent = await team.idle("Paused one")
    # So many that it is among the ten mailboxes in which most waits, whatever else was left on this server.
    async with asyncio.TaskGroup() as tasks:
        for number in range(100):
            tasks.create_task(team.client.send(agent.id, f"wait for it, {number}", wait=None))
    page = await desk.opened("/operate/health")
    answered = page.get_by_text(re.compile("^version "))
    await expect(answered).to_be_visible()
    await team.client.pause(agent.id)
    needed = page.get_by_label("What needs you")
    found = needed.get_by_role("listitem").filter(has_text=agent.name)
    await expect(found).to_be_visible()
    desk.faults.expect(*AWAY)
    await page.route("**/health/details", lambda route: route.abort())
    await expect(page.get_by_role("alert")).to_contain_text("How it is doing is not known")
    await expect(needed).to_have_count(0)
    await page.unroute_all()
    await found.get_by_role("link", name="Resume it").click()
    await page.get_by_role("button", name="Resume").click()
    await expect(page.get_by_role("button", name="Pause")).to_be_visible()
    await page.go_back()
    await expect(answered).to_be_visible()
    await expect(page.get_by_label("What needs you").get_by_text(agent.name)).to_have_count(0)


async def test_another_browser_is_let_in_by_a_link_and_logged_out_from_afar(desk: Device, new_device: NewDevice) -> None:
    page = await desk.opened("/operate/access")
    await page.get_by_role("button", name="Make a login link").click()
    await expect(page.get_by_role("img", name="The login link")).to_be_visible()
    link = await page.get_by_role("region", name="Login link").inner_text()
    other = await new_device(logged_in=False)
    other.faults.expect(REFUSED)
    await other.page.goto(link.strip())
    await other.connected()
    sessions: list[Json] = await (await other.context.request.get(f"{desk.server.url}/sessions")).json()
    [guest] = [session["prefix"] for session in sessions if session["current"]]
    listed = page.get_by_role("list", name="Browsers").get_by_role("listitem").filter(has_text=guest)
    await listed.get_by_role("button", name="Log out").click()
    await page.get_by_role("dialog").get_by_role("button", name="Log out").click()
    await expect(other.page.get_by_role("heading", name="You are logged out")).to_be_visible()
