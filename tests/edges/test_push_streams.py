"""Agents that tell how their work goes: what is shown meanwhile, and what the whole amounts to."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio

from postroom.clock import monotonic
from postroom.core.deliveries.model import Cancelled, Failure, Reply, Watch
from postroom.edges.push import caller as module
from postroom.edges.push.addresses import AddressGuard, AddressPolicy
from postroom.edges.push.caller import PushCaller
from postroom.edges.push.connections import Connections
from postroom.edges.push.telling import PAUSE_SECONDS, Telling
from postroom.edges.wire import text_of
from tests.edges.agents import Exchange, no_file, raw_agent, sdk_agent
from tests.edges.streaming import CARD, CARD_03, DONE, TASK, Heard, artifact, begin, frame, send, streams, whole, words
from tests.edges.test_push_caller import delivery_of, target_of

Json = dict[str, Any]
LIMIT = 1024 * 1024


@pytest_asyncio.fixture
async def caller() -> AsyncGenerator[PushCaller]:
    pool = Connections(AddressGuard(AddressPolicy(allow_loopback=True)), reply_limit=LIMIT)
    yield PushCaller(pool, read_file=no_file, call_seconds=30)
    await pool.close()


@pytest.fixture
def heard() -> Heard:
    return Heard()


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


async def test_words_and_pieces_are_told_while_the_stream_goes_on(caller: PushCaller, heard: Heard) -> None:
    async def behave(exchange: Exchange) -> None:
        await begin(exchange)
        for event in (TASK, words("thinking"), artifact("The "), artifact("answer", append=True)):
            heard.news.clear()
            await send(exchange, frame({"result": event}))
            await (heard.news.wait() if event is not TASK else asyncio.sleep(0))
        await send(exchange, frame({"result": artifact(" is 42.", append=True)}) + frame({"result": DONE}))

    async with raw_agent(behave) as agent, asyncio.timeout(30):
        reply = await caller.call(delivery_of(), target_of(agent.url, CARD), heard)
    assert isinstance(reply, Reply), reply
    assert text_of(reply.message) == "The \nanswer\n is 42."
    assert heard.told == ["thinking", "The ", "answer"]


async def test_an_answer_that_comes_at_once_is_not_told_before_it_is_given(caller: PushCaller, heard: Heard) -> None:
    async def behave(exchange: Exchange) -> None:
        events = (TASK, words("quick"), artifact("all of it"), DONE)
        await exchange.answer(b"".join(frame({"result": event}) for event in events), content_type="text/event-stream")

    async with raw_agent(behave) as agent:
        assert isinstance(await caller.call(delivery_of(), target_of(agent.url, CARD), heard), Reply)
    assert heard.told == ["quick"]


async def test_many_pieces_are_told_together_four_times_a_second(caller: PushCaller, heard: Heard) -> None:
    async def behave(exchange: Exchange) -> None:
        await begin(exchange)
        await send(exchange, frame({"result": TASK}))
        for number in range(300):
            await send(exchange, frame({"result": artifact(f"{number} ", append=True)}))
            await asyncio.sleep(0.005)
        await send(exchange, frame({"result": DONE}))

    began = monotonic()
    async with raw_agent(behave) as agent:
        reply = await caller.call(delivery_of(), target_of(agent.url, CARD), heard)
    assert isinstance(reply, Reply), reply
    assert [part["text"] for part in reply.message["parts"]] == [f"{number} " for number in range(300)]
    assert 2 <= len(heard.told) <= (monotonic() - began) / PAUSE_SECONDS
    assert "".join(f"{number} " for number in range(300)).startswith("".join(heard.told))


async def test_a_result_that_is_replaced_is_told_as_it_is_now(heard: Heard) -> None:
    telling = Telling(heard)
    async with telling.going(), asyncio.timeout(30):
        for text in ("a draft", "a better draft"):
            telling.piece("a", text, append=False)
        await heard.news.wait()
    assert heard.told == ["a better draft"]


async def test_a_piece_tells_whether_it_goes_on(heard: Heard) -> None:
    telling = Telling(heard)
    async with telling.going(), asyncio.timeout(30):
        for number, append in enumerate((False, True, False)):
            telling.piece("a", f"{number}", append=append)
            await heard.news.wait()
            heard.news.clear()
    assert [part["metadata"]["postroom.append"] for part in heard.parts] == [False, True, False]


async def test_nobody_waits_for_a_house_that_can_not_be_told(caller: PushCaller) -> None:
    class Deaf(Watch):
        async def progress(self, told: Json) -> None:
            await asyncio.Event().wait()

    async with raw_agent(streams(TASK, words("one"), artifact("fine"), DONE)) as agent, asyncio.timeout(15):
        reply = await caller.call(delivery_of(), target_of(agent.url, CARD), Deaf())
    assert isinstance(reply, Reply), reply


async def test_a_task_that_is_asked_for_tells_its_words_once(caller: PushCaller, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever brought its name: a plain answer, here."""
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(module, "PAUSE_LIMIT", 0.01)
    texts = ["one", "one", "two", "two", "", "three"]

    async def behave(exchange: Exchange) -> None:
        at = len(agent.exchanges) - 1
        await exchange.answer_result(words(texts[at])["statusUpdate"] | {"id": "t-1"} if at < len(texts) else whole())

    async with raw_agent(behave) as agent:
        reply = await caller.call(delivery_of(), target_of(agent.url), heard)
    assert isinstance(reply, Reply), reply
    assert "\n".join(heard.told).split() == ["one", "two", "three"]


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


