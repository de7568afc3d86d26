"""Each adapter of examples/ as a user runs it: a process of its own, on a real server, in a team.

No model is asked here: ``tests/support/openai_stub`` stands in for one, and answers as the OpenAI wire has it.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from postroom.client import Client
from postroom.client.talk import text_of
from tests.edges.agents import sdk_agent
from tests.support.openai_stub import OpenAiStub, openai_stub
from tests.support.server import ServerProcess, make_agent

EXAMPLES = Path(__file__).parents[2] / "examples"
MODELS = ["openai_agent.py", "langgraph_agent.py", "pydantic_ai_agent.py"]

# Frameworks take their time to be imported, on a machine that is busy most of all.
pytestmark = pytest.mark.timeout(120)
WAIT = 60.0


@pytest.fixture(scope="module")
def stub() -> Generator[OpenAiStub]:
    with openai_stub() as stub:
        yield stub


@contextmanager
def running(*command: str, server: ServerProcess, place: tuple[str, str], state: Path, **environment: str) -> Generator[None]:
    """An agent in a process of its own, killed at the end; what it wrote is shown when the block fails."""
    id, token = place
    settings = {"POSTROOM_URL": server.url, "POSTROOM_WORKSPACE_ID": id, "POSTROOM_TOKEN": token, "POSTROOM_STATE": str(state)}
    with (state / f"{id}.log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, **settings, **environment}, stdout=log, stderr=log, start_new_session=True)
    try:
        yield
        assert process.poll() is None, (state / f"{id}.log").read_text()
    finally:
        process.kill()
        process.wait()
        print((state / f"{id}.log").read_text())


@pytest.mark.parametrize("example", MODELS)
async def test_a_models_words_are_shown_as_they_come_and_are_the_answer(
    server: ServerProcess, operator: Client, stub: OpenAiStub, tmp_path: Path, example: str
) -> None:
    place = await make_agent(operator, "Model alone")
    with running(sys.executable, str(EXAMPLES / example), server=server, place=place, state=tmp_path, **stub.environment):
        async with asyncio.TaskGroup() as tasks:
            with stub.hesitating():
                sending = tasks.create_task(operator.send(place[0], "good morning to all of you", wait=WAIT))
                await _shown(operator, place[0], "You said: good morning to all of ")
            sent = await sending
    assert sent.text == "You said: good morning to all of you", sent.error
    assert stub.requests[-1]["stream"] is True


@pytest.mark.parametrize("example", MODELS)
async def test_a_model_asks_a_peer_that_is_a_shell_command(
    server: ServerProcess, operator: Client, stub: OpenAiStub, tmp_path: Path, example: str
) -> None:
    model = await make_agent(operator, "Model")
    shell = await make_agent(operator, "Shell", parent_id=model[0])
    command = [sys.executable, "-m", "postroom.cli", "agent", "run", "--name", "Shell", "--", "sh", "-c", "rev"]
    with (
        running(*command, server=server, place=shell, state=tmp_path),
        running(sys.executable, str(EXAMPLES / example), server=server, place=model, state=tmp_path, **stub.environment),
    ):
        sent = await operator.send(model[0], "ask Shell: stressed", wait=WAIT)
    assert (sent.text or "").strip() == "I was told: desserts", sent.error


@pytest.mark.parametrize("example", MODELS)
async def test_a_peer_that_is_not_there_is_told_to_the_model(
    server: ServerProcess, operator: Client, stub: OpenAiStub, tmp_path: Path, example: str
) -> None:
    place = await make_agent(operator, "Lonely model")
    with running(sys.executable, str(EXAMPLES / example), server=server, place=place, state=tmp_path, **stub.environment):
        sent = await operator.send(place[0], "ask Nobody: are you there", wait=WAIT)
    assert "no peer 'Nobody'" in (sent.text or ""), sent.error


async def test_a_server_of_any_make_is_announced_and_answers(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    place = await make_agent(operator, "Foreign", delivery_mode="push")
    with (
        sdk_agent() as agent,
        running(sys.executable, str(EXAMPLES / "announce.py"), agent.url, server=server, place=place, state=tmp_path),
    ):
        sent = await operator.send(place[0], "hello", wait=WAIT)
        seen = await operator.workspace(place[0])
    assert sent.text == "done: hello"
    assert (seen["status"], seen["url"], seen["agent_card"]["name"]) == ("online", agent.url, "a")


async def _shown(operator: Client, workspace_id: str, words: str) -> None:
    """Wait until this, and no more, is to be seen of the answer."""
    shown = ""
    async with asyncio.timeout(WAIT):
        while shown != words:
            await asyncio.sleep(0.05)
            rows = await operator.activity(workspace_id, type="message.progress")
            shown = "".join(text_of(row["payload"]["parts"]) for row in rows)
