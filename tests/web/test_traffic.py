"""An agent's traffic with other agents, both ways; and the threads of its people's conversation, all of them."""

import asyncio

from playwright.async_api import Locator, expect

from tests.web.agents import Gate, Team, Worker, echo
from tests.web.chats import Chat, open_chat
from tests.web.devices import Device

MANY = 60


async def open_traffic(device: Device, worker: Worker) -> Chat:
    return Chat(await device.opened(f"/w/{worker.id}/traffic"), worker)


def says(chat: Chat, text: str) -> Locator:
    """The line that begins so: who to whom, and what."""
    return chat.log.get_by_role("article").filter(has_text=text)


async def test_both_directions_are_shown_as_they_happen(desk: Device, team: Team) -> None:
    gate = Gate()
    lead = await team.idle("Lead")
    async with team.working(gate.answer, "Clerk") as clerk, team.server.client(lead.token) as own:
        chat = await open_traffic(desk, lead)
        await own.delegate(lead.id, clerk.id, "Count the stamps", key="d-1")
        line = says(chat, f"{lead.name} → {clerk.name}Count the stamps")
        await expect(line).to_have_attribute("data-state", "handed")
        await expect(line).to_contain_text("half way")
        gate.open.set()
        await expect(line).to_have_attribute("data-state", "replied")
        post = says(chat, f"{clerk.name} → {lead.name}: the answerYou said: Count the stamps")
        await expect(post).to_contain_text("Not read yet")
        # Without a post, what comes back stands with the question.
        await own.send(clerk.id, "How many?", wait=None)
        answered = says(chat, f"{lead.name} → {clerk.name}How many?")
        await expect(answered.locator("[data-answer]")).to_contain_text(f"{clerk.name} → {lead.name}You said: How many?")
        async with team.server.client(clerk.token) as other:
            await other.send(lead.id, "Is that all?", wait=None)
        await expect(says(chat, f"{clerk.name} → {lead.name}Is that all?")).to_contain_text("Accepted")
        before = await chat.drawn()
        await desk.page.reload()
        await expect(answered.locator("[data-answer]")).to_contain_text("You said: How many?")
        assert [text[:40] for text in await chat.drawn()] == [text[:40] for text in before]
        await desk.page.get_by_role("link", name="The delegation").first.click()
        one = desk.page.get_by_role("list", name="The delegation")
        await expect(one).to_contain_text("Count the stamps")
        await expect(one).to_contain_text("You said: Count the stamps")
        await desk.page.go_back()
        await chat.log.get_by_role("link", name=f"Chat with {clerk.name}").first.click()
        await expect(desk.page.get_by_role("heading", name=clerk.name)).to_be_visible()


async def test_a_long_traffic_is_read_both_ways_without_a_gap(desk: Device, team: Team) -> None:
    lead = await team.idle("Lead", max_concurrent=8)
    async with team.working(echo, "Clerk") as clerk, team.server.client(lead.token) as own, team.server.client(clerk.token) as other:
        for number in range(MANY):
            await own.send(clerk.id, f"Out {number:02}.")
            await other.send(lead.id, f"In {number:02}.", wait=None)
        chat = await open_traffic(desk, lead)
        await expect(says(chat, f"In {MANY - 1:02}.")).to_have_count(1)
        found = await chat.everything(2 * MANY)
        expected = [text for number in range(MANY) for text in (f"Out {number:02}.", f"In {number:02}.")]
        assert [next(one for one in expected if one in text) for text in found] == expected
        await desk.page.get_by_role("button", name="Newest").click()
        await desk.page.get_by_role("button", name="Search this chat").click()
        await desk.page.get_by_role("textbox", name="Words to look for").fill("said: out 07")
        await desk.page.keyboard.press("Enter")
        await desk.page.get_by_role("list", name="Found").get_by_role("button").click()
        await expect(says(chat, "Out 07.")).to_be_in_viewport()
        # On from there to the newest, by scrolling.
        async with asyncio.timeout(30):
            while not await says(chat, f"In {MANY - 1:02}.").count():
                await chat.log.evaluate("log => { log.scrollTop += log.clientHeight; }")
                await desk.page.evaluate("() => new Promise(done => requestAnimationFrame(done))")


async def test_all_threads_are_listed_however_much_was_said_since(phone: Device, team: Team) -> None:
    worker = await team.idle()
    await team.client.send(worker.id, "The oldest thread", thread_id="oldest", wait=None)
    for number in range(220):
        await team.client.send(worker.id, f"Letter {number}.", thread_id="long", wait=None)
    await team.client.send(worker.id, "The newest thread", thread_id="newest", wait=None)
    chat = await open_chat(phone, worker)
    await phone.page.get_by_role("button", name="All threads").click()
    threads = phone.page.locator("[data-thread-id]")
    await expect(threads).to_have_count(3)
    assert [await one.get_attribute("data-thread-id") for one in await threads.all()] == ["newest", "long", "oldest"]
    await expect(threads.nth(1)).to_contain_text("Letter 0.")
    await expect(threads.nth(1)).to_contain_text("Letter 219.")
    await expect(threads.nth(1)).to_contain_text("220")
    await threads.nth(2).click()
    await chat.shows("The oldest thread")
    await expect(chat.log.get_by_role("article")).to_have_count(1)
