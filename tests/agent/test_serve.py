"""Agents that are called, served by the SDK: on a real server, and by themselves with the official A2A client."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from a2a.client import Client as A2AClient
from a2a.client import ClientConfig, ClientFactory
from a2a.helpers import get_stream_response_text, new_text_message
from a2a.types import CancelTaskRequest, GetTaskRequest, Role, SendMessageRequest, TaskState

from postroom.agent import Agent, Fail, File, Message, Retry, serve
from postroom.client import Client
from postroom.errors import SetupError, Unauthenticated
from tests.conftest import NewServer
from tests.crash.tracing import Traces
from tests.support.ports import free_port
from tests.support.server import ServerProcess, make_agent

# The handler's effect is a line on the disk, before anything else; "die" kills the process at the first attempt.
SERVED = """
import os, signal, sys
from postroom.agent import Agent, serve

agent = Agent("Served")

@agent.on_message
async def handle(message):
    with open(sys.argv[1], "a") as effects:
        effects.write(f"{message.text} {message.attempt}\\n")
    if message.text == "die" and message.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return f"answer to {message.text}"

serve.run(agent, port=int(sys.argv[2]))
"""


@asynccontextmanager
async def serving(agent: Agent, **where: Any) -> AsyncGenerator[None]:
    """Until the block ends; the agent is there at its beginning."""
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(serve.serve(agent, **where))
        try:
            yield
        finally:
            agent.stop()


async def called(operator: Client, server: ServerProcess, name: str, state: Path, **fields: Any) -> Agent:
    id, token = await make_agent(operator, name, delivery_mode="push", **fields)
    return Agent(name, url=server.url, token=token, workspace_id=id, state=state, grace=5.0)


async def test_a_called_agent_answers_with_what_its_handler_returns(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    agent = await called(operator, server, "Served", tmp_path)

    @agent.on_message
    async def handle(message: Message) -> list[str | File]:
        return [f"{message.sender.name} said {message.text}, attempt {message.attempt}", File("n.txt", await message.files[0].read() * 2)]

    async with serving(agent):
        given = [{"text": "hello"}, {"raw": "YWI=", "filename": "ab.txt"}]
        sent = await operator.send(agent.workspace_id, {"parts": given}, wait=30)
        seen = await operator.workspace(agent.workspace_id)
    assert sent.state == "replied"
    assert (sent.message or {})["parts"] == [
        {"text": "Operator said hello, attempt 1"},
        {"raw": "YWJhYg==", "filename": "n.txt", "mediaType": "text/plain"},
    ]
    assert seen["url"].startswith("http://127.0.0.1:")
    assert seen["agent_card"]["capabilities"]["streaming"] is True


async def test_what_a_called_agent_yields_is_shown_live(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    agent, shown = await called(operator, server, "Live", tmp_path), asyncio.Event()

    @agent.on_message
    async def handle(_: Message) -> AsyncGenerator[str]:
        yield "so far, "
        await shown.wait()
        yield "so good"

    async with serving(agent), asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(operator.send(agent.workspace_id, "hello", wait=40))
        while not (rows := await operator.activity(agent.workspace_id, type="message.progress")):
            await asyncio.sleep(0.05)
        shown.set()
        sent = await sending
    assert rows[0]["payload"]["parts"] == [{"text": "so far, ", "metadata": {"postroom.append": True}}]
    assert sent.text == "so far, so good"


async def test_a_cancel_reaches_the_handler_of_a_called_agent(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    agent, begun, stopped = await called(operator, server, "Unwanted", tmp_path), asyncio.Event(), asyncio.Event()

    @agent.on_message
    async def handle(_: Message) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with serving(agent):
        sent = await operator.send(agent.workspace_id, "hello", wait=None)
        await begun.wait()
        await operator.cancel(agent.workspace_id, sent.message_id)
        await stopped.wait()
        while (task := await operator.task(agent.workspace_id, sent.message_id))["status"]["state"] != "TASK_STATE_CANCELED":
            await asyncio.sleep(0.05)
    assert task["metadata"]["postroom.state"] == "cancelled"


@pytest.mark.parametrize(
    ("error", "state", "detail"),
    [(Fail("not today"), "failed", "not today"), (ValueError("no such customer"), "failed", "ValueError: no such customer")],
)
async def test_what_a_handler_raises_fails_the_message(
    server: ServerProcess, operator: Client, tmp_path: Path, error: Exception, state: str, detail: str
) -> None:
    agent = await called(operator, server, "Failing", tmp_path)

    @agent.on_message
    def handle(_: Message) -> str:
        raise error

    async with serving(agent):
        sent = await operator.send(agent.workspace_id, "hello", wait=30)
    assert (sent.state, (sent.error or {})["detail"]) == (state, detail)


async def test_retry_has_the_message_handed_out_again(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    agent = await called(operator, server, "Again", tmp_path)

    @agent.on_message
    async def handle(message: Message) -> str:
        if message.attempt == 1:
            raise Retry("come back later")
        return "second time"

    async with serving(agent):
        sent = await operator.send(agent.workspace_id, "hello", wait=30)
    assert sent.text == "second time"


async def test_the_server_is_killed_during_the_work_and_the_handler_runs_once(new_server: NewServer, tmp_path: Path) -> None:
    server = new_server(poll_seconds="0.2", backoff_seconds="0.1").start()
    port, runs, begun, go_on = server.port, list[Message](), asyncio.Event(), asyncio.Event()
    async with server.client() as operator, asyncio.TaskGroup() as tasks:
        agent = await called(operator, server, "Working", tmp_path)

        @agent.on_message
        async def handle(message: Message) -> str:
            runs.append(message)
            begun.set()
            await go_on.wait()
            return "worked on"

        async with serving(agent):
            sending = tasks.create_task(operator.send(agent.workspace_id, "hello", wait=50))
            await begun.wait()
            server.kill()
            await asyncio.to_thread(server.start, port=port)
            while (await operator.task(agent.workspace_id, runs[0].id))["metadata"].get("postroom.attempt") != 2:
                await asyncio.sleep(0.05)
            go_on.set()
            sent = await sending
    assert sent.text == "worked on"
    assert len(runs) == 1


async def test_the_address_is_announced_when_the_server_is_there(new_server: NewServer, tmp_path: Path) -> None:
    server = new_server().start()
    port = server.port
    async with server.client() as operator:
        agent = await called(operator, server, "Early", tmp_path)
        server.kill()

        @agent.on_message
        async def handle(_: Message) -> str:
            return "here I am"

        async with serving(agent):
            await asyncio.to_thread(server.start, port=port)
            assert (await operator.send(agent.workspace_id, "hello", wait=40)).text == "here I am"


async def test_killed_in_its_work_the_message_comes_again(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    id, token = await make_agent(operator, "Dying", delivery_mode="push")
    port, effects = free_port(), tmp_path / "effects"
    async with asyncio.TaskGroup() as tasks:
        with served(server, id, token, tmp_path, port) as first:
            sending = tasks.create_task(operator.send(id, "die", wait=50))
            assert await asyncio.to_thread(first.wait, 40) == -signal.SIGKILL
        with served(server, id, token, tmp_path, port):
            sent = await sending
    assert sent.text == "answer to die"
    assert effects.read_text() == "die 1\ndie 2\n"


async def test_killed_with_its_answer_on_the_disk_the_handler_does_not_run_again(
    server: ServerProcess, operator: Client, tmp_path: Path
) -> None:
    id, token = await make_agent(operator, "Stored", delivery_mode="push")
    port, effects = free_port(), tmp_path / "effects"
    plan = Traces(tmp_path).plan("served", "agent.stored hit=1 kill")
    async with asyncio.TaskGroup() as tasks:
        with served(server, id, token, tmp_path, port, **plan) as first:
            sending = tasks.create_task(operator.send(id, "pay once", wait=50))
            assert await asyncio.to_thread(first.wait, 40) == -signal.SIGKILL
        with served(server, id, token, tmp_path, port):
            sent = await sending
    assert sent.text == "answer to pay once"
    assert effects.read_text() == "pay once 1\n"


async def test_what_is_not_done_when_the_agent_stops_is_handed_to_the_next_process(
    server: ServerProcess, operator: Client, tmp_path: Path
) -> None:
    first = await called(operator, server, "Stopping", tmp_path)
    second = Agent("Next", url=first.url, token=first._token, workspace_id=first.workspace_id, state=tmp_path)
    first._grace, begun = 0.1, asyncio.Event()

    @first.on_message
    async def hang(_: Message) -> None:
        begun.set()
        await asyncio.Event().wait()

    @second.on_message
    async def handle(message: Message) -> str:
        return f"attempt {message.attempt}"

    async with asyncio.TaskGroup() as tasks:
        async with serving(first):
            sending = tasks.create_task(operator.send(first.workspace_id, "hello", wait=50))
            await begun.wait()
        async with serving(second):
            sent = await sending
    assert sent.text == "attempt 2"


async def test_the_official_client_follows_a_task_and_finds_it_again(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    agent = await called(operator, server, "Telling", tmp_path)

    @agent.on_message
    async def handle(message: Message) -> AsyncGenerator[str]:
        yield f"{message.sender.kind}: "
        yield message.text

    port = free_port()
    async with serving(agent, port=port):
        await _is_there(port)
        async with a2a_client(port) as client:
            events = [event async for event in client.send_message(_request("hello"))]
            texts = [get_stream_response_text(event) for event in events]
            task = await client.get_task(GetTaskRequest(id=events[0].task.id))
    assert events[0].task.status.state == TaskState.TASK_STATE_WORKING
    assert "unknown: hello" in texts
    assert events[-1].status_update.status.state == TaskState.TASK_STATE_COMPLETED
    assert task.artifacts[0].parts[0].text == "unknown: hello"


async def test_the_official_client_cancels_a_task_and_the_handler_stops(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    agent = await called(operator, server, "Endless", tmp_path)
    begun, stopped = asyncio.Event(), asyncio.Event()

    @agent.on_message
    async def handle(_: Message) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    port = free_port()
    async with serving(agent, port=port):
        await _is_there(port)
        async with a2a_client(port) as client:
            first = await anext(aiter(client.send_message(_request("hello"))))
            await begun.wait()
            task = await client.cancel_task(CancelTaskRequest(id=first.task.id))
            await stopped.wait()
    assert task.status.state == TaskState.TASK_STATE_CANCELED


async def test_a_credential_that_ended_ends_the_agent_with_that_error(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    id, _ = await make_agent(operator, "Expelled", delivery_mode="push")
    agent = Agent("Expelled", url=server.url, token="prw_not_a_token", workspace_id=id, state=tmp_path)
    agent.on_message(echo)
    async with asyncio.timeout(30):
        with pytest.raises(Unauthenticated):
            await serve.serve(agent)


async def test_what_a_stranger_says_in_postrooms_name_is_refused(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    agent, port = await called(operator, server, "Wary", tmp_path), free_port()
    agent.on_message(echo)
    message = {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "hello"}], "metadata": {"postroom": {"sender": {"id": 1}}}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}}
    async with serving(agent, port=port), httpx.AsyncClient(trust_env=False, timeout=30) as http:
        await _is_there(port)
        answers = [
            (await http.post(f"http://127.0.0.1:{port}/", json=body, headers={"A2A-Version": "1.0", **headers})).json()
            for headers in ({}, {"Idempotency-Key": "k" * 201})
        ]
    assert [answer["error"]["code"] for answer in answers] == [-32602, -32602]


def test_an_address_that_nobody_can_call_is_refused(tmp_path: Path) -> None:
    agent = Agent("Nowhere", url="http://127.0.0.1:1", token="t", workspace_id="w", state=tmp_path)
    agent.on_message(echo)
    with pytest.raises(SetupError, match="no address to be called at"):
        asyncio.run(serve.serve(agent, host="0.0.0.0"))  # noqa: S104 - it is refused


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    agent = Agent("Taken", url="http://127.0.0.1:1", token="t", workspace_id="w", state=tmp_path)
    agent.on_message(echo)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SetupError, match="can not listen"):
        asyncio.run(serve.serve(agent, port=taken.getsockname()[1]))


def echo(message: Message) -> str:
    return message.text


@contextmanager
def served(server: ServerProcess, id: str, token: str, state: Path, port: int, **environment: str) -> Generator[subprocess.Popen[bytes]]:
    """SERVED in a process of its own, killed at the end of the block."""
    settings = {"POSTROOM_URL": server.url, "POSTROOM_TOKEN": token, "POSTROOM_WORKSPACE_ID": id, "POSTROOM_STATE": str(state)}
    command = [sys.executable, "-c", SERVED, str(state / "effects"), str(port)]
    process = subprocess.Popen(command, env={**os.environ, **settings, **environment})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def a2a_client(port: int) -> AsyncGenerator[A2AClient]:
    """The official client, with streaming, set up from the card at its well-known place."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        config = ClientConfig(httpx_client=http, streaming=True)
        async with await ClientFactory(config).create_from_url(f"http://127.0.0.1:{port}") as client:
            yield client


async def _is_there(port: int) -> None:
    """The port is taken before anybody answers, so a first connection waits instead of failing."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        (await http.get(f"http://127.0.0.1:{port}/.well-known/agent-card.json")).raise_for_status()


def _request(text: str) -> SendMessageRequest:
    return SendMessageRequest(message=new_text_message(text, role=Role.ROLE_USER))
