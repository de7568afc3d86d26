"""What a killed agent held comes again when the agent does, not when the lease has run out."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from postroom.agent import Agent, Message
from postroom.client import Client
from tests.agent.test_on_server import serving
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
