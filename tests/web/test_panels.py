"""The panels of an agent and the operator's pages: what is done there takes effect, what is shown there is what is there."""

import asyncio
import re
from dataclasses import dataclass, field
from itertools import groupby
from uuid import UUID

import asyncpg
import pytest
from playwright.async_api import Page, Route, WebSocketRoute, expect

from postroom.agent import Message
from postroom.client import Client, Json
from postroom.errors import Unauthenticated
from tests.support.server import make_agent
from tests.web.agents import Gate, Team, echo, fail
from tests.web.conftest import NewDevice
from tests.web.devices import AWAY, HELD, REFUSED, Device

INVALID = r"status of 422"
"""What Chromium says of a refusal."""

PAIRS = 8
KEPT = 1_000
"""Of what is heard the page keeps so many lines."""


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
    # The focus goes back a moment after the dialog has gone: what is filled in at that moment stands behind what was there.
    await expect(page.get_by_role("link", name="Overview")).to_be_focused()
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
    answered = page.get_by_role("list", name="Replayed").get_by_text("answered")
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
        await expect(page.get_by_text("being worked on")).to_be_visible()
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


Line = tuple[str, int]
"""Of a line of the activity: the cursor of its newest event, and how many it stands for."""


@pytest.mark.parametrize("desk", [HELD], indirect=True)
async def test_the_activity_is_whole_and_nothing_twice_though_it_goes_on_while_it_is_read(desk: Device, team: Team) -> None:
    async with team.working(Two().answer, "Busy", max_concurrent=2) as agent:
        await _say(team, agent.id, PAIRS)
        free, feed = await desk.hold("**/activity?*"), await LateFeed.of(desk.page)
        page = await desk.opened(f"/w/{agent.id}/activity")
        first = page.locator("article").first
        # Heard before the first page is read, and in it as well.
        await _say(team, agent.id, PAIRS // 4)
        free.set()
        await expect(first).to_be_visible()
        # Heard when the server has answered, and before the answer is there.
        answered, free = await _hold_answer(page)
        await _open_anew(page)
        await answered.wait()
        await _say(team, agent.id, 1)
        free.set()
        await _begins_with_the_newest(page, team, agent.id)
        # Read, and heard only then.
        feed.late = True
        await _say(team, agent.id, 1)
        await _open_anew(page)
        await expect(first).to_have_attribute("data-cursor", await _newest(team, agent.id))
        feed.go_on()
        await _say(team, agent.id, 1)
        whole = await _begins_with_the_newest(page, team, agent.id)
    assert await _read_back(page, whole) == whole


async def _begins_with_the_newest(page: Page, team: Team, id: str) -> list[Line]:
    """All lines that there are to be; those that are drawn at the top are the first of them."""
    whole = _folded(await _all_of_it(team, id))
    await expect(page.locator("article").first).to_have_attribute("data-cursor", whole[0][0])
    lines = await _lines(page)
    assert lines == whole[: len(lines)]
    return whole


async def _open_anew(page: Page) -> None:
    await page.get_by_role("link", name="Overview").click()
    await page.get_by_role("link", name="Activity").click()


async def _hold_answer(page: Page) -> tuple[asyncio.Event, asyncio.Event]:
    """The next answer with activity waits for the second event, and the first says when it does."""
    answered, free = asyncio.Event(), asyncio.Event()

    async def wait(route: Route) -> None:
        answer = await route.fetch()
        answered.set()
        await free.wait()
        await route.fulfill(response=answer)

    await page.route("**/activity?*", wait, times=1)
    return answered, free


@dataclass
class LateFeed:
    """What the feed tells a page, later than the server knows it."""

    late: bool = False
    _feed: WebSocketRoute | None = None
    _waiting: list[str | bytes] = field(default_factory=list[str | bytes])

    @classmethod
    async def of(cls, page: Page) -> "LateFeed":
        found = cls()
        await page.route_web_socket("**/ws", found._connect)
        return found

    def _connect(self, feed: WebSocketRoute) -> None:
        self._feed = feed
        feed.connect_to_server().on_message(self._tell)

    def _tell(self, frame: str | bytes) -> None:
        if self.late or self._feed is None:
            self._waiting.append(frame)
        else:
            self._feed.send(frame)

    def go_on(self) -> None:
        """Tell what waits, and from now on at once."""
        self.late, waiting, self._waiting = False, self._waiting, []
        for frame in waiting:
            self._tell(frame)


@dataclass
class Two:
    """An agent that works on two messages at a time, and tells of both in turn."""

    _both: asyncio.Barrier = field(default_factory=lambda: asyncio.Barrier(2))

    async def answer(self, message: Message) -> str:
        """The handler."""
        for number in range(3):
            await self._both.wait()
            await message.progress(f"step {number}")
        return await echo(message)


async def _say(team: Team, id: str, pairs: int) -> None:
    for number in range(pairs):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(team.client.send(id, f"number {number}"))
            tasks.create_task(team.client.send(id, f"another {number}"))


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


async def _read_back(page: Page, whole: list[Line]) -> list[Line]:
    """All lines, the newest first, as one scrolls down to the beginning."""
    more = page.locator("button:enabled", has_text="Show what was before")
    begins = page.get_by_text("This is where it begins.")
    await expect(more.or_(begins)).to_be_visible()
    while await more.count():
        await more.click()
        await expect(more.or_(begins)).to_be_visible()
    seen: dict[Line, None] = {}
    feed = page.get_by_role("region", name="Activity")
    await feed.evaluate(SCROLL, -1_000_000)
    further = True
    while further:
        lines = await _lines(page)
        assert lines == sorted(set(lines), key=whole.index), "a line is there twice, or out of order"
        seen.update(dict.fromkeys(lines))
        further = await feed.evaluate(SCROLL, 200)
    return list(seen)


async def _lines(page: Page) -> list[Line]:
    """Those that are drawn."""
    read = "rows => rows.map((row) => [row.dataset.cursor, 1 + Number(/and (\\d+) before/.exec(row.innerText)?.[1] ?? 0)])"
    return [(cursor, count) for cursor, count in await page.locator("article").evaluate_all(read)]


async def _all_of_it(team: Team, id: str) -> list[Json]:
    """The events of the API, oldest first."""
    rows: list[Json] = []
    while page := await team.client.activity(id, limit=200, **({"before_id": rows[0]["cursor"]} if rows else {})):
        rows = [*page, *rows]
    return rows


def _folded(rows: list[Json]) -> list[Line]:
    """The lines that they are to be, the newest first: of what was told without anything else between, one for each message."""
    lines: list[Line] = []
    for telling, events in groupby(rows, key=lambda row: row["event"] == "message.progress"):
        told: dict[str, list[str]] = {}
        for row in events:
            told.setdefault(row["message_id"] if telling else row["cursor"], []).append(row["cursor"])
        lines += [(cursors[-1], len(cursors)) for cursors in told.values()]
    return lines[::-1]


async def test_what_an_agent_tells_on_its_way_is_one_line_and_an_activity_left_open_stays_small(desk: Device, team: Team) -> None:
    agent = await team.idle("Talkative")
    sent = await team.client.send(agent.id, "Take your time.", wait=None)
    async with team.server.client(agent.token) as client:
        [item] = await client.claim(agent.id, lease=120)
        await client.progress(item, "the first words")
        await _tell_again(team, sent.message_id, KEPT)
        page = await desk.opened(f"/w/{agent.id}/activity")
        told = page.locator("[data-event='message.progress']")
        # Nothing is pressed: what folds into a few lines is read on by itself.
        await expect(page.get_by_text("This is where it begins.")).to_be_visible()
        await client.progress(item, "the newest words")
        await expect(told).to_contain_text(re.compile(f"the newest words.*and {KEPT + 1} before"))
        await told.get_by_role("button", name="Show the body").click()
        await expect(told.get_by_role("region", name="Body of message.progress")).to_contain_text("the newest words")
        await told.get_by_role("link", name="Show each of them").click()
        await _stays_small(page, team, agent.id, sent.message_id)


async def _stays_small(page: Page, team: Team, id: str, message_id: str) -> None:
    """Where nothing is folded: with the newest before one's eyes, and further down."""
    first, new = page.locator("article").first, page.get_by_role("button", name="1 new")
    await expect(page.locator("button:enabled", has_text="Show what was before")).to_be_visible()
    async with page.expect_request("**/activity?*"):
        await _tell_again(team, message_id, KEPT)
    await expect(first).to_have_attribute("data-cursor", await _newest(team, id))
    feed = page.get_by_role("region", name="Activity")
    assert await feed.evaluate(SCROLL, 300)
    lines = await _lines(page)
    looked_at = page.locator(f"[data-cursor='{lines[len(lines) // 2][0]}']")
    place = await looked_at.bounding_box()
    await _tell_again(team, message_id, 1)
    await expect(new).to_be_visible()
    assert await looked_at.bounding_box() == place
    await _tell_again(team, message_id, KEPT)
    await page.get_by_role("button", name="Show the newest").click()
    await expect(first).to_have_attribute("data-cursor", await _newest(team, id))


async def _newest(team: Team, id: str) -> str:
    return (await team.client.activity(id, limit=1))[0]["cursor"]


async def _tell_again(team: Team, message_id: str, times: int) -> None:
    """What was told first of a message, so many times more."""
    again = """insert into event (type, workspace_id, peer_id, message_id, actor_kind, actor_id, payload)
        select type, workspace_id, peer_id, message_id, actor_kind, actor_id, payload from generate_series(1, $2),
        (select * from event where message_id = $1 and type = 'message.progress' order by event.xid, id limit 1) first"""
    connection = await asyncpg.connect(team.server.dsn("postgres"))
    try:
        await connection.execute(again, UUID(message_id), times)
    finally:
        await connection.close()


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


@pytest.mark.parametrize("desk", [HELD], indirect=True)
async def test_another_browser_is_let_in_by_a_link_and_logged_out_from_afar(desk: Device, new_device: NewDevice) -> None:
    page = await desk.opened("/operate/access")
    elsewhere = {"link": "https://post.example/#prl_code", "expires_in_seconds": 60}
    await page.route("**/login-link", lambda route: route.fulfill(json=elsewhere), times=1)
    await page.get_by_role("button", name="Make a login link").click()
    await expect(page.get_by_role("img", name="The login link")).to_be_visible()
    # This one no other device finds.
    await page.get_by_role("button", name="Make another link").click()
    await expect(page.get_by_text("there is nothing to scan")).to_be_visible()
    await expect(page.get_by_role("img", name="The login link")).to_have_count(0)
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
