"""Lessons L1 to L16: what was lost in systems of this kind, and must not be here (lessons.md, "Lost")."""

import asyncio
import socket
from collections.abc import Awaitable
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import orjson
import pytest

from postroom.client import Client
from postroom.core.deliveries.service import preview_of
from postroom.core.messages.model import Draft
from postroom.errors import Gone, PostroomError, Unavailable
from tests.conftest import NewServer
from tests.edges.agents import Exchange
from tests.lessons.agents import Gate, called, heard, said
from tests.lessons.conftest import LIVELY, PostRoom
from tests.lessons.wait import events, history, replies, until, until_replied
from tests.support.database import open_house
from tests.support.http import ask
from tests.support.server import ServerProcess, make_agent

Json = dict[str, Any]


def send_body(text: str) -> Json:
    params = {"message": {"parts": [{"text": text}]}, "configuration": {"returnImmediately": True}}
    return {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": params}


async def test_l01_what_was_answered_with_2xx_outlives_the_process(new_server: NewServer) -> None:
    """The 200 with the reply left before the only durable row was written by a detached task."""
    server = new_server(data=None, **LIVELY).start()
    async with server.client() as operator:
        made, token = await make_agent(operator, "a")
        path, kind = f"/workspaces/{made}/a2a", {"Content-Type": "application/json"}
        accepted = await asyncio.to_thread(ask, server.url, "POST", path, token=server.operator_token, headers=kind, body=send_body("hi"))
    server.kill()
    assert accepted.status == 200
    server.start()
    async with server.client(token) as agent:
        (item,) = await agent.claim(made, wait=10)
        await agent.reply(item, "answered")
    server.kill()
    server.start()
    async with server.client() as operator:
        entries = await history(operator, made)
    assert [(entry["role"], entry["content"], entry["state"]) for entry in entries] == [
        ("user", "hi", "replied"),
        ("agent", "answered", None),
    ]
    assert entries[0]["id"] == accepted.headers["x-postroom-message-id"] == entries[1]["reply_to"]


async def test_l02_a_database_error_is_never_a_success(post_room: PostRoom, boss: Client) -> None:
    """The insert was "best effort": a database error was logged, and the sender saw success."""
    made, token = await make_agent(boss, "refused")
    async with post_room.server.client(token) as agent:
        await boss.send(made, "first", wait=None)
        (item,) = await agent.claim(made, wait=10)
        await post_room.sql("alter table message add constraint lesson check (seq < 0) not valid")
        try:
            for refused in (
                boss.send(made, "second", key="L2", wait=None, retry_for=0),
                agent.reply(item, "answer"),
                agent.notify(made, "note"),
            ):
                with pytest.raises(PostroomError) as error:
                    await refused
                assert error.value.name in {"internal", "unavailable", "outcome_unknown"}
        finally:
            await post_room.sql("alter table message drop constraint lesson")
        assert [entry["content"] for entry in await history(boss, made)] == ["first"]
        await agent.reply(item, "answer")
        await boss.send(made, "second", key="L2", wait=None)
    assert [entry["content"] for entry in await history(boss, made)] == ["first", "answer", "second"]


async def test_l03_a_sender_that_hangs_up_changes_nothing(post_room: PostRoom, boss: Client) -> None:
    """The work ran in the context of the request: the handler returned, the context was cancelled, every delegation failed."""
    made, token = await make_agent(boss, "target")
    body = orjson.dumps(send_body("bye"))
    head = (
        f"POST /workspaces/{made}/a2a HTTP/1.1\r\nHost: {urlsplit(post_room.server.url).netloc}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {post_room.server.operator_token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    async with Locked(post_room, "mailbox"):
        with socket.create_connection(("127.0.0.1", urlsplit(post_room.server.url).port or 0)) as connection:
            connection.sendall(head.encode() + body)
            await until(lambda: waiting_for(post_room, "mailbox"), "the accept has begun")
    async with post_room.server.client(token) as agent:
        (item,) = await agent.claim(made, wait=10)
        await agent.reply(item, "still here")
    assert await replies(boss, made) == ["still here"]


async def waiting_for(room: PostRoom, table: str) -> list[Any]:
    """Who waits for a lock on a table."""
    return await room.sql("select pid from pg_locks where relation = $1::text::regclass and not granted", table)


async def test_l04_a_question_that_could_not_be_answered_has_no_default(post_room: PostRoom, boss: Client) -> None:
    """The look-up of the delivery mode failed and answered "push": polling inboxes were skipped in silence."""
    made, token = await make_agent(boss, "asked")
    other, _ = await make_agent(boss, "peer")
    await boss.send(made, "waiting", wait=None)
    async with post_room.server.client(token) as agent:
        questions = {
            "send": agent.send(other, "hello", key="L4", wait=None, retry_for=0),
            "delegate": agent.delegate(made, other, "help", key="L4 too", retry_for=0),
            "claim": agent.claim(made, wait=0),
            "register": agent.register(made, agent_card={}, url="http://127.0.0.1:9/"),
            "peers": agent.peers(made),
        }
        async with Locked(post_room, "mailbox"), asyncio.TaskGroup() as tasks:
            asked = {name: tasks.create_task(refusal_of(question)) for name, question in questions.items()}
        answers = {name: task.result() for name, task in asked.items()}
        assert {name: answer for name, answer in answers.items() if not isinstance(answer, Unavailable)} == {}
        (item,) = await agent.claim(made, wait=10)
        await agent.reply(item, "still fetching")
        sent = await agent.send(other, "hello", key="L4", wait=None)
        delegated = await agent.delegate(made, other, "help", key="L4 too")
    assert [entry["id"] for entry in await history(boss, other)] == [sent.message_id, delegated.id]


async def refusal_of(question: Awaitable[Any]) -> Any:
    """The refusal that a question meets, or what it was answered."""
    try:
        return await question
    except PostroomError as refusal:
        return refusal


class Locked:
    """A table that nobody can read for the length of the block: whoever asks runs into the lock limit."""

    def __init__(self, room: PostRoom, table: str) -> None:
        self._room, self._table = room, table
        self._release, self._held = asyncio.Event(), asyncio.Event()
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> None:
        await self._group.__aenter__()
        self._group.create_task(self._hold())
        async with asyncio.timeout(10):
            await self._held.wait()

    async def __aexit__(self, *error: Any) -> None:
        self._release.set()
        await self._group.__aexit__(*error)

    async def _hold(self) -> None:
        connection: Any = await asyncpg.connect(self._room.dsn)
        async with connection.transaction():
            await connection.execute(f"lock table {self._table} in access exclusive mode")
            self._held.set()
            await self._release.wait()
        await connection.close()


async def test_l05_two_post_rooms_in_one_process_share_nothing(dsn: str, own_dsn: str) -> None:
    """Detached tasks read a global database handle; tests swapped it under them."""
    async with open_house(dsn) as one, open_house(own_dsn) as other:
        agent = await one.workspace("mine")
        receipt = await one.services.messages.accept(one.operator, Draft(workspace_id=agent.id, body={"parts": [{"text": "x"}]}, size=9))
        kept = [await house.sql("select id from message where id = $1", receipt.message_id) for house in (one, other)]
    assert [len(rows) for rows in kept] == [1, 0]


async def test_l06_a_retry_of_a_queued_message_is_that_message(server: ServerProcess, operator: Client) -> None:
    """A retry collided with its own row, the drain marked it done, and the message vanished."""
    made, token = await make_agent(operator, "busy")
    await operator.send(made, "first", wait=None)
    queued = await operator.send(made, "second", key="L6", wait=None)
    async with server.client(token) as agent:
        (first,) = await agent.claim(made, wait=10)
        assert (await operator.send(made, "second", key="L6", wait=None)).message_id == queued.message_id
        await agent.reply(first, "one")
        (second,) = await agent.claim(made, wait=10)
        assert (await operator.send(made, "second", key="L6", wait=None)).message_id == second.message_id == queued.message_id
        await agent.reply(second, "two")
        again = await operator.send(made, "second", key="L6")
        assert (again.message_id, again.text) == (queued.message_id, "two")
        assert await agent.claim(made, max=8, wait=0) == []
    assert [entry["content"] for entry in await history(operator, made)] == ["first", "second", "one", "two"]


async def test_l07_work_whose_holder_died_is_handed_again(new_server: NewServer) -> None:
    """Rows marked dispatched had no lease: a crash stranded them for ever, and they blocked the same key."""
    server = new_server(data=None, **LIVELY, lease_seconds="3").start()
    gate = Gate()
    async with server.client() as operator, called(operator, "called", gate) as target:
        sent = await operator.send(target.id, "work", key="L7", wait=None)
        await target.until_handed()
        server.kill()
        gate.open.set()
        server.start()
        async with server.client() as returned:
            again = await returned.send(target.id, "work", key="L7", wait=20)
        assert (again.message_id, again.text) == (sent.message_id, "re: work")
        attempts = [exchange.header("X-Postroom-Attempt") for exchange in target.agent.exchanges]
    assert attempts == ["1", "2"]


async def test_l08_the_reply_to_a_queued_message_is_stored_and_shown(operator: Client) -> None:
    """A message queued for a busy agent was delivered later with logging off: its reply was stored nowhere."""
    gate = Gate()
    async with called(operator, "busy", gate) as target:
        sent = [await operator.send(target.id, text, wait=None) for text in ("one", "two", "three")]
        await target.until_handed()
        gate.open.set()
        assert await until_replied(operator, target.id, 3) == ["re: one", "re: two", "re: three"]
        shown = [event["message_id"] for event in await events(operator, target.id, "message.replied")]
        assert shown == [one.message_id for one in sent]


async def test_l09_a_read_timeout_is_another_attempt_of_the_same_message(new_server: NewServer) -> None:
    """A read timeout after the agent had accepted the body counted as busy: the body was sent twice, under a new id."""
    server = new_server(data=None, **LIVELY, call_seconds="1").start()

    async def silent_once(exchange: Exchange) -> None:
        if exchange.header("X-Postroom-Attempt") != "1":
            await exchange.answer_result(said("late"))

    async with server.client() as operator, called(operator, "silent", silent_once) as target:
        sent = await operator.send(target.id, "once", wait=20)
        first, *others = target.agent.exchanges
        assert sent.text == "late"
        assert [one.header("X-Postroom-Attempt") for one in (first, *others)] == ["1", "2"]
        for again in others:
            assert again.header("Idempotency-Key") == first.header("Idempotency-Key") == sent.message_id
            assert again.json["params"]["message"]["messageId"] == first.json["params"]["message"]["messageId"]


@pytest.mark.parametrize(
    "text",
    ["a" * 279 + "😀😀", "ä" * 400, "e\u0301" * 300, "👩‍👩‍👧‍👦" * 100, "\u2028" * 281],
    ids=["emoji", "umlaut", "accent", "family", "line"],
)
async def test_l10_a_cut_never_splits_a_character(server: ServerProcess, operator: Client, text: str) -> None:
    """Text cut by bytes split a character; the database refused the row; the error was only logged."""
    made, token = await make_agent(operator, "cut")
    async with server.client(token) as agent, asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(operator.send(made, text, wait=20))
        (item,) = await agent.claim(made, wait=10)
        await agent.reply(item, text)
        await agent.notify(made, text)
        assert (await sending).text == text
    assert [entry["content"] for entry in await history(operator, made)] == [text] * 3
    previews = [event["payload"]["preview"] for event in await events(operator, made) if "preview" in event["payload"]]
    assert previews == [text[:280]] * 3 == [preview_of({"parts": [{"text": text}]})] * 3


async def test_l11_what_callers_call_themselves_is_a_text(server: ServerProcess, operator: Client) -> None:
    """Callers named "channel:slack" were written into a UUID column: none of their conversations was ever stored."""
    thread = "channel:slack/C024BE91L ✓"
    _, token = await make_agent(operator, "channel:slack")
    target, target_token = await make_agent(operator, "channel:mail")
    async with server.client(token) as channel, server.client(target_token) as agent:
        sent = await channel.send(target, "from outside", thread_id=thread, key="channel:slack:1", wait=None)
        (item,) = await agent.claim(target, wait=10)
        await agent.reply(item, "to outside")
        assert (item.thread_id, item.sender.name) == (thread, "channel:slack")
    page = await operator.chat_history(target, thread_id=thread)
    assert [(entry["content"], entry["thread_id"]) for entry in page["messages"]] == [("from outside", thread), ("to outside", thread)]
    assert page["messages"][0]["id"] == sent.message_id


async def test_l12_pruning_the_feed_takes_no_message_and_no_key(post_room: PostRoom, boss: Client, second_server: ServerProcess) -> None:
    """Chat lived in a log that was pruned after seven days, with nobody warned; idempotency keys went with it."""
    made, _ = await make_agent(boss, "old")
    sent = await boss.send(made, "kept", key="L12", wait=None)
    cursor = (await events(boss, made))[0]["cursor"]
    await post_room.sql("update event set at = at - interval '400 days'")
    second_server.start()

    async def pruned() -> bool:
        return not await post_room.sql("select from event where message_id = $1", UUID(sent.message_id))

    await until(pruned, "a server that starts has pruned the feed")
    assert [entry["content"] for entry in await history(boss, made)] == ["kept"]
    assert (await boss.send(made, "kept", key="L12", wait=None)).message_id == sent.message_id
    with pytest.raises(Gone):
        await boss.activity(made, since_id=cursor)
    second_server.stop()


async def test_l13_a_result_waits_for_who_was_not_listening(server: ServerProcess, operator: Client) -> None:
    """Results were marked seen before the wake-up that was then dropped by a cool-down."""
    asker, asker_token = await make_agent(operator, "asker")
    target, target_token = await make_agent(operator, "target")
    async with server.client(asker_token) as asking, server.client(target_token) as agent:
        sent = await asking.send(target, "later", wait=None)
        (cursor,) = [event["cursor"] for event in await events(asking, asker, "message.accepted")]
        (item,) = await agent.claim(target, wait=10)
        await agent.reply(item, "done")
        for _ in range(2):  # looking takes nothing away
            found = await first_event(asking, asker, cursor, "message.replied")
            assert found == sent.message_id
        assert (await asking.task(target, sent.message_id))["artifacts"][0]["parts"] == [{"text": "done"}]


async def first_event(client: Client, workspace: str, cursor: str, name: str) -> str:
    """The message of the first such event that a new connection brings."""
    async with asyncio.timeout(10):
        async for frame in client.events(workspace, cursor=cursor):
            if frame.event == name:
                return str(frame.payload["message_id"])
    raise AssertionError("the feed ended")


async def test_l14_a_wait_that_ends_first_leaves_a_task_that_goes_on(server: ServerProcess, operator: Client) -> None:
    """The browser gave up after 120 s with "unreachable" while the agent worked on; a 202 showed nothing at all."""
    made, token = await make_agent(operator, "slow")
    sent = await operator.send(made, "long", key="L14", wait=0.3)
    assert (sent.state, (sent.task or {})["status"]["state"]) == ("accepted", "TASK_STATE_SUBMITTED")
    async with server.client(token) as agent:
        (item,) = await agent.claim(made, wait=10)
        waiting = await operator.send(made, "long", key="L14", wait=0.3)
        assert (waiting.message_id, waiting.state) == (sent.message_id, "handed")
        await agent.reply(item, "at last")
    task = await operator.task(made, sent.message_id)
    assert (task["status"]["state"], task["artifacts"][0]["parts"]) == ("TASK_STATE_COMPLETED", [{"text": "at last"}])
    assert (await operator.send(made, "long", key="L14")).text == "at last"


async def test_l15_one_busy_agent_delays_nobody_else(operator: Client) -> None:
    """One message per heartbeat was drained from the queue; one busy agent delayed everyone's schedules."""
    gate = Gate()
    async with called(operator, "stuck", gate) as stuck, called(operator, "free", echo) as free:
        for number in range(20):
            await operator.send(stuck.id, str(number), wait=None)
        await stuck.until_handed()
        for number in range(10):
            assert (await operator.send(free.id, str(number), wait=10)).text == f"re: {number}"
        assert await replies(operator, stuck.id) == []
        gate.open.set()
        assert len(await until_replied(operator, stuck.id, 20)) == 20


async def echo(exchange: Exchange) -> None:
    await exchange.answer_result(said(f"re: {heard(exchange)}"))


async def test_l16_every_silence_is_noticed_anew(post_room: PostRoom, boss: Client) -> None:
    """Liveness by TTL only: after one expiry the key was never made again, and the next death went unnoticed."""
    made, token = await make_agent(boss, "mortal")
    async with post_room.server.client(token) as agent:
        for death in (1, 2):
            assert (await agent.heartbeat(made))["status"] == "online"

            async def offline(times: int = death) -> bool:
                return len(await events(boss, made, "workspace.offline")) == times

            await until(offline, f"silence number {death} is in the feed", 20)
            assert (await boss.workspace(made))["status"] == "offline"
