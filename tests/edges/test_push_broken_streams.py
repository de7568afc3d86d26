"""Agents that stream and do not keep their word: calls end in time and with a value, half an answer is none, nothing is sent twice."""

import asyncio
import json
import random
from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest
import pytest_asyncio

from postroom.clock import monotonic
from postroom.core.deliveries.model import Cancelled, Failure, NotHanded, Reply, Watch
from postroom.edges.push import caller as module
from postroom.edges.push.addresses import AddressGuard, AddressPolicy
from postroom.edges.push.answers import Unfinished, WrongDialect
from postroom.edges.push.caller import PushCaller
from postroom.edges.push.connections import Answer, Connections
from postroom.edges.push.streams import Frames, Stream
from postroom.edges.push.telling import Telling
from postroom.edges.wire import text_of
from tests.edges.agents import Behaviour, Exchange, no_file, raw_agent
from tests.edges.streaming import CARD, CARD_03, DONE, TASK, Heard, artifact, asked, begin, frame, send, status, streams, whole, words
from tests.edges.test_push_caller import delivery_of, target_of

Json = dict[str, Any]
LIMIT = 64 * 1024
EVENTS = [TASK, words("one"), artifact("half of "), artifact("it", append=True), DONE]


@pytest_asyncio.fixture
async def connections() -> AsyncGenerator[Connections]:
    pool = Connections(AddressGuard(AddressPolicy(allow_loopback=True)), reply_limit=LIMIT)
    yield pool
    await pool.close()


