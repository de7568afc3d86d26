"""Nobody can tell from the outside whether an agent is called or fetches: what it says on the way is seen in the same places."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from postroom.agent import Agent, Message, serve
from postroom.cli.waiting import Sightings, Waiting, following
from postroom.client import Client, Delegation
from tests.support.ports import free_port
from tests.support.server import ServerProcess, make_agent

Json = dict[str, Any]

# Attempt 1 says a word and hangs; what is done is a line on the disk.
HANGING = """
import sys, time
from postroom.agent import Agent, serve

agent = Agent("Hanging")

@agent.on_message
def handle(message):
    with open(sys.argv[1], "a") as effects:
        effects.write(f"{message.id} {message.attempt}\\n")
    message.progress_from_thread(f"at it, attempt {message.attempt}")
    if message.attempt == 1:
        time.sleep(600)
    return f"done in attempt {message.attempt}"

serve.run(agent, port=int(sys.argv[2]))
"""


@asynccontextmanager
async def working(agent: Agent, mode: str) -> AsyncGenerator[None]:
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(serve.serve(agent) if mode == "push" else agent.serve())
        try:
            yield
        finally:
            agent.stop()


@pytest.mark.parametrize("mode", ["push", "poll"])
async def test_words_of_the_callee_are_seen_in_the_delegation_the_feed_and_by_who_waits(
    server: ServerProcess, operator: Client, tmp_path: Path, mode: str
) -> None:
    lead, lead_token = await make_agent(operator, "Lead")
    id, token = await make_agent(operator, "Callee", parent_id=lead, delivery_mode=mode)
    agent, seen = Agent("Callee", url=server.url, token=token, workspace_id=id, state=tmp_path, grace=5.0), asyncio.Event()

    @agent.on_message
    async def handle(message: Message) -> str:
        await message.progress("reading the file")
        await seen.wait()
        await message.progress("one more")
        await message.progress("and another")
        return "read"

    async with server.client(lead_token) as client, working(agent, mode), following(operator, await operator.workspace(id)) as sightings:
        asked = await client.delegate(lead, id, "read the file")
        await _until(lambda: _progress_is(client, lead, asked, "reading the file"))
        waiting = Waiting(await operator.workspace(id), asked.id, sightings)
        await _until(lambda: _sees(sightings, asked.id, "reading the file"))
        assert "Callee is working on it: reading the file" in str(waiting)
        seen.set()
        await _until(lambda: _has_ended(client, lead, asked))
        rows = await operator.activity(id, type="message.progress")
    assert [part["text"] for row in rows for part in row["payload"]["parts"]] == ["reading the file", "one more", "and another"]


async def test_killed_while_it_streams_the_same_message_comes_again_and_is_answered_once(
    server: ServerProcess, operator: Client, tmp_path: Path
) -> None:
    id, token = await make_agent(operator, "Hanging", delivery_mode="push")
    port, effects = free_port(), tmp_path / "effects"
    async with asyncio.timeout(90), asyncio.TaskGroup() as tasks:
        with hanging(server, id, token, tmp_path, port):
            sending = tasks.create_task(operator.send(id, "go", wait=80))
            await _until(lambda: _is_told(operator, id, "at it, attempt 1"))
        with hanging(server, id, token, tmp_path, port):
            sent = await sending
    assert sent.text == "done in attempt 2"
    assert effects.read_text() == f"{sent.message_id} 1\n{sent.message_id} 2\n"
    said = (await operator.chat_history(id))["messages"]
    assert [(line["role"], line["content"]) for line in said] == [("user", "go"), ("agent", "done in attempt 2")]
    assert await _is_told(operator, id, "at it, attempt 2")


@contextmanager
def hanging(server: ServerProcess, id: str, token: str, state: Path, port: int) -> Generator[None]:
    """HANGING in a process of its own; kill -9 at the end of the block."""
    settings = {"POSTROOM_URL": server.url, "POSTROOM_TOKEN": token, "POSTROOM_WORKSPACE_ID": id, "POSTROOM_STATE": str(state)}
    process = subprocess.Popen([sys.executable, "-c", HANGING, str(state / "effects"), str(port)], env={**os.environ, **settings})
    try:
        yield
    finally:
        process.kill()
        process.wait()


async def _progress_is(client: Client, lead: str, asked: Delegation, text: str) -> bool:
    told: Json | None = (await client.delegation(lead, asked.id)).row["progress"]
    return told is not None and told["text"] == text


async def _has_ended(client: Client, lead: str, asked: Delegation) -> bool:
    return (await client.delegation(lead, asked.id)).ended


async def _sees(sightings: Sightings, message_id: str, words: str) -> bool:
    return words in (sightings.of(message_id) or "")


async def _is_told(operator: Client, id: str, text: str) -> bool:
    rows = await operator.activity(id, type="message.progress")
    return any(part["text"] == text for row in rows for part in row["payload"]["parts"])


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(50):
        while not await holds():
            await asyncio.sleep(0.05)
