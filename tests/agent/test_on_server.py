"""SDK and programs on a real Postroom server, which goes away and comes back in the middle of work."""

import asyncio
import logging
import random
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

import postroom
from postroom.agent import Agent, File, KeptFile, Message, run_command, take_place
from postroom.client import Client
from postroom.errors import Conflict, Forbidden
from tests.conftest import NewServer
from tests.support.server import ServerProcess, make_agent, wait_for

EXAMPLES = Path(postroom.__file__).parent / "examples"


@asynccontextmanager
async def serving(agent: Agent) -> AsyncGenerator[None]:
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(agent.serve())
        try:
            yield
        finally:
            agent.stop()


async def test_a_sent_message_is_answered(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    id, token = await make_agent(operator, "Answerer")
    agent = Agent("Answerer", url=server.url, token=token, workspace_id=id, state=tmp_path)

    @agent.on_message
    async def handle(message: Message) -> str:
        await message.progress("half way")
        return f"{message.sender.kind} said {message.text}"

    async with serving(agent):
        sent = await operator.send(id, "hello", wait=20)
    assert (sent.state, sent.text) == ("replied", "operator said hello")
    assert (await operator.workspace(id))["agent_card"]["name"] == "Answerer"


async def test_what_is_yielded_is_shown_as_pieces_of_the_answer(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    id, token = await make_agent(operator, "Streaming")
    agent, shown = Agent("Streaming", url=server.url, token=token, workspace_id=id, state=tmp_path), asyncio.Event()

    @agent.on_message
    async def handle(message: Message) -> AsyncGenerator[str]:
        yield "one, "
        await shown.wait()
        yield "two"

    async with serving(agent), asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(operator.send(id, "count", wait=20))
        while not (rows := await operator.activity(id, type="message.progress")):
            await asyncio.sleep(0.05)
        shown.set()
        sent = await sending
    assert sent.text == "one, two"
    assert rows[0]["payload"]["parts"] == [{"text": "one, ", "metadata": {"postroom.append": True}}]


async def test_files_come_in_and_go_out(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    id, token = await make_agent(operator, "Filing")
    agent = Agent("Filing", url=server.url, token=token, workspace_id=id, state=tmp_path)

    @agent.on_message
    async def handle(message: Message) -> list[str | File]:
        turned = [File(f"copy of {file.name}", (await file.read())[::-1], file.media_type) for file in message.files]
        return [message.text, *turned]

    given = [
        {"text": "turn it"},
        {"raw": "AAEC", "filename": "bytes.bin", "mediaType": "application/x-test"},
        {"url": "https://example.org/"},
    ]
    async with serving(agent):
        sent = await operator.send(id, {"parts": given}, wait=20)
    assert (sent.message or {})["parts"] == [
        {"text": "turn it"},
        {"raw": "AgEA", "filename": "copy of bytes.bin", "mediaType": "application/x-test"},
    ]


async def test_large_files_come_in_and_go_out(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    """Named and not carried: the handler reads them, passes one on as it is, and answers with more than a reply may hold."""
    id, token = await make_agent(operator, "Filing")
    agent = Agent("Filing", url=server.url, token=token, workspace_id=id, state=tmp_path)

    @agent.on_message
    def handle(message: Message) -> list[File | KeptFile]:
        (file,) = message.files
        return [file, File("turned", message.read_from_thread(file)[::-1], "image/png"), File("small", b"small")]

    content = random.randbytes(12 * 1024 * 1024)
    kept = await operator.upload("photo.png", content)
    async with serving(agent):
        sent = await operator.send(id, {"parts": [{"url": kept["url"]}]}, wait=60)
    same, turned, small = sent.parts
    assert (same["url"], same["filename"], same["mediaType"]) == (kept["url"], "photo.png", "image/png")
    assert (turned["filename"], turned["mediaType"], turned["metadata"]["postroom.size"]) == ("turned", "image/png", len(content))
    assert await operator.download(turned["url"]) == content[::-1]
    assert small["raw"] == "c21hbGw="


async def test_a_file_that_is_too_large_fails_the_message_and_says_so(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    id, token = await make_agent(operator, "Large")
    agent = Agent("Large", url=server.url, token=token, workspace_id=id, state=tmp_path)

    @agent.on_message
    async def handle(_: Message) -> File:
        return File("zeros", bytes(25 * 1024 * 1024 + 1))

    async with serving(agent):
        sent = await operator.send(id, "all of it", wait=60)
    assert sent.state == "failed"
    assert "26214400 bytes" in (sent.error or {})["detail"]


async def test_a_failure_reaches_the_sender_with_its_reason(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    id, token = await make_agent(operator, "Failing")
    agent = Agent("Failing", url=server.url, token=token, workspace_id=id, state=tmp_path)

    @agent.on_message
    def handle(_: Message) -> str:
        raise ValueError("no such customer")

    async with serving(agent):
        sent = await operator.send(id, "hello", wait=20)
    assert sent.state == "failed"
    assert (sent.error or {})["detail"] == "ValueError: no such customer"


async def test_a_cancel_stops_the_handler_and_the_task_is_cancelled(
    server: ServerProcess, operator: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroom.agent.presence.SHORTEST_PAUSE", 0.2)
    monkeypatch.setattr("postroom.agent.presence.SPREAD", 0.0)
    id, token = await make_agent(operator, "Cancelled")
    agent = Agent("Cancelled", url=server.url, token=token, workspace_id=id, state=tmp_path)
    begun = asyncio.Event()

    @agent.on_message
    async def handle(_: Message) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with serving(agent):
        sent = await operator.send(id, "hello", wait=None)
        await begun.wait()
        await operator.cancel(id, sent.message_id)
        state = ""
        while state != "TASK_STATE_CANCELED":
            state = (await operator.task(id, sent.message_id))["status"]["state"]
            await asyncio.sleep(0.05)


async def test_a_handler_that_shows_progress_hears_of_a_cancel_with_it(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    id, token = await make_agent(operator, "Talkative")
    agent = Agent("Talkative", url=server.url, token=token, workspace_id=id, state=tmp_path)
    begun, go_on = asyncio.Event(), asyncio.Event()

    @agent.on_message
    async def handle(message: Message) -> str:
        begun.set()
        await go_on.wait()
        await message.progress("half way")
        await asyncio.sleep(0)
        return "done all the same"

    async with serving(agent):
        sent = await operator.send(id, "hello", wait=None)
        await begun.wait()
        await operator.cancel(id, sent.message_id)
        go_on.set()
        async with asyncio.timeout(30):
            while (state := (await operator.task(id, sent.message_id))["status"]["state"]) == "TASK_STATE_WORKING":
                await asyncio.sleep(0.05)
    assert state == "TASK_STATE_CANCELED"


async def test_u3_u4_the_server_is_killed_during_the_work_and_the_sender_still_gets_the_one_answer(
    new_server: NewServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = new_server().start()
    caplog.set_level(logging.INFO, "postroom.agent.contact")
    port = int(server.url.rpartition(":")[2])
    runs, begun, go_on = list[str](), asyncio.Event(), asyncio.Event()
    async with server.client() as operator:
        id, token = await make_agent(operator, "Working")
        agent = Agent("Working", url=server.url, token=token, workspace_id=id, state=tmp_path)

        @agent.on_message
        async def handle(message: Message) -> str:
            runs.append(message.id)
            begun.set()
            await go_on.wait()
            return "computed while the server was away"

        async with serving(agent), asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(operator.send(id, "hello", wait=50))
            await begun.wait()
            await asyncio.to_thread(wait_for, lambda: "is in at" in caplog.text, 30, "the agent tells that it is in")
            server.kill()
            go_on.set()
            while not list((tmp_path / "waiting").glob("*.json")):
                await asyncio.sleep(0.01)
            await asyncio.to_thread(server.start, port=port)
            await asyncio.to_thread(wait_for, lambda: "is back" in caplog.text, 30, "the agent tells that the server is back")
        sent = sending.result()
    assert (sent.state, sent.text) == ("replied", "computed while the server was away")
    assert runs == [sent.message_id]
    told = [(record.levelname, record.message.split(", ")[0]) for record in caplog.records if record.name == "postroom.agent.contact"]
    assert told == [
        ("INFO", f"'Working' is in at {server.url}"),
        ("WARNING", f"the server at {server.url} is lost"),
        ("INFO", f"the server at {server.url} is back"),
    ]
    assert caplog.text.count(f"the reply to message {sent.message_id} is kept") == 1


async def test_asking_a_peer_and_asking_again_gives_the_same_answer(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    head, head_token = await make_agent(operator, "Head")
    helper, helper_token = await make_agent(operator, "Helper-of-Head", parent_id=head)
    asking = Agent("Head", url=server.url, token=head_token, workspace_id=head, state=tmp_path / "head")
    helping = Agent("Helper", url=server.url, token=helper_token, workspace_id=helper, state=tmp_path / "helper")
    heard = list[str]()

    @asking.on_message
    async def ask(message: Message) -> str:
        return await asking.ask("Helper-of-Head", message.text)

    @helping.on_message
    async def answer(message: Message) -> str:
        heard.append(message.sender.name)
        return message.text[::-1]

    async with serving(asking), serving(helping):
        sent = await operator.send(head, "abc", wait=20)
    assert sent.text == "cba"
    assert heard == ["Head"]


async def test_clerk_is_a_program_run_as_an_agent(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    place = await take_place(server.url, server.operator_token, "Clerk for a test", state=tmp_path)
    command = [sys.executable, str(EXAMPLES / "clerk.py")]
    async with asyncio.timeout(40), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(
            run_command(command, url=server.url, workspace_id=place.workspace_id, token=place.token, state=tmp_path / "state")
        )
        sent = await operator.send(place.workspace_id, "3 apples\nand 4.5 pears", wait=20)
        running.cancel()
    assert sent.text == "lines: 2\nwords: 5\nnumbers: 2, sum 7.5\n"


async def test_a_place_is_made_once_and_found_again(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    first = await take_place(server.url, server.operator_token, "Place once", state=tmp_path)
    again = await take_place(server.url, server.operator_token, "Place once", state=tmp_path)
    elsewhere = await take_place(server.url, server.operator_token, "Place once", state=tmp_path / "other machine")
    assert first == again
    assert (elsewhere.workspace_id == first.workspace_id, elsewhere.token == first.token) == (True, False)
    files = [file for file in tmp_path.rglob("*.json") if file.is_file()]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


async def test_a_name_that_several_bear_is_no_place(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    name = f"Twin {uuid4()}"
    made = [await make_agent(operator, name) for _ in range(2)]
    with pytest.raises(Conflict) as caught:
        await take_place(server.url, server.operator_token, name, state=tmp_path)
    assert sorted(caught.value.data["ids"]) == sorted(id for id, _ in made)


async def test_a_workspace_makes_no_place_for_others(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    _, token = await make_agent(operator, "Small")
    with pytest.raises(Forbidden):
        await take_place(server.url, token, "Large", state=tmp_path)


async def test_the_feed_shows_a_message_from_accept_to_reply(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    id, token = await make_agent(operator, "Watched")
    agent = Agent("Watched", url=server.url, token=token, workspace_id=id, state=tmp_path)

    @agent.on_message
    async def handle(message: Message) -> str:
        return message.text

    start = (await operator.activity(id))[-1]["cursor"]
    async with serving(agent), asyncio.TaskGroup() as tasks:
        tasks.create_task(operator.send(id, "hello", wait=20))
        seen = list[str]()
        async for frame in operator.events(id, cursor=start):
            seen.append(frame.event)
            if frame.event == "message.replied":
                break
    assert seen.index("message.accepted") < seen.index("message.handed") < seen.index("message.replied")


async def test_an_example_stops_cleanly_and_gives_its_message_back(server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    id, token = await make_agent(operator, "Slow for a test")
    environment = {"POSTROOM_URL": server.url, "POSTROOM_TOKEN": token, "POSTROOM_WORKSPACE_ID": id, "POSTROOM_STATE": str(tmp_path)}
    async with asyncio.timeout(50):
        slow = await asyncio.create_subprocess_exec(
            sys.executable, str(EXAMPLES / "slow.py"), "--seconds", "300", env=environment, stderr=asyncio.subprocess.PIPE
        )
        sent = await operator.send(id, "take your time", wait=None)
        while (await operator.task(id, sent.message_id))["status"]["state"] != "TASK_STATE_WORKING":
            await asyncio.sleep(0.05)
        slow.send_signal(signal.SIGTERM)
        _, printed = await slow.communicate()
        assert slow.returncode == 0
        assert f"'Slow for a test' is in at {server.url}, fetching its post (workspace {id})" in printed.decode()
        events = [row["event"] for row in await operator.activity(id)]
    assert events[-1] == "message.released"
