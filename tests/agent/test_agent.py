"""The agent's side of the promise: work survives a server that goes away, a process that is killed, a lease that runs out."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from postroom.agent import Agent, Fail, File, Message, Retry
from postroom.errors import NotFound, SetupError, Unauthenticated
from tests.support.inbox import PEER, WORKSPACE, Inbox
from tests.support.ports import free_port
from tests.support.server import wait_for

CRASHING_AGENT = """
import os, sys
from pathlib import Path
from postroom.agent import Agent
agent = Agent("Crash", url=sys.argv[1], token="t", workspace_id=sys.argv[2], state=Path(sys.argv[3]))
@agent.on_message
async def handle(message):
    with open(sys.argv[4], "a") as effects:
        effects.write(message.text + "\\n")
    return f"answer to {message.text}"
agent.run()
"""

LOGGING_AGENT = """
import logging, sys
from pathlib import Path
from postroom.agent import Agent
handler = logging.FileHandler(sys.argv[1])
handler.setFormatter(logging.Formatter("mine: %(message)s"))
logging.getLogger("postroom").addHandler(handler)
agent = Agent("Logging", url=sys.argv[2], token="t", workspace_id="w", state=Path(sys.argv[1]).parent)
agent.on_message(print)
agent.run()
"""


def make(inbox: Inbox, state: Path, handler: Callable[[Message], Any], **settings: Any) -> Agent:
    agent = Agent("Test", url=inbox.url, token="t", workspace_id=WORKSPACE, state=state, grace=settings.pop("grace", 2.0), **settings)
    agent.on_message(handler)
    return agent


@asynccontextmanager
async def serving(agent: Agent) -> AsyncGenerator[None]:
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(agent.serve())
        try:
            yield
        finally:
            agent.stop()


async def echo(message: Message) -> str:
    return f"heard {message.text}"


async def never(_: Message) -> None:
    await asyncio.Event().wait()


async def test_a_message_is_answered_with_progress_before_the_reply(tmp_path: Path) -> None:
    inbox = Inbox()

    async def handle(message: Message) -> str:
        await message.progress("half way")
        return f"{message.sender.name} said {message.text} in {message.thread_id}, attempt {message.attempt}"

    async with inbox.serving(), serving(make(inbox, tmp_path, handle)):
        post = await inbox.post("hello")
        await inbox.until(lambda: post.state == "replied")
    assert post.progress == ["half way"]
    assert post.reply is not None
    assert post.reply["parts"] == [{"text": "Ada said hello in thread, attempt 1"}]
    assert inbox.cards[0]["name"] == "Test"


async def test_a_plain_function_runs_in_a_thread_and_may_answer_with_parts(tmp_path: Path) -> None:
    inbox = Inbox()

    def handle(message: Message) -> list[dict[str, Any]]:
        message.progress_from_thread("from a thread")
        return [{"data": {"n": 1}}]

    async with inbox.serving(), serving(make(inbox, tmp_path, handle)):
        post = await inbox.post("hello")
        await inbox.until(lambda: post.state == "replied")
    assert post.progress == ["from a thread"]
    assert post.reply is not None
    assert post.reply["parts"] == [{"data": {"n": 1}}]


async def test_a_handler_that_yields_is_shown_live_and_the_whole_is_the_reply(tmp_path: Path) -> None:
    inbox, shown = Inbox(), asyncio.Event()

    async def handle(_: Message) -> AsyncGenerator[str | File]:
        yield "one, "
        yield "two, "
        await shown.wait()
        yield "three"
        yield File("list.txt", b"1 2 3")

    async with inbox.serving(), serving(make(inbox, tmp_path, handle)):
        post = await inbox.post("count")
        await inbox.until(lambda: "".join(post.progress) == "one, two, ")
        shown.set()
        await inbox.until(lambda: post.state == "replied")
    assert post.reply is not None
    assert post.reply["parts"] == [{"text": "one, two, three"}, {"raw": "MSAyIDM=", "filename": "list.txt", "mediaType": "text/plain"}]


async def test_a_handler_that_breaks_while_it_yields_fails_its_message(tmp_path: Path) -> None:
    inbox = Inbox()

    async def handle(_: Message) -> AsyncGenerator[str]:
        yield "as I was saying"
        raise Fail("lost the thread")

    async with inbox.serving(), serving(make(inbox, tmp_path, handle)):
        post = await inbox.post("tell")
        await inbox.until(lambda: post.state == "failed")
    assert (post.failure or {})["error"] == "lost the thread"


async def test_words_that_come_quickly_are_shown_together(tmp_path: Path) -> None:
    inbox, shown = Inbox(), asyncio.Event()

    async def handle(_: Message) -> AsyncGenerator[str]:
        for _number in range(1000):
            yield "word "
        await shown.wait()

    async with inbox.serving(), serving(make(inbox, tmp_path, handle)):
        post = await inbox.post("talk")
        await inbox.until(lambda: "".join(post.progress) == "word " * 1000)
        shown.set()
        await inbox.until(lambda: post.state == "replied")
    assert len(post.progress) < 10


@pytest.mark.parametrize(
    ("error", "reason", "retry"),
    [
        (ValueError("no such thing"), "ValueError: no such thing", False),
        (Fail("not today"), "not today", False),
        (ExceptionGroup("several", [KeyError("a"), ValueError("b")]), "KeyError: 'a'", False),
        (RuntimeError("x" * 5000), "RuntimeError: " + "x" * 486, False),
    ],
)
async def test_what_a_handler_raises_fails_the_message_with_a_short_reason(
    tmp_path: Path, error: Exception, reason: str, retry: bool
) -> None:
    inbox = Inbox()

    async def handle(_: Message) -> None:
        raise error

    async with inbox.serving(), serving(make(inbox, tmp_path, handle)):
        post = await inbox.post("hello")
        await inbox.until(lambda: post.state == "failed")
    assert post.failure is not None
    assert (post.failure["error"], post.failure["retry"]) == (reason, retry)


async def test_retry_has_the_message_handed_out_again(tmp_path: Path) -> None:
    inbox = Inbox()

    async def handle(message: Message) -> str:
        if message.attempt == 1:
            raise Retry("come back later")
        return "second time"

    async with inbox.serving(), serving(make(inbox, tmp_path, handle)):
        post = await inbox.post("hello")
        await inbox.until(lambda: post.state == "replied")
    assert post.attempt == 2


async def test_a_wrong_kind_of_answer_fails_the_message(tmp_path: Path) -> None:
    inbox = Inbox()

    async def handle(_: Message) -> Any:
        return 42

    async with inbox.serving(), serving(make(inbox, tmp_path, handle)):
        post = await inbox.post("hello")
        await inbox.until(lambda: post.state == "failed")
    assert "not int" in (post.failure or {})["error"]


async def test_u4_a_reply_computed_while_the_server_is_away_is_delivered_when_it_is_back(tmp_path: Path) -> None:
    inbox = Inbox()
    begun, go_on, runs = asyncio.Event(), asyncio.Event(), list[str]()

    async def handle(message: Message) -> str:
        runs.append(message.id)
        begun.set()
        await go_on.wait()
        return "worked on alone"

    async with AsyncExitStack() as stack:
        async with inbox.serving():
            post = await inbox.post("hello")
            await stack.enter_async_context(serving(make(inbox, tmp_path, handle)))
            await begun.wait()
        go_on.set()
        async with asyncio.timeout(10):
            while not list((tmp_path / "waiting").glob("*.json")):
                await asyncio.sleep(0.01)
        async with inbox.serving():
            await inbox.until(lambda: post.state == "replied", 20)
            await stack.aclose()
    assert runs == [post.id]
    assert (post.reply or {})["parts"] == [{"text": "worked on alone"}]


async def test_a_redelivered_message_is_answered_with_the_stored_reply(tmp_path: Path) -> None:
    inbox, runs = Inbox(), list[int]()

    async def handle(message: Message) -> str:
        runs.append(message.attempt)
        return f"answer {len(runs)}"

    async with inbox.serving(), serving(make(inbox, tmp_path, handle)):
        post = await inbox.post("hello")
        await inbox.until(lambda: post.state == "replied")
        post.reply = None
        await inbox.redeliver(post)
        await inbox.until(lambda: post.reply is not None)
    assert runs == [1]
    assert (post.reply or {})["parts"] == [{"text": "answer 1"}]


async def test_u4_kill_between_the_answer_and_its_delivery_neither_loses_nor_repeats_it(tmp_path: Path) -> None:
    inbox, effects = Inbox(), tmp_path / "effects"
    async with asyncio.timeout(40), inbox.serving():
        inbox.lose_replies = True
        post = await inbox.post("pay once")
        async with _crashing_agent(inbox, tmp_path, effects):
            while not list((tmp_path / "state" / "waiting").glob("*.json")):
                await asyncio.sleep(0.01)
        inbox.lose_replies = False
        await inbox.redeliver(post)
        async with _crashing_agent(inbox, tmp_path, effects) as second:
            await inbox.until(lambda: post.state == "replied", 20)
            second.send_signal(signal.SIGTERM)
            assert await second.wait() == 0
    assert effects.read_text() == "pay once\n"
    assert post.reply is not None
    assert post.reply["parts"] == [{"text": "answer to pay once"}]


@pytest.mark.parametrize(("lease", "pause"), [(1.5, 60.0), (3600.0, 0.1)], ids=["at the extension", "at the heartbeat"])
async def test_a_cancel_is_learned_and_stops_the_handler(
    tmp_path: Path, lease: float, pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroom.agent.presence.SHORTEST_PAUSE", pause)
    monkeypatch.setattr("postroom.agent.presence.SPREAD", 0.0)
    inbox, begun, seen = Inbox(), asyncio.Event(), list[bool]()

    async def handle(message: Message) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            seen.append(message.cancelled)

    async with inbox.serving():
        post = await inbox.post("hello")
        async with serving(make(inbox, tmp_path, handle, lease=lease)):
            await begun.wait()
            post.cancel = True
            await inbox.until(lambda: post.state == "cancelled")
    assert seen == [True]


async def test_a_lease_is_extended_at_a_third_of_its_length(tmp_path: Path) -> None:
    inbox, began = Inbox(), time.monotonic()
    async with inbox.serving(), serving(make(inbox, tmp_path, never, lease=0.9, grace=0.1)):
        post = await inbox.post("hello")
        await inbox.until(lambda: post.extended >= 3)
    assert time.monotonic() - began < 5


async def test_a_lost_lease_stops_the_handler_and_says_nothing(tmp_path: Path) -> None:
    inbox, begun, stopped = Inbox(), asyncio.Event(), asyncio.Event()

    async def handle(_: Message) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with inbox.serving(), serving(make(inbox, tmp_path, handle, lease=0.6)):
        post = await inbox.post("hello")
        await begun.wait()
        post.state, post.token = "elsewhere", 99
        await stopped.wait()
    assert (post.state, post.failure) == ("elsewhere", None)


async def test_stopping_finishes_what_it_can_and_gives_the_rest_back(tmp_path: Path) -> None:
    inbox, begun = Inbox(), asyncio.Semaphore(0)

    async def handle(message: Message) -> str:
        begun.release()
        await asyncio.sleep(0.3 if message.text == "short" else 60)
        return "done"

    async with inbox.serving():
        short, long = await inbox.post("short"), await inbox.post("long")
        async with serving(make(inbox, tmp_path, handle, concurrency=2, grace=1.0)):
            await begun.acquire()
            await begun.acquire()
        late = await inbox.post("late")
    assert (short.state, long.state, late.state) == ("replied", "released", "accepted")


async def test_what_a_claim_brings_to_a_stopping_agent_goes_back_at_once(tmp_path: Path) -> None:
    inbox, begun, go_on = Inbox(), asyncio.Event(), asyncio.Event()

    async def handle(_: Message) -> str:
        begun.set()
        await go_on.wait()
        return "done"

    async with inbox.serving():
        agent = make(inbox, tmp_path, handle, concurrency=2, grace=10.0)
        async with serving(agent):
            first = await inbox.post("first")
            await begun.wait()
            await inbox.until(lambda: inbox.polling)
            agent.stop()
            late = await inbox.post("late")
            await inbox.until(lambda: late.state == "released")
            go_on.set()
    assert first.state == "replied"


async def test_an_agent_stops_whenever_it_is_told_to(tmp_path: Path) -> None:
    """A cancelled request of pyreqwest may return as if nothing had been: loops that are to stop would go on for ever."""
    for round_number in range(20):
        inbox = Inbox()
        async with inbox.serving(), asyncio.timeout(10), serving(make(inbox, tmp_path / str(round_number), echo)):
            post = await inbox.post("hello")
            await inbox.until(lambda post=post: post.state == "replied")


async def test_no_more_are_handled_at_a_time_than_the_setting_says(tmp_path: Path) -> None:
    inbox, now, most = Inbox(), 0, 0

    async def handle(_: Message) -> str:
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        await asyncio.sleep(0.05)
        now -= 1
        return "done"

    async with inbox.serving():
        posts = [await inbox.post(str(number)) for number in range(12)]
        async with serving(make(inbox, tmp_path, handle, concurrency=3)):
            await inbox.until(lambda: all(post.state == "replied" for post in posts))
    assert most == 3


async def test_a_redelivered_message_asks_its_peers_under_the_same_keys(tmp_path: Path) -> None:
    inbox = Inbox()

    async def handle(message: Message) -> str:
        answers = [await agent.ask("Peer", "one"), await agent.ask(PEER, "two"), await agent.ask("Peer", "two")]
        if message.attempt == 1:
            raise Retry("again")
        return " ".join(answers)

    async with inbox.serving():
        agent = make(inbox, tmp_path, handle)
        async with serving(agent):
            post = await inbox.post("hello")
            await inbox.until(lambda: post.state == "replied")
    first, second = inbox.sends[:3], inbox.sends[3:]
    assert first == second
    assert len({key for key, _ in first}) == 3
    assert (post.reply or {})["parts"] == [{"text": "heard one heard two heard two"}]


async def test_asking_somebody_who_is_not_there_names_who_is(tmp_path: Path) -> None:
    inbox = Inbox()

    async def handle(_: Message) -> str:
        with pytest.raises(NotFound, match="there are: Peer"):
            await agent.ask("Peter", "hello")
        return "checked"

    async with inbox.serving():
        agent = make(inbox, tmp_path, handle)
        async with serving(agent):
            post = await inbox.post("hello")
            await inbox.until(lambda: post.state in ("replied", "failed"))
    assert post.state == "replied"


async def test_a_credential_that_ended_ends_the_agent_with_that_error(tmp_path: Path) -> None:
    inbox = Inbox()
    inbox.refuse = (401, "unauthenticated")
    async with asyncio.timeout(10), inbox.serving():
        with pytest.raises(Unauthenticated):
            await make(inbox, tmp_path, echo).serve()


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POSTROOM_URL", "POSTROOM_TOKEN", "POSTROOM_WORKSPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SetupError, match="POSTROOM_URL"):
        Agent("Test")


@asynccontextmanager
async def _crashing_agent(inbox: Inbox, state: Path, effects: Path) -> AsyncGenerator[asyncio.subprocess.Process]:
    """An agent in a process of its own, which is killed at the end of the block, however that ends."""
    arguments = (inbox.url, WORKSPACE, str(state / "state"), str(effects))
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", CRASHING_AGENT, *arguments)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_a_program_that_says_where_logs_go_keeps_them_to_itself(tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    log = tmp_path / "its.log"
    command = [sys.executable, "-c", LOGGING_AGENT, str(log), nowhere]
    agent = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    await asyncio.to_thread(wait_for, lambda: log.exists() and log.read_text(), 30, "the agent has logged")
    agent.terminate()
    _, printed = await agent.communicate()
    assert printed == b""
    assert log.read_text().startswith(f"mine: the server at {nowhere} is not there, it is tried until it answers: ")
