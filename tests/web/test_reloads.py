"""A chat survives: the page is reloaded the instant an answer is seen, the server is killed wherever it hurts, and nothing that was said
is missing, doubled or out of order, neither on the page nor in the API.

The short form reloads five times, and kills the server at two answers; RELOADS=200 (make reloads) does each 200 times.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from tests.support.server import ServerProcess
from tests.web.agents import Gate, Stream, Team, echo
from tests.web.chats import Chat, agree, letters, open_chat, read
from tests.web.conftest import NewDevice
from tests.web.devices import AWAY, PHONE, Device

RELOADS = int(os.environ.get("RELOADS", "5"))
KILLS = int(os.environ.get("RELOADS", "2"))

pytestmark = [pytest.mark.xdist_group("mortal page"), pytest.mark.timeout(120 + 12 * RELOADS)]


async def test_a_chat_survives_reloads_the_instant_the_answer_is_seen(new_device: NewDevice, team: Team) -> None:
    await answers_survive(await new_device(), team, RELOADS)


async def test_a_chat_survives_a_server_that_is_killed_at_every_answer(
    new_device: NewDevice, mortal: ServerProcess, mortal_team: Team
) -> None:
    device = await new_device(server=mortal)
    device.faults.expect(*AWAY)
    await answers_survive(device, mortal_team, KILLS, killed)


async def test_a_chat_survives_reloads_before_anything_is_known(new_device: NewDevice, team: Team) -> None:
    """The page is gone the instant Enter is pressed: the message was noted in it, and goes out when the page is back."""
    device = await new_device(PHONE)
    async with team.working(echo) as worker:
        chat = await open_chat(device, worker)
        for number in range(1, RELOADS + 1):
            await chat.send(f"Letter {number}.")
            await device.page.reload()
        await chat.shows(f"You said: Letter {RELOADS}.")
        said = [entry["content"] for entry in await team.history(worker) if entry["role"] == "user"]
        assert said == letters(range(1, RELOADS + 1))[::2]
        assert sorted(read(await chat.everything(2 * RELOADS))) == sorted(letters(range(1, RELOADS + 1)))


@pytest.mark.parametrize("reload", [False, True], ids=["page stays", "page reloaded"])
async def test_the_server_is_killed_right_after_its_yes(
    new_device: NewDevice, mortal: ServerProcess, mortal_team: Team, reload: bool
) -> None:
    device = await new_device(server=mortal)
    device.faults.expect(*AWAY)
    async with mortal_team.working(echo) as worker:
        chat = await open_chat(device, worker)
        async with device.page.expect_response(lambda answer: answer.url.endswith("/a2a") and answer.ok):
            await chat.send("Letter 1.")
        await killed(mortal)
        await answered(chat, mortal_team, reload)


@pytest.mark.parametrize("reload", [False, True], ids=["page stays", "page reloaded"])
async def test_the_server_is_killed_between_its_yes_and_the_answer(
    new_device: NewDevice, mortal: ServerProcess, mortal_team: Team, reload: bool
) -> None:
    device, gate = await new_device(server=mortal), Gate()
    device.faults.expect(*AWAY)
    async with mortal_team.working(gate.answer) as worker:
        chat = await open_chat(device, worker)
        await chat.send("Letter 1.")
        await expect(chat.log.get_by_text("half way")).to_be_visible()
        await killed(mortal)
        gate.open.set()
        await answered(chat, mortal_team, reload)


@pytest.mark.parametrize("reload", [False, True], ids=["page stays", "page reloaded"])
async def test_the_server_is_killed_while_the_answer_streams(
    new_device: NewDevice, mortal: ServerProcess, mortal_team: Team, reload: bool
) -> None:
    device, stream = await new_device(server=mortal), Stream()
    device.faults.expect(*AWAY)
    async with mortal_team.working(stream.answer) as worker:
        chat = await open_chat(device, worker)
        await chat.send("Letter 1.")
        await expect(chat.log.get_by_text("The first half, as it comes;")).to_be_visible()
        await killed(mortal)
        stream.open.set()
        await answered(chat, mortal_team, reload, "The first half, as it comes; and the second half.")


async def answers_survive(device: Device, team: Team, times: int, strike: Callable[[ServerProcess], Awaitable[None]] | None = None) -> None:
    """Reload the instant that an answer is seen, after what strikes the server then; page and API have all that was said, after each."""
    async with team.working(echo) as worker:
        chat = await open_chat(device, worker)
        for number in range(1, times + 1):
            await chat.send(f"Letter {number}.")
            await chat.shows(f"You said: Letter {number}.")
            if strike is not None:
                await strike(device.server)
            await device.page.reload()
            await chat.shows(f"You said: Letter {number}.")
            seen = read(await chat.drawn())
            assert seen == letters(range(1, number + 1))[-len(seen) :]
        await agree(chat, team, letters(range(1, times + 1)))


async def killed(server: ServerProcess) -> None:
    """kill -9, and a new life at the same address."""
    port = server.port
    server.kill()
    await asyncio.to_thread(server.start, port=port)


async def answered(chat: Chat, team: Team, reload: bool, answer: str = "You said: Letter 1.") -> None:
    """The letter and its answer are there, once each, and so after one more reload."""
    if reload:
        await chat.page.reload()
    for _ in range(2):
        await chat.shows(answer)
        assert [entry["content"] for entry in await team.history(chat.worker)] == ["Letter 1.", answer]
        await expect(chat.log.get_by_role("article")).to_have_count(2)
        await chat.page.reload()