@pytest.fixture
def caller(connections: Connections) -> PushCaller:
    """What is bounded by the time of a call only does not end within a test."""
    return PushCaller(connections, read_file=no_file, call_seconds=300)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Follow tasks without the pauses of real life."""
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(module, "PAUSE_LIMIT", 0.005)


def cut_after(events: list[Json], *, rest: bytes = b"") -> Behaviour:
    async def behave(exchange: Exchange) -> None:
        await begin(exchange)
        for event in events:
            await send(exchange, frame({"result": event}))
        if rest:
            await send(exchange, rest)
        exchange.writer.close()

    return behave


async def said_by(caller: PushCaller, behave: Behaviour, card: Json = CARD) -> tuple[Any, list[str]]:
    """What a call comes to, and the methods that it took. A call that hangs is a failure."""
    async with raw_agent(behave) as agent, asyncio.timeout(60):
        result = await caller.call(delivery_of(), target_of(agent.url, card))
        return result, [exchange.json["method"] for exchange in agent.exchanges]


class TestBrokenOff:
    @pytest.mark.parametrize("inside", [b"", b"data: {", frame({"result": DONE})[:-1]], ids=["between", "in a frame", "before its end"])
    @pytest.mark.parametrize("count", range(1, 5))
    async def test_the_task_is_asked_for(self, caller: PushCaller, count: int, inside: bytes) -> None:
        reply, methods = await said_by(caller, asked(cut_after(EVENTS[:count], rest=inside)))
        assert isinstance(reply, Reply), reply
        assert text_of(reply.message) == "whole"
        assert methods == ["SendStreamingMessage", "GetTask"]

    async def test_what_was_said_before_is_told_all_the_same(self, caller: PushCaller) -> None:
        async def behave(exchange: Exchange) -> None:
            if exchange.json["method"] != "GetTask":
                await cut_after(EVENTS[:4])(exchange)
            else:
                while "half of it" not in "".join(heard.told):
                    heard.news.clear()
                    await heard.news.wait()
                await exchange.answer_result(whole())

        heard = Heard()
        async with raw_agent(behave) as agent, asyncio.timeout(30):
            await caller.call(delivery_of(), target_of(agent.url, CARD), heard)
        assert heard.told[0].startswith("one")

    async def test_before_the_first_event_it_is_a_call_that_broke(self, caller: PushCaller) -> None:
        failure, methods = await said_by(caller, cut_after([]))
        assert isinstance(failure, Failure)
        assert (failure.code, failure.retry, methods) == ("no_answer", True, ["SendStreamingMessage"])

    async def test_after_the_last_event_nothing_is_missing(self, caller: PushCaller) -> None:
        reply, methods = await said_by(caller, cut_after(EVENTS))
        assert isinstance(reply, Reply)
        assert (text_of(reply.message), methods) == ("half of \nit", ["SendStreamingMessage"])

    @pytest.mark.parametrize("properly", [True, False])
    async def test_half_a_result_without_a_task_is_no_answer(self, caller: PushCaller, properly: bool) -> None:
        """Whether the stream is cut or ends as if nothing was missing."""
        piece = {"artifactUpdate": {"artifact": {"artifactId": "a", "parts": [{"text": "half of "}]}}}
        failure, _ = await said_by(caller, streams(piece) if properly else cut_after([piece]))
        assert isinstance(failure, Failure), failure
        assert failure.retry

    async def test_an_agent_that_is_gone_with_its_task_is_given_the_message_again(self, caller: PushCaller) -> None:
        async def forgetful(exchange: Exchange) -> None:
            await (cut_after(EVENTS[:3])(exchange) if exchange.json["method"] != "GetTask" else exchange.answer_error(-32001))

        failure, methods = await said_by(caller, forgetful)
        assert isinstance(failure, Failure)
        assert (failure.code, failure.retry, methods) == ("task_lost", True, ["SendStreamingMessage", "GetTask"])


class TestUnreadable:
    """An event that can not be read may have been part of the answer: the task tells the whole of it."""

    @pytest.mark.parametrize("junk", [b"data: {nonsense\n\n", b"data: \xff\n\n", b"data: [1]\n\n", frame({"result": {"weather": 1}})])
    async def test_in_a_stream(self, caller: PushCaller, junk: bytes) -> None:
        async def behave(exchange: Exchange) -> None:
            await begin(exchange)
            for event in EVENTS:
                await send(exchange, frame({"result": event}) + (junk if event is EVENTS[2] else b""))
            await exchange.send(b"0\r\n\r\n")

        reply, methods = await said_by(caller, asked(behave))
        assert isinstance(reply, Reply), reply
        assert (text_of(reply.message), methods) == ("whole", ["SendStreamingMessage", "GetTask"])

    @pytest.mark.parametrize(("junk", "retry"), [(b"data: <p>\n\n", True), (b"data: {}\n\n", False), (frame({"result": 7}), False)])
    async def test_instead_of_a_stream(self, caller: PushCaller, junk: bytes, retry: bool) -> None:
        failure, _ = await said_by(caller, lambda exchange: exchange.answer(junk, content_type="text/event-stream"))
        assert isinstance(failure, Failure)
        assert (failure.code, failure.retry) == ("invalid_answer", retry)

    async def test_another_task_is_not_taken_for_this_one(self, caller: PushCaller) -> None:
        other = {"statusUpdate": DONE["statusUpdate"] | {"taskId": "t-2"}}
        reply, methods = await said_by(caller, asked(streams(TASK, words("one"), other)))
        assert isinstance(reply, Reply)
        assert (text_of(reply.message), methods) == ("whole", ["SendStreamingMessage", "GetTask"])

    def test_whatever_an_agent_sends_there_is_a_value(self) -> None:
        """3,000 streams of good events with junk in odd places, from fixed seeds."""
        ends = set[type]()
        for seed in range(3000):
            dice, stream = random.Random(seed), Stream(Telling(Watch()))
            for event in dice.choices([*EVENTS, {"kind": "message"}, {"task": whole()}, status("UNHEARD_OF")], k=4):
                stream.hear(frame({"result": damaged(json.loads(json.dumps(event)), dice)}))
            ends.add(type(stream.outcome(Answer(200, "text/event-stream", b""))))
        assert ends == {Reply, Failure, Unfinished}


JUNK: list[Any] = [None, 0, -1.5, "", "x", [], [None], {}, {"a": 1}, True, [[]], {"parts": 5}, {"id": []}]


def damaged(value: Any, dice: random.Random) -> Any:
    """The same with, now and then, something else in one place of it."""
    if dice.random() < 0.05:
        return dice.choice(JUNK)
    if isinstance(value, dict):
        return {name: damaged(member, dice) for name, member in cast(Json, value).items()}
    return [damaged(member, dice) for member in cast(list[Any], value)] if isinstance(value, list) else value


class TestWithoutEnd:
    @pytest.mark.parametrize("event", [DONE, words("which one?", "INPUT_REQUIRED"), words("no", "FAILED"), status("CANCELED")])
    @pytest.mark.parametrize("chatty", [True, False])
    async def test_an_answer_that_is_there_is_not_waited_for(self, caller: PushCaller, event: Json, chatty: bool) -> None:
        """An agent may keep its stream open while it waits for an answer to its question (specification 3.1.2)."""

        async def behave(exchange: Exchange) -> None:
            await begin(exchange)
            await send(exchange, frame({"result": TASK}) + frame({"result": artifact("fine")}) + frame({"result": event}))
            while chatty and not exchange.reader.at_eof():
                await send(exchange, b": still here\n\n")
                await asyncio.sleep(0.05)
            await exchange.reader.read()

        result, methods = await said_by(caller, behave)
        assert isinstance(result, Reply | Cancelled) or (result.code, result.detail) == ("agent_failed", "no")
        assert methods == ["SendStreamingMessage"]

    @pytest.mark.parametrize("pings", [b": ping\n\n", b"data:\n\n", b"event: x\nid: 1\n\n", b""])
    async def test_a_stream_that_says_nothing_ends_with_the_time_of_the_call(self, connections: Connections, pings: bytes) -> None:
        async def behave(exchange: Exchange) -> None:
            await begin(exchange)
            while pings and not exchange.reader.at_eof():
                await send(exchange, pings)
                await asyncio.sleep(0.01)
            await exchange.reader.read()

        failure, _ = await said_by(PushCaller(connections, read_file=no_file, call_seconds=0.3), behave)
        assert isinstance(failure, Failure)
        assert (failure.code, failure.retry) == ("no_answer", True)

    async def test_a_task_without_end_ends_with_the_time_of_the_call(self, connections: Connections) -> None:
        async def behave(exchange: Exchange) -> None:
            await cut_after([])(exchange) if exchange.json["method"] == "GetTask" else await begin(exchange)
            await send(exchange, frame({"result": TASK}))
            await exchange.reader.read()

        failure, _ = await said_by(PushCaller(connections, read_file=no_file, call_seconds=0.3), behave)
        assert isinstance(failure, Failure)
        assert (failure.code, failure.retry) == ("no_answer", True)

    @pytest.mark.parametrize("event", [artifact("x" * 1000, append=True), words("x" * 1000)], ids=["results", "words"])
    async def test_the_limit_of_size_is_for_all_that_is_said(self, caller: PushCaller, event: Json) -> None:
        failure, methods = await said_by(caller, streams(TASK, *[event] * 100))
        assert isinstance(failure, Failure)
        assert (failure.code, failure.retry, methods) == ("answer_too_large", False, ["SendStreamingMessage"])

    async def test_a_frame_without_end_is_cut_off(self, caller: PushCaller) -> None:
        async def behave(exchange: Exchange) -> None:
            await begin(exchange)
            while True:
                await send(exchange, b"data: x" * 1000)

        failure, _ = await said_by(caller, behave)
        assert isinstance(failure, Failure)
        assert failure.code == "answer_too_large"

    def test_a_frame_that_comes_in_small_pieces_is_read_once(self) -> None:
        """10 MB in pieces of 256 bytes. Read anew with every piece, that would be 200 GB."""
        frames, began, found = Frames(), monotonic(), list[bytes]()
        for piece in [b"data: ", *[b"x" * 256] * 40_000, b"\n\n"]:
            found += frames.feed(piece)
        assert [len(each) for each in found] == [10_240_000]
        assert monotonic() - began < 5

    def test_results_of_many_pieces_are_gathered_once(self) -> None:
        stream, piece, began = Stream(Telling(Watch())), frame({"result": artifact("x", append=True)}) * 100, monotonic()
        for _ in range(600):
            stream.hear(piece)
        assert monotonic() - began < 30
        stream.hear(frame({"result": DONE}))
        reply = stream.outcome(Answer(200, "", b""))
        assert isinstance(reply, Reply)
        assert len(reply.message["parts"]) == 60_000

    async def test_a_call_that_is_no_longer_wanted_hangs_up(self, caller: PushCaller) -> None:
        async def behave(exchange: Exchange) -> None:
            await begin(exchange)
            await send(exchange, frame({"result": words("one")}))
            await exchange.reader.readexactly(1)

        heard = Heard()
        async with raw_agent(behave) as agent, asyncio.timeout(30):
            async with asyncio.TaskGroup() as group:
                task = group.create_task(caller.call(delivery_of(), target_of(agent.url, CARD), heard))
                await heard.news.wait()
                task.cancel()
            await agent.hung_up.wait()


class TestFrames:
    @pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
    @pytest.mark.parametrize("size", [1, 2, 3, 7])
    def test_however_the_bytes_are_cut_the_events_are_the_same(self, size: int, ending: str) -> None:
        said = [TASK, words("on it"), artifact("☃ "), artifact("ü\u2028", append=True), DONE]
        lines = [line for result in said for line in (": ping", "", "event: x", *data_of({"result": result}), "id: 1", "")]
        sent, stream = ending.join([*lines, "data: {broken", "", ""]).encode(), Stream(Telling(Watch()))
        for at in range(0, len(sent), size):
            stream.hear(sent[at : at + size])
        reply = stream.outcome(Answer(200, "text/event-stream", b""))
        assert isinstance(reply, Reply), reply
        assert [part["text"] for part in reply.message["parts"]] == ["☃ ", "ü\u2028"]


def data_of(value: Json) -> list[str]:
    """One frame, in several lines as the standard allows."""
    return [f"data: {line}" for line in json.dumps(value, ensure_ascii=False, indent=1).split("\n")]


class TestOutOfOrder:
    @pytest.mark.parametrize(
        "events",
        [
            [artifact("fine"), TASK, DONE],
            [artifact("fine", append=True), DONE],
            [words("one"), TASK, artifact("fine", lastChunk=True), words("two"), DONE],
            [TASK, DONE, artifact("fine")],
            [TASK, artifact("fine"), DONE, words("one"), TASK],
            [TASK, artifact("a draft"), artifact("fine"), DONE],
            [TASK, {"task": whole("fine")}],
            [TASK, artifact("fine"), {"task": whole("fine")}],
            [{"task": whole("fine")}, DONE],
        ],
    )
    async def test_the_results_are_the_reply(self, caller: PushCaller, events: list[Json]) -> None:
        reply, methods = await said_by(caller, streams(*events))
        assert isinstance(reply, Reply), reply
        assert (text_of(reply.message), methods) == ("fine", ["SendStreamingMessage"])

    async def test_a_task_that_ends_without_a_word_is_an_empty_reply_as_it_is_without_a_stream(self, caller: PushCaller) -> None:
        streamed, _ = await said_by(caller, streams(TASK, DONE))
        plain, _ = await said_by(caller, lambda exchange: exchange.answer_result(whole() | {"artifacts": []}), {})
        assert isinstance(streamed, Reply)
        assert isinstance(plain, Reply)
        assert streamed.message["parts"] == plain.message["parts"]


class TestErrors:
    @pytest.mark.parametrize("card", [CARD, CARD_03], ids=["1.0", "0.3"])
    @pytest.mark.parametrize(("code", "retry"), [(-32603, True), (-32601, False), (-32004, False), (-32602, False)])
    async def test_who_has_begun_is_not_sent_the_message_again(self, caller: PushCaller, card: Json, code: int, retry: bool) -> None:
        async def behave(exchange: Exchange) -> None:
            await begin(exchange)
            await send(exchange, frame({"result": TASK}) + frame({"error": {"code": code, "message": "oh"}}))
            await exchange.send(b"0\r\n\r\n")

        failure, methods = await said_by(caller, behave, card)
        assert isinstance(failure, Failure)
        assert (failure.code, failure.retry, len(methods)) == ("agent_error", retry, 1)
        assert failure.detail.endswith("oh")

    async def test_a_refusal_may_come_in_a_frame(self, caller: PushCaller) -> None:
        """So 0.3 of the official SDK sends it."""

        async def behave(exchange: Exchange) -> None:
            refusal = frame({"error": {"code": -32004, "message": "no streams"}})
            if exchange.json["method"] == "message/send":
                await exchange.answer_result({"role": "agent", "messageId": "r", "parts": [{"kind": "text", "text": "done"}]})
            else:
                await exchange.answer(refusal, content_type="text/event-stream; charset=utf-8")

        reply, methods = await said_by(caller, behave, CARD_03)
        assert isinstance(reply, Reply), reply
        assert methods == ["message/stream", "message/send"]

    async def test_an_agent_that_is_not_there_was_not_handed_anything(self, caller: PushCaller) -> None:
        async with raw_agent(streams(TASK)) as gone:
            url = gone.url
        assert isinstance(await caller.call(delivery_of(), target_of(url, CARD)), NotHanded)

    def test_a_refusal_is_none_after_a_result(self) -> None:
        stream = Stream(Telling(Watch()))
        stream.hear(frame({"result": {"artifactUpdate": {"artifact": {"parts": [{"text": "a"}]}}}}))
        stream.hear(frame({"error": {"code": -32601}}))
        assert not isinstance(stream.outcome(Answer(200, "", b"")), WrongDialect)
