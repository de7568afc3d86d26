"""Agents that answer badly, through the real server: the sender reads what became of it, nothing else is kept, the next one passes."""

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from postroom.client import Client
from tests.edges.agents import Behaviour, Exchange, RawAgent, raw_agent
from tests.edges.streaming import CARD, TASK, artifact, begin, frame, send, words
from tests.support.http import ask
from tests.support.server import ServerProcess, make_agent

Json = dict[str, Any]
REPLY_LIMIT = 10 * 1024 * 1024
_SENDS = ("SendMessage", "SendStreamingMessage")
GOOD = {"message": {"role": "ROLE_AGENT", "messageId": "m", "parts": [{"text": "good"}]}}


@pytest.fixture(scope="module")
def impatient(short_directory: Path) -> Generator[ServerProcess]:
    """A server that gives an agent a second, and two attempts."""
    process = ServerProcess(
        short_directory / "impatient", poll_seconds="0.2", backoff_seconds="0.05", attempt_limit="2", call_seconds="1", backoff_limit="0.5"
    )
    try:
        yield process.start()
    finally:
        process.destroy()


@dataclass
class House:
    server: ServerProcess
    operator: Client

    async def mailbox(self, url: str, card: Json | None = None) -> str:
        id, token = await make_agent(self.operator, "bad", delivery_mode="push", url=url)
        if card is not None:
            async with self.server.client(token) as agent:
                await agent.register(id, agent_card=card, url=url)
        return id

    async def history(self, id: str) -> list[Json]:
        return (await self.operator.chat_history(id))["messages"]

    async def faults(self) -> float:
        """How often something happened that nobody expected."""
        answer = await asyncio.to_thread(ask, self.server.url, "GET", "/metrics", token=self.server.operator_token)
        lines = answer.content.decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("postroom_faults_total"))


@pytest.fixture
async def house(impatient: ServerProcess) -> AsyncGenerator[House]:
    async with impatient.client() as operator:
        yield House(impatient, operator)


def says(exchange: Exchange, word: str) -> bool:
    return exchange.json.get("method") in _SENDS and exchange.json["params"]["message"]["parts"][0].get("text") == word


def bad_once(misbehave: Behaviour) -> Behaviour:
    """Misbehaves for the message ``bad``, in every attempt, and is good for the rest."""

    async def behave(exchange: Exchange) -> None:
        if exchange.json.get("method") not in _SENDS or says(exchange, "bad"):
            await misbehave(exchange)
        else:
            await exchange.answer_result(GOOD)

    return behave


async def hang_up(exchange: Exchange) -> None:
    exchange.writer.close()
    await exchange.writer.wait_closed()
    raise ConnectionError


def answers(body: bytes, **fields: str) -> Behaviour:
    async def behave(exchange: Exchange) -> None:
        await exchange.answer(body, **fields)

    return behave