@pytest.mark.parametrize("code", [-32601, -32004])
async def test_an_agent_that_offers_less_than_its_card_says_is_asked_plainly(caller: PushCaller, code: int) -> None:
    async def behave(exchange: Exchange) -> None:
        if exchange.json["method"] == "SendStreamingMessage":
            await exchange.answer_error(code)
        else:
            await exchange.answer_result({"message": {"role": "ROLE_AGENT", "messageId": "r", "parts": [{"text": "done"}]}})

    async with raw_agent(behave) as agent:
        for _ in range(2):
            assert isinstance(await caller.call(delivery_of(), target_of(agent.url, CARD)), Reply)
        assert [exchange.json["method"] for exchange in agent.exchanges] == ["SendStreamingMessage", "SendMessage", "SendMessage"]


async def test_an_agent_of_the_other_version_is_asked_in_that_and_the_way_is_remembered(caller: PushCaller) -> None:
    async def only_03(exchange: Exchange) -> None:
        said = {"role": "agent", "messageId": "r", "parts": [{"kind": "text", "text": "done"}]}
        await (exchange.answer_result(said) if exchange.json["method"] == "message/send" else exchange.answer_error(-32601))

    async with raw_agent(only_03) as agent:
        for _ in range(2):
            assert isinstance(await caller.call(delivery_of(), target_of(agent.url, CARD)), Reply)
        assert [exchange.json["method"] for exchange in agent.exchanges] == [
            *("SendStreamingMessage", "SendMessage", "message/send"),
            "message/send",
        ]


@pytest.mark.parametrize("status", ["403 Forbidden", "404 Not Found"])
async def test_an_agent_that_turns_a_message_away_is_not_asked_twice(caller: PushCaller, status: str) -> None:
    async with raw_agent(lambda exchange: exchange.answer(b"no", status=status)) as agent:
        failure = await caller.call(delivery_of(), target_of(agent.url, CARD))
        assert len(agent.exchanges) == 1
    assert isinstance(failure, Failure)
    assert (failure.code, failure.retry) == ("agent_error", False)


async def test_streams_are_read_to_their_end_so_that_their_connection_is_used_again(caller: PushCaller) -> None:
    async with raw_agent(streams(TASK, artifact("fine"), DONE)) as agent:
        for _ in range(5):
            assert isinstance(await caller.call(delivery_of(), target_of(agent.url, CARD)), Reply)
        assert (agent.connects, len(agent.exchanges)) == (1, 5)


async def test_an_answer_that_is_no_stream_is_an_answer(caller: PushCaller) -> None:
    async with raw_agent(lambda exchange: exchange.answer_result(TASK["task"] | {"status": {"state": "TASK_STATE_CANCELED"}})) as agent:
        assert isinstance(await caller.call(delivery_of(), target_of(agent.url, CARD)), Cancelled)


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
