"""Agents that tell how their work goes: what is shown meanwhile, what the whole amounts to, and streams that do not keep their word."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
import pytest_asyncio

from postroom.core.deliveries.model import Cancelled, Failure, Reply, Watch
from postroom.edges.push.addresses import AddressGuard, AddressPolicy
from postroom.edges.push.caller import PushCaller
from postroom.edges.push.connections import Answer, Connections
from postroom.edges.push.streams import Stream
from postroom.edges.push.telling import Telling
from postroom.edges.wire import text_of
from tests.edges.agents import Exchange, raw_agent, sdk_agent
from tests.edges.test_push_caller import delivery_of, target_of

Json = dict[str, Any]

LIMIT = 64 * 1024
CARD: Json = {"supportedInterfaces": [{"protocolBinding": "JSONRPC", "protocolVersion": "1.0"}], "capabilities": {"streaming": True}}
CARD_03: Json = {"name": "a", "protocolVersion": "0.3.0", "url": "http://somewhere.example/", "capabilities": {"streaming": True}}

WORKING: Json = {"state": "TASK_STATE_WORKING"}
TASK: Json = {"task": {"id": "t-1", "contextId": "c-1", "status": {"state": "TASK_STATE_SUBMITTED"}}}
DONE: Json = {"statusUpdate": {"taskId": "t-1", "contextId": "c-1", "status": {"state": "TASK_STATE_COMPLETED"}}}


def words(text: str) -> Json:
    status = WORKING | {"message": {"messageId": "w", "role": "ROLE_AGENT", "parts": [{"text": text}]}}
    return {"statusUpdate": {"taskId": "t-1", "contextId": "c-1", "status": status}}


def artifact(text: str, **how: Any) -> Json:
    return {"artifactUpdate": {"taskId": "t-1", "contextId": "c-1", "artifact": {"artifactId": "a", "parts": [{"text": text}]}, **how}}


class Heard(Watch):
    def __init__(self) -> None:
        self.upstream: Json | None = None
        self.told: list[str] = []

    def begun(self, upstream: Json) -> None:
        self.upstream = upstream

    async def progress(self, told: Json) -> None:
        self.told.append(text_of(told))


@pytest_asyncio.fixture
async def caller() -> AsyncGenerator[PushCaller]:
    pool = Connections(AddressGuard(AddressPolicy(allow_loopback=True)), reply_limit=LIMIT)
    yield PushCaller(pool, call_seconds=30)
    await pool.close()


@pytest.fixture
def heard() -> Heard:
    return Heard()


async def stream(exchange: Exchange, *events: Json) -> None:
    """An event stream of these results, and then its end."""
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: ping\r\n\r\n")
    for event in events:
        await exchange.send(f"data: {json.dumps({'jsonrpc': '2.0', 'id': exchange.json['id']} | event)}\r\n\r\n".encode())
    exchange.writer.close()


def streams(*results: Json) -> Callable[[Exchange], Any]:
    return lambda exchange: stream(exchange, *({"result": result} for result in results))


async def test_words_are_shown_as_they_come_and_the_results_are_the_reply(caller: PushCaller, heard: Heard) -> None:
    told = (TASK, words("one"), words("two"), artifact("fi"), artifact("nal", append=True), DONE)
    async with raw_agent(streams(*told)) as agent:
        reply = await caller.call(delivery_of(), target_of(agent.url, CARD), heard)
        asked = agent.exchanges[0]
    assert isinstance(reply, Reply), reply
    assert [part["text"] for part in reply.message["parts"]] == ["fi", "nal"]
    assert (asked.json["method"], asked.header("Accept"), len(agent.exchanges)) == ("SendStreamingMessage", "text/event-stream", 1)
    assert "\n".join(heard.told) == "one\ntwo"
    assert heard.upstream == {"taskId": "t-1", "contextId": "c-1"}


async def test_words_are_told_before_the_stream_has_ended(caller: PushCaller) -> None:
    told = asyncio.Event()

    class Waited(Watch):
        def begun(self, upstream: Json) -> None:
            told.set()

    async def behave(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        await exchange.send(f"data: {json.dumps({'result': TASK})}\n\n".encode())
        await told.wait()
        await exchange.send(f"data: {json.dumps({'result': DONE})}\n\n".encode())
        exchange.writer.close()

    async with raw_agent(behave) as agent, asyncio.timeout(20):
        assert isinstance(await caller.call(delivery_of(), target_of(agent.url, CARD), Waited()), Reply)


async def test_the_events_of_0_3(caller: PushCaller, heard: Heard) -> None:
    said = {"kind": "message", "messageId": "w", "role": "agent", "parts": [{"kind": "text", "text": "on it"}]}
    told = (
        {"kind": "task", "id": "t-1", "contextId": "c-1", "status": {"state": "submitted"}},
        {"kind": "status-update", "taskId": "t-1", "contextId": "c-1", "status": {"state": "working", "message": said}, "final": False},
        {"kind": "artifact-update", "taskId": "t-1", "artifact": {"artifactId": "a", "parts": [{"kind": "text", "text": "final"}]}},
        {"kind": "status-update", "taskId": "t-1", "contextId": "c-1", "status": {"state": "completed"}, "final": True},
    )
    async with raw_agent(streams(*told)) as agent:
        reply = await caller.call(delivery_of(), target_of(agent.url, CARD_03), heard)
        assert agent.exchanges[0].json["method"] == "message/stream"
    assert isinstance(reply, Reply), reply
    assert (text_of(reply.message), heard.told) == ("final", ["on it"])


async def test_a_message_alone_is_the_reply(caller: PushCaller) -> None:
    async with raw_agent(streams({"message": {"messageId": "r", "role": "ROLE_AGENT", "parts": [{"text": "at once"}]}})) as agent:
        reply = await caller.call(delivery_of(), target_of(agent.url, CARD))
    assert isinstance(reply, Reply), reply
    assert text_of(reply.message) == "at once"


async def test_a_stream_that_breaks_leaves_a_task_to_be_followed(caller: PushCaller, heard: Heard) -> None:
    async def behave(exchange: Exchange) -> None:
        if exchange.json["method"] == "SendStreamingMessage":
            await stream(exchange, {"result": TASK}, {"result": words("one")})
        else:
            asked = {"id": "t-1", "status": {"state": "TASK_STATE_COMPLETED"}, "artifacts": [{"parts": [{"text": "after all"}]}]}
            await exchange.answer_result(asked)

    async with raw_agent(behave) as agent:
        reply = await caller.call(delivery_of(), target_of(agent.url, CARD), heard)
        assert [exchange.json["method"] for exchange in agent.exchanges] == ["SendStreamingMessage", "GetTask"]
    assert isinstance(reply, Reply), reply
    assert (text_of(reply.message), heard.told) == ("after all", ["one"])


@pytest.mark.parametrize("code", [-32601, -32004])
async def test_an_agent_that_offers_less_than_its_card_says_is_asked_plainly(caller: PushCaller, code: int) -> None:
    async def behave(exchange: Exchange) -> None:
        if exchange.json["method"] == "SendStreamingMessage":
            await exchange.answer_error(code)
        else:
            await exchange.answer_result({"message": {"role": "ROLE_AGENT", "messageId": "r", "parts": [{"text": "done"}]}})

    async with raw_agent(behave) as agent:
        reply = await caller.call(delivery_of(), target_of(agent.url, CARD))
        assert [exchange.json["method"] for exchange in agent.exchanges] == ["SendStreamingMessage", "SendMessage"]
    assert isinstance(reply, Reply), reply


async def test_an_answer_that_is_no_stream_is_an_answer(caller: PushCaller) -> None:
    async with raw_agent(lambda exchange: exchange.answer_result(TASK["task"] | {"status": {"state": "TASK_STATE_CANCELED"}})) as agent:
        assert isinstance(await caller.call(delivery_of(), target_of(agent.url, CARD)), Cancelled)


@pytest.mark.parametrize(
    ("events", "code", "retry"),
    [
        ([], "invalid_answer", True),
        ([{"result": TASK}, {"error": {"code": -32603, "message": "stopping"}}], "agent_error", True),
        ([{"result": {"statusUpdate": {"status": {"state": "TASK_STATE_FAILED"}}}}], "agent_failed", False),
        ([{"result": artifact("x" * 1000, append=True)}] * 100, "answer_too_large", False),
        ([{"result": {"statusUpdate": {"status": "no object"}}}], "invalid_answer", False),
    ],
    ids=["nothing", "an error in the end", "a failure alone", "without end", "nonsense"],
)
async def test_streams_that_come_to_nothing(caller: PushCaller, events: list[Json], code: str, retry: bool) -> None:
    async with raw_agent(lambda exchange: stream(exchange, *events)) as agent:
        failure = await caller.call(delivery_of(), target_of(agent.url, CARD))
    assert isinstance(failure, Failure)
    assert (failure.code, failure.retry) == (code, retry)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_however_the_bytes_are_cut_the_events_are_the_same(size: int, ending: str) -> None:
    said = [TASK, words("on it"), artifact("☃ "), artifact("ü\u2028", append=True), DONE]
    lines = [
        ": ping",
        "",
        *(line for result in said for line in ("event: x", *_data({"result": result}), "id: 1", "")),
        "data: {broken",
        "",
    ]
    sent, read = ending.join([*lines, ""]).encode(), Stream(Telling(Watch()))
    for at in range(0, len(sent), size):
        read.hear(sent[at : at + size])
    reply = read.outcome(Answer(200, "text/event-stream", b""))
    assert isinstance(reply, Reply), reply
    assert [part["text"] for part in reply.message["parts"]] == ["☃ ", "ü\u2028"]


def _data(value: Json) -> list[str]:
    """One frame, in several lines as the standard allows."""
    return [f"data: {line}" for line in json.dumps(value, ensure_ascii=False, indent=1).split("\n")]


@pytest.mark.parametrize("card", [CARD, CARD_03], ids=["1.0", "0.3"])
async def test_an_agent_of_the_official_sdk(caller: PushCaller, heard: Heard, card: Json) -> None:
    with sdk_agent(streaming=True) as sdk:
        reply = await caller.call(delivery_of("hello"), target_of(sdk.url, card), heard)
        failure = await caller.call(delivery_of("fail"), target_of(sdk.url, card))
        asked = await caller.call(delivery_of("ask"), target_of(sdk.url, card))
        message = await caller.call(delivery_of("message please"), target_of(sdk.url, card))
    assert isinstance(reply, Reply), reply
    assert text_of(reply.message) == "done: hello"
    assert heard.upstream is not None
    assert failure == Failure(code="agent_failed", detail="it broke", retry=False)
    assert isinstance(asked, Reply), asked
    assert asked.interrupted == "input-required"
    assert isinstance(message, Reply), message
    assert text_of(message.message) == "said: message please"
