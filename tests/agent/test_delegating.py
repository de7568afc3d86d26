"""Delegation from the SDK, on a real server: what is handed over, who answers, and that nothing is asked twice whoever dies in between."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from postroom.agent import Agent, AskFailed, File, KeptFile, Message, serve
from postroom.agent.delegating import Delegating
from postroom.client import Client
from postroom.errors import Refused
from tests.conftest import NewServer
from tests.support.server import ServerProcess, make_agent

# Delegates to the workspace in argv[1], and dies at its first attempt where argv[2] says.
DELEGATOR = """
import os, signal, sys
from postroom.agent import Agent

agent = Agent("Delegator", lease=10.0)

@agent.on_message
async def handle(message):
    def die(where):
        if message.attempt == 1 and sys.argv[2] == where:
            os.kill(os.getpid(), signal.SIGKILL)
    handle = await agent.delegate(sys.argv[1], "once")
    die("delegated")
    answer = await handle.result()
    die("answered")
    return f"{answer.text} {message.attempt}"

agent.run()
"""


class Team:
    """Two agents on one server: Head, and Hand below it. Their handlers are set before they begin."""

    def __init__(self, server: ServerProcess, state: Path, head: tuple[str, str], hand: tuple[str, str]) -> None:
        self.head = _agent("Head", server, state, head)
        self.hand = _agent("Hand", server, state, hand)

    @classmethod
    async def make(cls, server: ServerProcess, operator: Client, state: Path) -> "Team":
        head = await make_agent(operator, "Head")
        return cls(server, state, head, await make_agent(operator, "Hand", parent_id=head[0]))

    @asynccontextmanager
    async def working(self) -> AsyncGenerator[None]:
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            for agent in (self.head, self.hand):
                tasks.create_task(agent.serve())
            try:
                yield
            finally:
                self.head.stop()
                self.hand.stop()


def _agent(name: str, server: ServerProcess, state: Path, place: tuple[str, str]) -> Agent:
    return Agent(name, url=server.url, token=place[1], workspace_id=place[0], state=state / name, grace=5.0, concurrency=4)


@pytest.fixture
async def team(server: ServerProcess, operator: Client, tmp_path: Path) -> Team:
    return await Team.make(server, operator, tmp_path)


async def test_work_is_handed_over_and_its_answer_comes_with_its_files(team: Team, operator: Client) -> None:
    chains = list[list[str]]()

    @team.head.on_message
    async def lead(message: Message) -> list[str | File | KeptFile]:
        handle = await team.head.delegate("Hand", ["turn it", File("abc.txt", b"abc")], deadline_seconds=60)
        answer = await handle.result()
        assert (await handle.look()).status == "completed"
        return [f"{handle.id} {answer.text}", *answer.files]

    @team.hand.on_message
    async def turn(message: Message) -> list[str | File | KeptFile]:
        chains.append([place["name"] for place in message.chain])
        return ["turned", *[File(file.name, (await file.read())[::-1], file.media_type) for file in message.files]]

    async with team.working():
        sent = await operator.send(team.head.workspace_id, "begin", wait=40)
        (known,) = await operator.delegations(team.head.workspace_id)
    assert (sent.message or {})["parts"] == [
        {"text": f"{known.id} turned"},
        {"raw": "Y2Jh", "filename": "abc.txt", "mediaType": "text/plain"},
    ]
    assert known.row["on_behalf_of"] == sent.message_id
    assert chains == [["Head"]]


async def test_the_same_work_handed_over_twice_is_done_twice(team: Team, operator: Client) -> None:
    done = list[str]()

    @team.head.on_message
    async def lead(_: Message) -> str:
        first, second = await team.head.delegate("Hand", "again"), await team.head.delegate("Hand", "again")
        return f"{(await first.result()).text} {(await second.result()).text}"

    @team.hand.on_message
    async def count(message: Message) -> str:
        done.append(message.id)
        return str(len(done))

    async with team.working():
        assert (await operator.send(team.head.workspace_id, "begin", wait=40)).text == "1 2"


async def test_two_messages_at_a_time_delegate_each_on_its_own_behalf(team: Team, operator: Client) -> None:
    await operator.update_workspace(team.head.workspace_id, max_concurrent=2)
    both = asyncio.Barrier(2)

    @team.head.on_message
    async def lead(message: Message) -> str:
        await both.wait()
        return (await team.head.delegate("Hand", message.id)).id

    @team.hand.on_message
    async def work(_: Message) -> None: ...

    async with team.working(), asyncio.TaskGroup() as tasks:
        sends = [tasks.create_task(operator.send(team.head.workspace_id, text, wait=40)) for text in ("one", "two")]
    known = [await operator.delegation(team.head.workspace_id, send.result().text or "") for send in sends]
    assert [each.row["on_behalf_of"] for each in known] == [send.result().message_id for send in sends]


async def test_a_failure_is_told_with_its_reason(team: Team, operator: Client) -> None:
    @team.head.on_message
    async def lead(_: Message) -> str:
        with pytest.raises(AskFailed) as raised:
            await team.head.ask("Hand", "try")
        assert raised.value.delegation.status == "failed"
        return str(raised.value)

    @team.hand.on_message
    async def fail(_: Message) -> str:
        raise ValueError("no such customer")

    async with team.working():
        assert (await operator.send(team.head.workspace_id, "begin", wait=40)).text == "Hand: failed: ValueError: no such customer"


async def test_what_is_not_wanted_any_more_is_cancelled(team: Team, operator: Client) -> None:
    begun, stopped = asyncio.Event(), asyncio.Event()
    team.hand._lease = 10.0

    @team.head.on_message
    async def lead(_: Message) -> str:
        handle = await team.head.delegate("Hand", "for ever")
        await begun.wait()
        with pytest.raises(AskFailed, match="Hand: no answer yet, it is handed"):
            await handle.result(0.1)
        await handle.cancel()
        with pytest.raises(AskFailed, match="Hand: cancelled"):
            await handle.result()
        await handle.cancel()
        return "cancelled"

    @team.hand.on_message
    async def hang(_: Message) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with team.working():
        assert (await operator.send(team.head.workspace_id, "begin", wait=50)).text == "cancelled"
    assert stopped.is_set()


async def test_what_hangs_on_a_message_that_ends_is_cancelled_if_that_was_asked_for(team: Team, operator: Client) -> None:
    @team.head.on_message
    async def lead(_: Message) -> str:
        handles = [await team.head.delegate("Hand", text, cancel_with_parent=text == "hangs") for text in ("hangs", "stays")]
        return " ".join(handle.id for handle in handles)

    @team.hand.on_message
    async def hang(_: Message) -> None:
        await asyncio.Event().wait()

    async with team.working():
        sent = await operator.send(team.head.workspace_id, "begin", wait=40)
        hangs, stays = (sent.text or "").split()
        while (known := await operator.delegation(team.head.workspace_id, hangs)).row["cancel_requested"] is False and not known.ended:
            await asyncio.sleep(0.05)
        assert (await operator.delegation(team.head.workspace_id, stays)).row["cancel_requested"] is False


@pytest.mark.parametrize("named", [True, False], ids=["on_report", "on_message"])
async def test_an_end_comes_as_a_message_of_its_own_when_that_is_wanted(team: Team, operator: Client, named: bool) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()

    async def report(message: Message) -> None:
        assert message.report is not None
        told.put_nowait(f"{message.sender.name}: {message.report.status}: {message.text or (message.report.error or {})['detail']}")

    @team.head.on_message
    async def lead(message: Message) -> str | None:
        if message.report is not None:
            return told.put_nowait("handled as a message") if named else await report(message)
        return (await team.head.delegate("Hand", message.text, report=True)).id

    if named:
        team.head.on_report(report)

    @team.hand.on_message
    async def answer(message: Message) -> str:
        if message.text == "fail":
            raise ValueError("not today")
        return f"did {message.text}"

    async with team.working():
        await operator.send(team.head.workspace_id, "work", wait=40)
        assert await told.get() == "Hand: completed: did work"
        await operator.send(team.head.workspace_id, "fail", wait=40)
        assert (await told.get()).startswith("Hand: failed: ")


async def test_a_circle_is_refused_with_the_chain(team: Team, operator: Client) -> None:
    @team.head.on_message
    async def lead(_: Message) -> str:
        return await team.head.ask("Hand", "do it")

    @team.hand.on_message
    async def back(_: Message) -> str:
        with pytest.raises(Refused) as raised:
            await team.hand.ask("Head", "no, you")
        return raised.value.name

    async with team.working():
        assert (await operator.send(team.head.workspace_id, "begin", wait=40)).text == "delegation_cycle"


@pytest.mark.parametrize("where", ["delegated", "answered"])
async def test_killed_after_it_has_delegated_a_handler_that_runs_again_delegates_nothing_twice(
    server: ServerProcess, operator: Client, tmp_path: Path, where: str
) -> None:
    place = await make_agent(operator, "Delegator")
    hand = _agent("Hand", server, tmp_path, await make_agent(operator, "Hand", parent_id=place[0]))
    done = list[str]()

    @hand.on_message
    async def work(message: Message) -> str:
        done.append(message.text)
        return f"done {len(done)}"

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(hand.serve())
        sending = tasks.create_task(operator.send(place[0], "begin", wait=50))
        with _delegator(server, place, tmp_path, where) as first:
            assert await asyncio.to_thread(first.wait, 40) == -signal.SIGKILL
        with _delegator(server, place, tmp_path, where) as second:
            sent = await sending
            second.kill()
        hand.stop()
    assert (sent.text, done) == ("done 1 2", ["once"])
    assert len(await operator.delegations(place[0])) == 1


async def test_the_server_is_killed_while_a_delegation_is_out(new_server: NewServer, tmp_path: Path) -> None:
    server = new_server(poll_seconds="0.2").start()
    port, begun, go_on = server.port, asyncio.Event(), asyncio.Event()
    async with server.client() as operator:
        team = await Team.make(server, operator, tmp_path)

        @team.head.on_message
        async def lead(message: Message) -> str:
            return await team.head.ask("Hand", message.text)

        @team.hand.on_message
        async def work(message: Message) -> str:
            begun.set()
            await go_on.wait()
            return message.text.upper()

        async with team.working(), asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(operator.send(team.head.workspace_id, "louder", wait=50))
            await begun.wait()
            server.kill()
            go_on.set()
            await asyncio.to_thread(server.start, port=port)
            assert (await sending).text == "LOUDER"
        assert len(await operator.delegations(team.head.workspace_id)) == 1


async def test_an_agent_that_is_called_delegates_on_behalf_of_what_it_handles(
    server: ServerProcess, operator: Client, tmp_path: Path
) -> None:
    place = await make_agent(operator, "Called head", delivery_mode="push")
    head = _agent("Called head", server, tmp_path, place)
    hand = _agent("Hand", server, tmp_path, await make_agent(operator, "Hand", parent_id=place[0]))

    @head.on_message
    async def lead(message: Message) -> str:
        return await head.ask("Hand", message.text)

    @hand.on_message
    async def work(message: Message) -> str:
        return f"{message.text} for {message.chain[-1]['name']}"

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(serve.serve(head))
        tasks.create_task(hand.serve())
        sent = await operator.send(place[0], "work", wait=40)
        (known,) = await operator.delegations(place[0])
        head.stop()
        hand.stop()
    assert sent.text == "work for Called head"
    assert known.row["on_behalf_of"] == sent.message_id


async def test_a_name_means_one_of_the_own_team_first(server: ServerProcess, operator: Client) -> None:
    head, token = await make_agent(operator, "Head of a namesake")
    own, _ = await make_agent(operator, "Namesake", parent_id=head)
    await make_agent(operator, "Namesake")
    async with server.client(token) as client:
        handle = await Delegating(client, head).delegate("Namesake", "work")
        assert (await handle.look()).target_id == own


def _delegator(server: ServerProcess, place: tuple[str, str], state: Path, where: str) -> "subprocess.Popen[bytes]":
    settings = {
        "POSTROOM_URL": server.url,
        "POSTROOM_WORKSPACE_ID": place[0],
        "POSTROOM_TOKEN": place[1],
        "POSTROOM_STATE": str(state / "delegator"),
    }
    return subprocess.Popen([sys.executable, "-c", DELEGATOR, "Hand", where], env={**os.environ, **settings})