async def half_a_body(exchange: Exchange) -> None:
    await exchange.send(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"jsonrpc": "2.0", "resu')
    await hang_up(exchange)


async def garbage(exchange: Exchange) -> None:
    await exchange.send(b"\x00\xff\xfe this is no HTTP\r\n\r\n")
    await hang_up(exchange)


async def too_much(exchange: Exchange) -> None:
    await exchange.answer(b'"' + b"x" * (REPLY_LIMIT - 1) + b'"')


async def never(exchange: Exchange) -> None:
    await exchange.reader.read()


async def endless_task(exchange: Exchange) -> None:
    task = {"id": "t", "contextId": "c", "status": {"state": "TASK_STATE_WORKING"}}
    await exchange.answer_result({"task": task} if exchange.json["method"] == "SendMessage" else task)


async def endless_words(exchange: Exchange) -> None:
    await begin(exchange)
    for number in itertools.count():
        await send(exchange, frame({"result": words(f"still at it {number}")}))
        await asyncio.sleep(0.01)


async def half_a_stream(exchange: Exchange) -> None:
    if exchange.json["method"] != "GetTask":
        await begin(exchange)
        await send(exchange, frame({"result": TASK}) + frame({"result": artifact("half of ")}) + b"data: {")
    await hang_up(exchange)


# What it does; the code that its sender reads; how often it is called for one message.
MISDEEDS: dict[str, tuple[Behaviour, set[str], int]] = {
    "garbage": (garbage, {"attempts_exhausted"}, 2),
    "half a body": (half_a_body, {"attempts_exhausted"}, 2),
    "not JSON": (answers(b"{nonsense"), {"attempts_exhausted"}, 2),
    "NUL": (answers(b'{"result": {"parts": [{"text": "a\\u0000b"}]}}'), {"attempts_exhausted", "invalid_answer"}, 2),
    "no message": (answers(b'{"result": {"weather": "fine"}}'), {"invalid_answer"}, 1),
    "too much": (too_much, {"answer_too_large", "reply_too_large", "too_large", "attempts_exhausted"}, 1),
    "never": (never, {"attempts_exhausted"}, 2),
    "500": (answers(b"oops", status="500 Oops", content_type="text/plain"), {"attempts_exhausted"}, 2),
    "404": (answers(b"{}", status="404 Not Found"), {"agent_error"}, 1),
    "HTML": (answers(b"<p>hello", content_type="text/html"), {"attempts_exhausted"}, 2),
    "endless task": (endless_task, {"attempts_exhausted"}, 2),
}


@pytest.mark.parametrize("misdeed", MISDEEDS)
async def test_the_sender_reads_why_and_the_next_message_passes(house: House, misdeed: str) -> None:
    behaviour, codes, calls = MISDEEDS[misdeed]
    before = await house.faults()
    async with raw_agent(bad_once(behaviour)) as agent:
        id = await house.mailbox(agent.url)
        sent = await house.operator.send(id, "bad", wait=20)
        assert sent.state == "failed" and sent.error is not None
        assert sent.error["code"] in codes and sent.error["detail"]
        assert sum(1 for exchange in agent.exchanges if says(exchange, "bad")) in range(1, calls + 1)
        assert (await house.operator.send(id, "next", wait=10)).text == "good"
    said = await house.history(id)
    assert [(line["role"], line["content"], line["state"]) for line in said if line["role"] != "agent"] == [
        ("user", "bad", "failed"),
        ("user", "next", "replied"),
    ]
    assert [line["content"] for line in said if line["role"] == "agent"] == ["good"]
    assert await house.faults() == before


STREAMED: dict[str, Behaviour] = {
    "endless words": endless_words,
    "half a stream": half_a_stream,
    "nonsense": answers(b"data: {nonsense\n\n", content_type="text/event-stream"),
}


@pytest.mark.parametrize("misdeed", STREAMED)
async def test_a_stream_that_comes_to_nothing_is_tried_again_and_the_next_message_passes(house: House, misdeed: str) -> None:
    before = await house.faults()
    async with raw_agent(bad_once(STREAMED[misdeed])) as agent:
        id = await house.mailbox(agent.url, CARD)
        sent = await house.operator.send(id, "bad", wait=20)
        assert sent.error is not None and sent.error["code"] == "attempts_exhausted"
        assert sum(1 for exchange in agent.exchanges if says(exchange, "bad")) == 2
        assert (await house.operator.send(id, "next", wait=10)).text == "good"
    told = await house.operator.activity(id, type="message.progress", limit=100)
    assert len(told) in (range(2, 20) if misdeed == "endless words" else range(3))
    assert [line["content"] for line in await house.history(id) if line["role"] == "agent"] == ["good"]
    assert await house.faults() == before


async def test_a_redirect_is_not_followed_and_nobody_is_asked(house: House) -> None:
    """S6: not even to loopback, where this server lets its agents live."""
    async with raw_agent(answers(b"{}")) as inner:

        async def redirect(exchange: Exchange) -> None:
            await exchange.answer(b"", status="307 Temporary Redirect", headers=f"Location: {inner.url}\r\n")

        async with raw_agent(bad_once(redirect)) as agent:
            id = await house.mailbox(agent.url)
            sent = await house.operator.send(id, "bad", wait=20)
            assert sent.state == "failed"
            assert (await house.operator.send(id, "next", wait=10)).text == "good"
        assert inner.connects == 0


@pytest.mark.parametrize("address", ["http://169.254.169.254/", "http://10.0.0.1/", "http://[fd00::1]/", "file:///etc/passwd"])
async def test_a_redirect_to_where_no_agent_may_live_ends_as_any_other(house: House, address: str) -> None:
    redirect = answers(b"", status="302 Found", headers=f"Location: {address}\r\n")
    async with raw_agent(bad_once(redirect)) as agent:
        id = await house.mailbox(agent.url)
        assert (await house.operator.send(id, "bad", wait=20)).state == "failed"


async def test_refused_connections_cost_no_attempt(house: House) -> None:
    """R24: the message waits, however often nobody is there, and passes when somebody is."""
    async with raw_agent(answers(b"{}")) as gone:
        port = gone.port
    id = await house.mailbox(f"http://127.0.0.1:{port}/")
    sent = await house.operator.send(id, "first", wait=1.5)
    assert sent.state in ("accepted", "handed")
    async with raw_agent(answers(b'{"result": {"parts": [{"text": "back again"}]}}'), port=port) as agent:
        await _until(lambda: bool(agent.exchanges), 10)
        assert agent.exchanges[0].header("X-Postroom-Attempt") == "1"
        assert (await house.operator.send(id, "second", wait=10)).text == "back again"
    assert [line["state"] for line in await house.history(id) if line["role"] == "user"] == ["replied", "replied"]


async def test_503_with_retry_after_is_asked_again(house: House) -> None:
    async def busy_once(exchange: Exchange) -> None:
        if len(agent.exchanges) == 1:
            await exchange.answer(b"", status="503 Busy", headers="Retry-After: 1\r\n")
        else:
            await exchange.answer_result(GOOD)

    agent: RawAgent
    async with raw_agent(busy_once) as agent:
        id = await house.mailbox(agent.url)
        began = time.monotonic()
        assert (await house.operator.send(id, "work", wait=10)).text == "good"
        print(f"asked again after {time.monotonic() - began:.2f} s")
        assert len(agent.exchanges) == 2


async def test_while_one_agent_hangs_the_others_are_served(house: House) -> None:
    async with raw_agent(never) as hanging, raw_agent(bad_once(never)) as good:
        stuck, fine = await house.mailbox(hanging.url), await house.mailbox(good.url)
        for _ in range(3):
            await house.operator.send(stuck, "bad", wait=None)
        await _until(lambda: hanging.connects > 0, 5)
        assert (await house.operator.send(fine, "hello", wait=5)).text == "good"


async def _until(holds: Callable[[], bool], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)
