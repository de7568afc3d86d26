"""A history of thousands, scrolled both ways: nothing is skipped, and what is read stays where it is while pages come and go around it."""

import os
from collections.abc import Callable, Iterable
from uuid import UUID

from playwright.async_api import expect

from benches.growth.seed import seed
from tests.web.agents import Team
from tests.web.chats import Chat, open_chat
from tests.web.devices import Device

HISTORY = int(os.environ.get("HISTORY", "1300"))
# As far up as this, what was read first is let go of and has to be fetched again on the way down.
FAR = 1_050
STEP = 600
# Pixels that a place may be off by: rounding, at each end.
OFF = 3

# Number and place of each message that is drawn, once two painted frames after each other show the same: what a reader sees.
_PLACES = """log => new Promise(done => {
    const drawn = () => [...log.querySelectorAll("article")].map(one => [Number(one.dataset.seq), one.getBoundingClientRect().top]);
    const painted = act => requestAnimationFrame(() => setTimeout(act));
    const look = before => {
        const now = drawn();
        if (before === JSON.stringify(now)) done(now); else painted(() => look(JSON.stringify(now)));
    };
    painted(() => look(""));
})"""


async def test_a_long_history_is_scrolled_both_ways_and_keeps_its_place(desk: Device, team: Team) -> None:
    worker = await team.idle()
    sent = await team.client.send(worker.id, "Said often.", wait=None)
    await seed(team.server.dsn("postgres"), UUID(sent.message_id), HISTORY)
    chat = await open_chat(desk, worker)
    await expect(chat.log.locator(f"article[data-seq='{HISTORY}']")).to_be_visible()
    await chat.log.hover()
    read = await _walk(chat, -STEP, lambda seqs: min(seqs) < HISTORY - FAR)
    assert read == set(range(min(read), HISTORY + 1))
    back = await _walk(chat, STEP, lambda seqs: max(seqs) == HISTORY)
    assert back >= read - {min(read)}
    await _only_what_is_new_is_heard(chat, team)


async def _only_what_is_new_is_heard(chat: Chat, team: Team) -> None:
    """For those who do not see the page nothing was said so far: what scrolling draws is old."""
    said = chat.page.get_by_role("status", name="What was said last")
    await expect(chat.log).to_have_attribute("aria-live", "off")
    await expect(said).to_be_empty()
    for _ in range(2):
        await said.evaluate("said => { said.firstElementChild?.setAttribute('data-old', '') }")
        async with team.server.client(chat.worker.token) as agent:
            await agent.notify(chat.worker.id, "A **new** one.")
        # The same words again are another element: it is heard again.
        await expect(said.locator("p:not([data-old])")).to_have_text(f"{chat.worker.name}: A new one.")


async def _walk(chat: Chat, step: int, arrived: Callable[[Iterable[int]], bool]) -> set[int]:
    """Scroll step by step until ``arrived``; the numbers that were drawn on the way, without a gap at any time."""
    places = await _places(chat)
    seen = set(places)
    while not arrived(places):
        await chat.page.mouse.wheel(0, step)
        before, places = places, await _places(chat)
        assert list(places) == list(range(min(places), max(places) + 1))
        _kept(before, places, step)
        seen |= set(places)
    return seen


def _kept(before: dict[int, float], after: dict[int, float], step: int) -> None:
    """What was drawn before and after has moved by the step, or less where there was no room yet, and all of it as one."""
    moved = {round(before[seq] - after[seq]) for seq in before.keys() & after.keys()}
    assert moved, (list(before), list(after))
    assert all(min(0, step) - OFF <= distance <= max(0, step) + OFF for distance in moved), moved


async def _places(chat: Chat) -> dict[int, float]:
    found: list[tuple[int, float]] = await chat.log.evaluate(_PLACES)
    return dict(found)
