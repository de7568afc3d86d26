"""Files in a call: their bytes go out in the place of their address, in either version of A2A, whatever their length."""

import base64
import os
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID, uuid4

import pytest

from postroom.core.deliveries.model import NotHanded, Reply
from postroom.edges.push.addresses import AddressGuard, AddressPolicy
from postroom.edges.push.caller import PushCaller
from postroom.edges.push.connections import Connections
from postroom.edges.push.enclosing import ReadFile
from postroom.errors import Unavailable
from tests.edges.agents import Exchange, raw_agent
from tests.edges.test_push_caller import CARD_03, delivery_of, reply_done, target_of

Json = dict[str, Any]


@pytest.fixture
async def connections() -> AsyncGenerator[Connections]:
    pool = Connections(AddressGuard(AddressPolicy(allow_loopback=True)), reply_limit=1024 * 1024)
    yield pool
    await pool.close()


def reading(files: dict[UUID, bytes], piece: int = 1000) -> ReadFile:
    """Reads them in pieces of that many bytes."""

    async def read(file: UUID, start: int, end: int) -> AsyncGenerator[bytes]:
        for at in range(start, end, piece):
            yield files[file][at : min(at + piece, end)]

    return read


def part_of(file: UUID, content: bytes) -> Json:
    return {"url": f"/files/{file}", "filename": "a.bin", "mediaType": "image/png", "metadata": {"postroom.size": len(content)}}


async def sent(connections: Connections, contents: list[bytes], card: Json | None = None) -> tuple[Exchange, list[Json]]:
    """What arrives of a message with these files, and the parts that it was made of."""
    files = {uuid4(): content for content in contents}
    parts = [{"text": "look"}, *(part_of(*file) for file in files.items()), {"text": "and say"}]
    caller = PushCaller(connections, read_file=reading(files), call_seconds=20)
    async with raw_agent(reply_done) as agent:
        assert isinstance(await caller.call(delivery_of(parts=parts), target_of(agent.url, card)), Reply)
    return agent.exchanges[0], parts


@pytest.mark.parametrize("size", [1, 2, 3, 998, 999, 1000, 1001, 1002, 300_001])
async def test_the_bytes_are_in_the_place_of_the_address(connections: Connections, size: int) -> None:
    content = os.urandom(size)
    exchange, parts = await sent(connections, [content])
    heard = exchange.json["params"]["message"]["parts"]
    assert base64.b64decode(heard[1].pop("raw"), validate=True) == content
    del parts[1]["url"]
    assert heard == parts


async def test_in_0_3_they_are_a_file(connections: Connections) -> None:
    contents = [os.urandom(1234), os.urandom(4321)]
    exchange, _ = await sent(connections, contents, CARD_03)
    _, *files, _ = exchange.json["params"]["message"]["parts"]
    assert [base64.b64decode(part["file"]["bytes"], validate=True) for part in files] == contents
    assert {part["kind"] for part in files} == {"file"}
    assert [(part["file"]["name"], part["file"]["mimeType"]) for part in files] == [("a.bin", "image/png")] * 2


async def test_an_agent_that_is_asked_again_gets_them_again(connections: Connections) -> None:
    """In the other version, because it does not know this one."""
    file, content = uuid4(), os.urandom(5000)

    async def behave(exchange: Exchange) -> None:
        await (exchange.answer_error(-32601) if exchange.json["method"] == "SendMessage" else reply_done(exchange))

    caller = PushCaller(connections, read_file=reading({file: content}), call_seconds=20)
    async with raw_agent(behave) as agent:
        assert isinstance(await caller.call(delivery_of(parts=[part_of(file, content)]), target_of(agent.url)), Reply)
    first, second = [exchange.json["params"]["message"]["parts"][0] for exchange in agent.exchanges]
    assert first["raw"] == second["file"]["bytes"] == base64.b64encode(content).decode()


async def test_a_file_that_can_not_be_read_leaves_the_message_unsaid(connections: Connections) -> None:
    """The database goes away in the middle: the agent can do nothing with half a request, and it is tried again."""
    file, content = uuid4(), os.urandom(5000)

    async def half(file: UUID, start: int, end: int) -> AsyncGenerator[bytes]:
        yield content[:2000]
        raise Unavailable("The database can not be reached.", code="database_down")

    caller = PushCaller(connections, read_file=half, call_seconds=20)
    async with raw_agent(reply_done) as agent:
        outcome = await caller.call(delivery_of(parts=[part_of(file, content)]), target_of(agent.url))
        assert isinstance(outcome, NotHanded) and outcome.code == "database_down"
        await agent.hung_up.wait()
    assert agent.exchanges == []
