"""Callers that go away, or never read: what they said is kept and answered all the same."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from postroom.client import Client
from tests.support.http import ask
from tests.support.server import ServerProcess, make_agent

Json = dict[str, Any]
# More than the buffers of both ends of a connection hold.
LONG = "long " * 1_000_000


@pytest.fixture
async def mailbox(operator: Client, server: ServerProcess) -> AsyncGenerator[tuple[str, Client]]:
    id, token = await make_agent(operator, "abandoned")
    async with server.client(token) as agent:
        yield id, agent


def request(server: ServerProcess, mailbox: str, text: str, key: str) -> bytes:
    """A blocking send, byte for byte."""
    params = {"message": {"role": "ROLE_USER", "messageId": "m", "parts": [{"text": text}]}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": params}).encode()
    head = (
        f"POST /workspaces/{mailbox}/a2a HTTP/1.1\r\nHost: {urlsplit(server.url).netloc}\r\n"
        f"Authorization: Bearer {server.operator_token}\r\nContent-Type: application/json\r\nA2A-Version: 1.0\r\n"
        f"Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def connect(server: ServerProcess, *, receive_buffer: int = 0) -> socket.socket:
    parts = urlsplit(server.url)
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.connect((parts.hostname, parts.port))
    return connection


def reset(connection: socket.socket) -> None:
    """Close with a RST: what the other side has not read yet is thrown away."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


async def exchange(operator: Client, mailbox: str, count: int = 2) -> list[Json]:
    """The conversation, once it has so many lines."""
    async with asyncio.timeout(10):
        while len(found := (await operator.chat_history(mailbox))["messages"]) < count:
            await asyncio.sleep(0.02)
    return found


async def test_a_caller_that_closes_right_after_sending(server: ServerProcess, operator: Client, mailbox: tuple[str, Client]) -> None:
    id, agent = mailbox
    with connect(server) as connection:
        connection.sendall(request(server, id, "I do not wait", str(uuid4())))
    (item,) = await agent.claim(id, wait=10)
    await agent.reply(item, "answered all the same")
    said = await exchange(operator, id)
    assert [(line["role"], line["content"]) for line in said] == [("user", "I do not wait"), ("agent", "answered all the same")]
    assert said[0]["state"] == "replied"


async def test_a_caller_that_closes_before_anybody_has_read_its_request(server: ServerProcess, mailbox: tuple[str, Client]) -> None:
    """The database is slow to say who is calling, with a token that is new; the caller, whose request came whole, has closed meanwhile."""
    id, agent = mailbox
    fresh = ask(server.url, "POST", f"/workspaces/{id}/tokens", token=server.operator_token, body={}).body["token"]
    said = request(server, id, "I am gone", str(uuid4())).replace(server.operator_token.encode(), fresh.encode())
    database: Any = await asyncpg.connect(server.dsn())
    try:
        async with database.transaction():
            await database.execute("lock table credential in access exclusive mode")
            with connect(server) as connection:
                connection.sendall(said)
            async with asyncio.timeout(10):
                while not await database.fetchval("select count(*) from pg_locks where not granted and relation = 'credential'::regclass"):
                    await asyncio.sleep(0.02)
    finally:
        await database.close()
    (item,) = await agent.claim(id, wait=10)
    await agent.reply(item, "answered all the same")
    assert item.message["parts"] == [{"text": "I am gone"}]


async def test_a_caller_that_resets_while_it_waits(server: ServerProcess, operator: Client, mailbox: tuple[str, Client]) -> None:
    id, agent = mailbox
    connection = connect(server)
    connection.sendall(request(server, id, "gone", str(uuid4())))
    (item,) = await agent.claim(id, wait=10)
    reset(connection)
    await agent.reply(item, "answered all the same")
    assert [line["content"] for line in await exchange(operator, id)] == ["gone", "answered all the same"]


async def test_callers_that_reset_at_once_leave_all_or_nothing(
    server: ServerProcess, operator: Client, mailbox: tuple[str, Client]
) -> None:
    """The server may never have read it: then it is not there, and the same key makes it, once."""
    id, agent = mailbox
    keys = [str(uuid4()) for _ in range(20)]
    for key in keys:
        connection = connect(server)
        connection.sendall(request(server, id, key, key))
        reset(connection)
    for key in keys:
        with connect(server) as connection:
            connection.sendall(request(server, id, key, key))
    for _ in keys:
        (item,) = await agent.claim(id, wait=10)
        await agent.reply(item, "once")
    said = await exchange(operator, id, 2 * len(keys))
    assert sorted(line["content"] for line in said if line["role"] == "user") == sorted(keys)
    assert await agent.claim(id, wait=0) == []


async def test_a_caller_that_never_reads_its_answer(server: ServerProcess, operator: Client, mailbox: tuple[str, Client]) -> None:
    id, agent = mailbox
    with connect(server, receive_buffer=4096) as connection:
        connection.sendall(request(server, id, "I never read", str(uuid4())))
        (item,) = await agent.claim(id, wait=10)
        await agent.reply(item, LONG)
        said = await exchange(operator, id)
        assert (said[0]["state"], said[1]["content"]) == ("replied", LONG)
        # Nobody else waits for that connection.
        await operator.send(id, "next", wait=None)
        (following,) = await agent.claim(id, wait=10)
        assert following.message["parts"][0]["text"] == "next"
        await agent.reply(following, "done")
