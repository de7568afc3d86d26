"""What a killed agent held comes again when the agent does, not when the lease has run out."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from postroom.agent import Agent, Message
from postroom.agent.store import Kept, ReplyStore
from postroom.client import Client
from tests.agent.test_on_server import serving
from tests.conftest import NewServer
from tests.support.server import ServerProcess, make_agent, wait_for

_AGENT = """
import asyncio, pathlib
from postroom.agent import Agent
agent = Agent("Held", state=pathlib.Path({state!r}), lease=600)
@agent.on_message
async def handle(message):
    open({flag!r}, "w").close()
    await asyncio.Event().wait()
agent.run()
"""


async def test_agent_that_stops_while_the_server_is_away_leaves_its_notes(new_server: NewServer, tmp_path: Path) -> None:
    server = new_server().start()
    port = int(server.url.rpartition(":")[2])
    attempts, begun = list[int](), asyncio.Event()
    async with server.client() as operator:
        id, token = await make_agent(operator, "Left")
        agents = [Agent("Left", url=server.url, token=token, workspace_id=id, state=tmp_path, lease=600, grace=0.1) for _ in range(2)]

        @agents[0].on_message
        async def wait(_: Message) -> None:
            begun.set()
            await asyncio.Event().wait()

        @agents[1].on_message
        async def answer(message: Message) -> str:
            attempts.append(message.attempt)
            return "done"

        async with serving(agents[0]):
            sent = await operator.send(id, "hello", wait=None)
            await begun.wait()
            server.kill()
        [noted] = (tmp_path / "held").iterdir()
        # The next process; this one lives on, so its notes are put under the name of one that does not.
        noted.rename(noted.with_name("1-0"))
        await asyncio.to_thread(server.start, port=port)
        async with serving(agents[1]):
            while (await operator.task(id, sent.message_id))["status"]["state"] != "TASK_STATE_COMPLETED":
                await asyncio.sleep(0.05)
    assert attempts == [2]


async def test_reply_that_another_process_left_is_sent_by_one_that_runs(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    id, token = await make_agent(operator, "Heir")
    sent = await operator.send(id, "hello", wait=None)
    async with server.client(token) as other:
        [item] = await other.claim(id, lease=600)
    heir = Agent("Heir", url=server.url, token=token, workspace_id=id, state=tmp_path)

    @heir.on_message
    async def handle(_: Message) -> str:
        raise AssertionError("nothing is handed out: the other process holds it")

    async with serving(heir):
        await asyncio.to_thread(wait_for, (tmp_path / "held").exists, 10, "the heir runs")
        ReplyStore(tmp_path).put(Kept(workspace_id=id, message_id=item.message_id, token=item.token, fields={"text": "left behind"}))
        while (await operator.task(id, sent.message_id))["status"]["state"] != "TASK_STATE_COMPLETED":
            await asyncio.sleep(0.05)


async def test_message_of_a_killed_agent_is_handed_again_when_it_comes_back(
    server: ServerProcess, operator: Client, tmp_path: Path
) -> None:
    id, token = await make_agent(operator, "Held")
    flag = tmp_path / "began"
    code = _AGENT.format(state=str(tmp_path / "state"), flag=str(flag))
    environ = {**os.environ, "POSTROOM_URL": server.url, "POSTROOM_TOKEN": token, "POSTROOM_WORKSPACE_ID": id}
    process = subprocess.Popen([sys.executable, "-c", code], env=environ)
    sent = await operator.send(id, "hello", wait=None)
    await asyncio.to_thread(wait_for, flag.exists, 20, "the agent began")
    process.kill()
    process.wait()

    again = Agent("Held", url=server.url, token=token, workspace_id=id, state=tmp_path / "state")
    attempts = list[int]()

    @again.on_message
    async def handle(message: Message) -> str:
        attempts.append(message.attempt)
        return "done by the next one"

    async with serving(again):
        # Its lease lasts ten minutes: only the note on the disk brings it back.
        while (await operator.task(id, sent.message_id))["status"]["state"] != "TASK_STATE_COMPLETED":
            await asyncio.sleep(0.05)
    assert attempts == [2]
    assert list((tmp_path / "state" / "held").iterdir()) == []
