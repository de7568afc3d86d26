"""The lessons about what was lost, for delegations (lessons.md): who asked may be gone, busy, deaf or not listening; the answer comes."""

import asyncio
import socket
from urllib.parse import urlsplit
from uuid import uuid4

import orjson

from postroom.client import Client, Item
from tests.edges.agents import Exchange
from tests.lessons.agents import called, heard, said
from tests.lessons.conftest import PostRoom
from tests.lessons.wait import events, until
from tests.support.server import ServerProcess, make_agent


async def told(lead: Client, id: str) -> Item:
    """The next end in Lead's mailbox, read."""
    (item,) = await lead.claim(id, wait=30)
    assert item.report is not None
    await lead.reply(item, "read")
    return item


async def test_l03_a_delegator_that_hangs_up_loses_nothing(post_room: PostRoom, boss: Client) -> None:
    """The delegation ran in the context of the request, and ended with it."""
    id, token = await make_agent(boss, "Lead")
    other, other_token = await make_agent(boss, "Typist")
    key = str(uuid4())
    body = orjson.dumps({"target_id": other, "task": "go on", "wait_seconds": 60, "report": True, "idempotency_key": key})
    place = urlsplit(post_room.server.url)
    head = (
        f"POST /workspaces/{id}/delegate HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    async with post_room.server.client(token) as lead, post_room.server.client(other_token) as clerk:
        with socket.create_connection((place.hostname, place.port)) as connection:
            connection.sendall(head.encode() + body)
            (item,) = await clerk.claim(other, wait=30)
        await clerk.reply(item, "still here")
        assert (await told(lead, id)).message["parts"] == [{"text": "still here"}]
        again = await lead.delegate(id, other, "go on", key=key, wait=30, report=True)
    assert (again.id, again.text) == (item.message_id, "still here")


async def test_l08_the_answer_to_what_waited_for_a_busy_agent_is_kept_and_told(server: ServerProcess, operator: Client) -> None:
    """What was queued for a busy agent was answered later, and the answer was stored nowhere and shown to nobody."""
    id, token = await make_agent(operator, "Lead")
    other, other_token = await make_agent(operator, "Typist")
    async with server.client(token) as lead, server.client(other_token) as clerk:
        await operator.send(other, "first", wait=None)
        (busy,) = await clerk.claim(other, wait=30)
        asked = await lead.delegate(id, other, "second")
        assert (await lead.delegation(id, asked.id)).status == "accepted"
        await clerk.reply(busy, "done")
        (item,) = await clerk.claim(other, wait=30)
        await clerk.reply(item, "done, too")
        assert (await lead.delegation(id, asked.id)).text == "done, too"
        assert (await told(lead, id)).message["parts"] == [{"text": "done, too"}]


async def test_l09_an_agent_that_hangs_up_is_asked_again_under_the_same_id_and_tells_once(server: ServerProcess, operator: Client) -> None:
    """What broke off after the agent had the message was sent again as another message, and answered twice."""
    handed: list[str | None] = []

    async def behave(exchange: Exchange) -> None:
        handed.append(exchange.header("X-Postroom-Message-Id"))
        if len(handed) == 1:
            raise ConnectionError("as the lesson wants it")
        await exchange.answer_result(said(f"re: {heard(exchange)}"))

    id, token = await make_agent(operator, "Lead", max_concurrent=4)
    async with called(operator, "Typist", behave) as clerk, server.client(token) as lead:
        asked = await lead.delegate(id, clerk.id, "once")
        report = await told(lead, id)
        assert (report.report or {})["delegation_id"] == asked.id and handed == [asked.id, asked.id]
        assert await lead.claim(id, wait=0) == []


async def test_l13_an_end_waits_for_who_was_not_listening_and_for_who_dropped_it(post_room: PostRoom, boss: Client) -> None:
    """Results were marked seen before the wake-up that was then dropped."""
    id, token = await make_agent(boss, "Lead")
    other, other_token = await make_agent(boss, "Typist")
    async with post_room.server.client(token) as lead, post_room.server.client(other_token) as clerk:
        asked = await lead.delegate(id, other, "while I sleep")
        (item,) = await clerk.claim(other, wait=30)
        await clerk.reply(item, "good morning")
        (dropped,) = await lead.claim(id, wait=30)
        await post_room.sql("update work set due_at = clock_timestamp() where message_id = $1", dropped.message_id)
        again = await told(lead, id)
        assert (again.message_id, again.attempt) == (dropped.message_id, 2)
        assert again.report == {"delegation_id": asked.id, "status": "completed"}
        assert await lead.claim(id, wait=0) == []


async def test_l32_who_waits_for_the_end_is_woken_by_it(server: ServerProcess, operator: Client) -> None:
    """Agents waited for an event name that was never sent: here everyone who waits hears, in whichever way."""
    id, token = await make_agent(operator, "Lead")
    other, other_token = await make_agent(operator, "Typist")
    key = str(uuid4())
    async with server.client(token) as lead, server.client(other_token) as clerk, asyncio.TaskGroup() as waits:
        asked = await lead.delegate(id, other, "tell all", key=key, report=True)
        waiting = waits.create_task(lead.delegate(id, other, "tell all", key=key, report=True, wait=60))
        claiming = waits.create_task(lead.claim(id, wait=60))
        (item,) = await clerk.claim(other, wait=30)
        await clerk.progress(item, "nearly")
        await clerk.reply(item, "that is all")
    assert (waiting.result().id, waiting.result().text) == (asked.id, "that is all")
    assert [item.report and item.report["delegation_id"] for item in claiming.result()] == [asked.id]

    async def shown() -> bool:
        seen = {row["event"] for row in await events(operator, id) if row["message_id"] == asked.id}
        return seen >= {"message.accepted", "message.handed", "message.progress", "message.replied"}

    await until(shown, "the feed of who asked shows it all")
