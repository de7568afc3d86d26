"""The Caller port: what goes out, which version is spoken, and how a task is followed to its end."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from google.protobuf.json_format import MessageToDict

from postroom.core.deliveries.model import CallTarget, Cancelled, Delivery, Failure, NotHanded, Reply, Sender
from postroom.edges.push import caller as module
from postroom.edges.push.addresses import AddressGuard, AddressPolicy
from postroom.edges.push.caller import PushCaller, child_of, headers_of, message_of
from postroom.edges.push.connections import Connections
from postroom.edges.push.dialects import V0_3, V1_0, Speech, speech_of
from postroom.edges.wire import text_of
from tests.edges.agents import Exchange, SdkAgent, no_file, raw_agent, sdk_agent
from tests.support.ports import free_port

Json = dict[str, Any]
MESSAGE_ID, WORKSPACE_ID, SENDER_ID = UUID(int=1), UUID(int=2), UUID(int=3)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CARD_03: Json = {"name": "a", "protocolVersion": "0.3.0", "url": "http://somewhere.example/"}


def delivery_of(words: str = "hello", **message: Any) -> Delivery:
    return Delivery(
        message_id=MESSAGE_ID,
        workspace_id=WORKSPACE_ID,
        token=7,
        attempt=2,
        lease_until=datetime(2026, 1, 1, tzinfo=UTC),
        deadline=datetime(2026, 1, 2, 3, 4, 5, 678900, UTC),
        sender=Sender(kind="workspace", id=SENDER_ID, name="Ann", role="lead"),
        thread_id="thread",
        task_id=UUID(int=4),
        idempotency_key="the sender's own",
        message={"messageId": "m-1", "role": "ROLE_USER", "parts": [{"text": words}]} | message,
        traceparent=TRACE,
    )


def target_of(url: str, card: Json | None = None) -> CallTarget:
    return CallTarget(workspace_id=WORKSPACE_ID, url=url, agent_card=card)


@pytest_asyncio.fixture
async def connections() -> AsyncGenerator[Connections]:
    pool = Connections(AddressGuard(AddressPolicy(allow_loopback=True)), reply_limit=1024 * 1024)
    yield pool
    await pool.close()


@pytest.fixture
def caller(connections: Connections) -> PushCaller:
    return PushCaller(connections, read_file=no_file, call_seconds=10)


@pytest.fixture(scope="module")
def sdk() -> Generator[SdkAgent]:
    with sdk_agent() as agent:
        yield agent


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Follow tasks without the pauses of real life."""
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(module, "PAUSE_LIMIT", 0.005)


async def reply_done(exchange: Exchange) -> None:
    await exchange.answer_result({"message": {"role": "ROLE_AGENT", "messageId": "r", "parts": [{"text": "done"}]}})


class TestWhatGoesOut:
    async def test_a_1_0_request(self, caller: PushCaller) -> None:
        async with raw_agent(reply_done) as agent:
            assert isinstance(await caller.call(delivery_of(), target_of(agent.url)), Reply)
            sent, exchange = agent.exchanges[0].json, agent.exchanges[0]
        assert (sent["jsonrpc"], sent["id"], sent["method"]) == ("2.0", str(MESSAGE_ID), "SendMessage")
        assert sent["params"] == {"message": message_of(delivery_of())}
        assert {name: exchange.header(name) for name in ("Content-Type", "A2A-Version", "Idempotency-Key", "X-Postroom-Message-Id")} == {
            "Content-Type": "application/json",
            "A2A-Version": "1.0",
            "Idempotency-Key": str(MESSAGE_ID),
            "X-Postroom-Message-Id": str(MESSAGE_ID),
        }
        assert exchange.header("X-Postroom-Attempt") == "2"
        assert exchange.header("X-Postroom-Deadline") == "2026-01-02T03:04:05.678Z"

    async def test_a_0_3_request(self, caller: PushCaller) -> None:
        async with raw_agent(reply_done) as agent:
            assert isinstance(await caller.call(delivery_of(), target_of(agent.url, CARD_03)), Reply)
            sent, exchange = agent.exchanges[0].json, agent.exchanges[0]
        assert sent["method"] == "message/send"
        assert sent["params"]["configuration"] == {"blocking": True}
        assert sent["params"]["message"]["parts"] == [{"kind": "text", "text": "hello"}]
        assert (sent["params"]["message"]["kind"], sent["params"]["message"]["role"]) == ("message", "user")
        assert exchange.header("A2A-Version") is None
        assert exchange.header("Idempotency-Key") == str(MESSAGE_ID)

    def test_the_servers_words_replace_the_senders(self) -> None:
        forged = {"postroom": {"sender": {"kind": "operator"}}, "own": 1}
        assert message_of(delivery_of(metadata=forged)) == {
            "messageId": "m-1",
            "contextId": "thread",
            "role": "ROLE_USER",
            "parts": [{"text": "hello"}],
            "metadata": {
                "own": 1,
                "postroom": {
                    "sender": {"kind": "workspace", "id": str(SENDER_ID), "name": "Ann", "role": "lead"},
                    "attempt": 2,
                    "deadline": "2026-01-02T03:04:05.678Z",
                    "idempotency_key": str(MESSAGE_ID),
                    "on_behalf_of": [],
                    "report": None,
                },
            },
        }

    def test_a_continued_task_keeps_the_agents_own_names(self) -> None:
        message = message_of(delivery_of(taskId="their-task", contextId="their-context"))
        assert (message["taskId"], message["contextId"]) == ("their-task", "their-context")

    def test_l24_the_headers_are_these_and_no_others(self) -> None:
        names = {"Idempotency-Key", "X-Postroom-Message-Id", "X-Postroom-Attempt", "X-Postroom-Deadline", "traceparent"}
        assert set(headers_of(delivery_of())) == names

    def test_the_trace_goes_on_with_a_new_span(self) -> None:
        child = child_of(TRACE)
        assert child is not None
        assert (child[:36], child[-3:], len(child)) == (TRACE[:36], "-01", len(TRACE))
        assert len({TRACE, child, child_of(TRACE)}) == 3
        for broken in (None, "", "x", TRACE.upper(), TRACE + "\r\nX: y", TRACE.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32)):
            assert child_of(broken) is None


class TestDialects:
    @pytest.mark.parametrize(
        ("card", "speech"),
        [
            (None, Speech(V1_0)),
            ({}, Speech(V1_0)),
            ({"name": "a"}, Speech(V1_0)),
            (CARD_03, Speech(V0_3)),
            ({"url": "http://a"}, Speech(V0_3)),
            ({"protocolVersion": "1.0", "url": "http://a"}, Speech(V1_0)),
            ({"supportedInterfaces": [{"url": "x", "protocolBinding": "JSONRPC", "protocolVersion": "0.3"}]}, Speech(V0_3)),
            (
                {"supportedInterfaces": [{"url": "x", "protocolBinding": "GRPC", "protocolVersion": "0.3"}, {"tenant": "t"}]},
                Speech(V1_0, "t"),
            ),
            (
                {"supportedInterfaces": [{"url": "x", "protocolVersion": "1.0"}, {"url": "http://a/", "protocolVersion": "0.3"}]},
                Speech(V0_3),
            ),
            ({"supportedInterfaces": "nonsense", "tenant": 5}, Speech(V1_0)),
            ({"supportedInterfaces": [None, {"tenant": 5, "protocolVersion": 1}]}, Speech(V1_0)),
        ],
    )
    def test_the_card_chooses(self, card: Json | None, speech: Speech) -> None:
        assert speech_of(card, "http://a/") == speech

    async def test_a_tenant_is_echoed(self, caller: PushCaller) -> None:
        card = {"supportedInterfaces": [{"url": "x", "protocolBinding": "JSONRPC", "protocolVersion": "1.0", "tenant": "one"}]}
        async with raw_agent(reply_done) as agent:
            await caller.call(delivery_of(), target_of(agent.url, card))
            assert agent.exchanges[0].json["params"]["tenant"] == "one"

    @pytest.mark.parametrize("code", [-32601, -32009, -32600])
    async def test_an_agent_without_a_card_is_asked_in_0_3_once_and_that_is_remembered(self, caller: PushCaller, code: int) -> None:
        async def only_03(exchange: Exchange) -> None:
            await (reply_done(exchange) if exchange.json["method"] == "message/send" else exchange.answer_error(code))

        async with raw_agent(only_03) as agent:
            for _ in range(2):
                assert isinstance(await caller.call(delivery_of(), target_of(agent.url)), Reply)
            assert [exchange.json["method"] for exchange in agent.exchanges] == ["SendMessage", "message/send", "message/send"]

    async def test_an_agent_that_was_renewed_is_asked_in_1_0_again(self, caller: PushCaller) -> None:
        methods = ["message/send", "SendMessage"]

        async def renewed(exchange: Exchange) -> None:
            await (reply_done(exchange) if exchange.json["method"] == methods[0] else exchange.answer_error(-32601))

        async with raw_agent(renewed) as agent:
            assert isinstance(await caller.call(delivery_of(), target_of(agent.url)), Reply)
            methods.pop(0)
            assert isinstance(await caller.call(delivery_of(), target_of(agent.url)), Reply)
            assert len(agent.exchanges) == 4

    async def test_an_agent_that_knows_neither_is_asked_twice_and_no_more(self, caller: PushCaller) -> None:
        async with raw_agent(lambda exchange: exchange.answer_error(-32601, exchange.json["method"])) as agent:
            failure = await caller.call(delivery_of(), target_of(agent.url))
            assert failure == Failure(code="agent_error", detail="The agent answered with error -32601: SendMessage", retry=False)
            assert len(agent.exchanges) == 2


def task_answers(*states: str | int | None) -> Any:
    """A behaviour: a task in these states, one per request, the last for ever; a number is an error, None hangs up."""
    left = list(states)

    async def behave(exchange: Exchange) -> None:
        state = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(state, int):
            await exchange.answer_error(state)
        elif state is None:
            exchange.writer.close()
        else:
            await exchange.answer_result(
                {"id": "up", "contextId": "uc", "status": {"state": state}, "artifacts": [{"parts": [{"text": state}]}]}
            )

    return behave


@pytest.mark.usefixtures("quick")
class TestFollowing:
    async def test_a_task_in_work_is_asked_for_until_it_is_done(self, caller: PushCaller) -> None:
        async with raw_agent(task_answers("submitted", "working", "working", "completed")) as agent:
            reply = await caller.call(delivery_of(), target_of(agent.url, CARD_03))
            assert isinstance(reply, Reply)
            assert text_of(reply.message) == "completed"
            assert [exchange.json["method"] for exchange in agent.exchanges] == ["message/send", *["tasks/get"] * 3]
            assert agent.exchanges[1].json["params"] == {"id": "up"}
            assert agent.exchanges[1].header("X-Postroom-Message-Id") == str(MESSAGE_ID)

    async def test_l9_the_message_is_sent_once_whatever_the_questions_meet(self, caller: PushCaller) -> None:
        async with raw_agent(task_answers("working", None, -32603, "working", None, "completed")) as agent:
            assert isinstance(await caller.call(delivery_of(), target_of(agent.url)), Reply)
            assert [exchange.json["method"] for exchange in agent.exchanges] == ["SendMessage", *["GetTask"] * 5]

    @pytest.mark.parametrize(("state", "code"), [("failed", "agent_failed"), ("rejected", "agent_rejected")])
    async def test_a_task_that_fails(self, caller: PushCaller, state: str, code: str) -> None:
        async with raw_agent(task_answers("working", state)) as agent:
            failure = await caller.call(delivery_of(), target_of(agent.url))
            assert isinstance(failure, Failure)
            assert (failure.code, failure.retry) == (code, False)

    async def test_a_task_that_waits_or_was_cancelled(self, caller: PushCaller) -> None:
        async with raw_agent(task_answers("working", "input-required")) as agent:
            reply = await caller.call(delivery_of(), target_of(agent.url))
            assert isinstance(reply, Reply)
            assert (reply.interrupted, reply.upstream) == ("input-required", {"taskId": "up", "contextId": "uc"})
        async with raw_agent(task_answers("working", "canceled")) as agent:
            assert await caller.call(delivery_of(), target_of(agent.url)) == Cancelled()

    async def test_a_task_that_the_agent_forgot(self, caller: PushCaller) -> None:
        async with raw_agent(task_answers("working", -32001)) as agent:
            failure = await caller.call(delivery_of(), target_of(agent.url))
            assert isinstance(failure, Failure)
            assert (failure.code, failure.retry) == ("task_lost", True)

    async def test_an_agent_that_is_gone_for_good(self, caller: PushCaller) -> None:
        async with raw_agent(task_answers("working", None)) as agent:
            failure = await caller.call(delivery_of(), target_of(agent.url))
            assert isinstance(failure, Failure)
            assert (failure.code, failure.retry) == ("no_answer", True)
            assert len(agent.exchanges) == 1 + module.FOLLOW_TRIES

    async def test_a_task_without_end_is_left_when_the_time_is_over(self, connections: Connections) -> None:
        async with raw_agent(task_answers("working")) as agent, asyncio.timeout(5):
            failure = await PushCaller(connections, read_file=no_file, call_seconds=0.2).call(delivery_of(), target_of(agent.url))
            assert isinstance(failure, Failure)
            assert (failure.code, failure.retry) == ("no_answer", True)


class TestRefusals:
    async def test_r24_an_agent_that_is_not_there_was_not_handed_anything(self, caller: PushCaller) -> None:
        result = await caller.call(delivery_of(), target_of(f"http://127.0.0.1:{free_port()}/"))
        assert isinstance(result, NotHanded)
        assert result.code == "connect_failed"

    async def test_r24_busy_is_not_handed(self, caller: PushCaller) -> None:
        busy = {"status": "503 Busy", "headers": "Retry-After: 5\r\n"}
        async with raw_agent(lambda exchange: exchange.answer(b"", **busy)) as agent:
            assert isinstance(await caller.call(delivery_of(), target_of(agent.url)), NotHanded)

    @pytest.mark.parametrize(
        "location", ["http://10.0.0.1/", "http://169.254.169.254/latest", "http://[::1]:{port}/", "http://127.0.0.1:{port}/"]
    )
    async def test_l25_nobody_is_called_but_the_agent(self, caller: PushCaller, location: str) -> None:
        async with raw_agent(reply_done) as forbidden:
            headers = f"Location: {location.format(port=forbidden.port)}\r\n"
            async with raw_agent(lambda exchange: exchange.answer(b"", status="307 Go", headers=headers)) as agent:
                failure = await caller.call(delivery_of(), target_of(agent.url))
            assert isinstance(failure, Failure)
            assert (failure.code, failure.retry, forbidden.connects) == ("redirect_refused", False, 0)

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "127.1", "0x7f.1", "[::ffff:127.0.0.1]", "[::1]", "0", "localhost", "good.example@127.0.0.1"]
    )
    async def test_a_forbidden_listener_sees_no_connection(self, host: str) -> None:
        pool = Connections(AddressGuard(AddressPolicy()), reply_limit=1024)
        async with raw_agent(reply_done) as v4, raw_agent(reply_done, host="::1", port=v4.port) as v6:
            result = await PushCaller(pool, read_file=no_file, call_seconds=5).call(delivery_of(), target_of(f"http://{host}:{v4.port}/"))
            assert isinstance(result, NotHanded)
            assert result.code == "address_refused"
            assert (v4.connects, v6.connects) == (0, 0)

    async def test_garbage_is_a_failure_and_never_an_exception(self, caller: PushCaller) -> None:
        for body in (b"", b"\xff" * 100, b"<html>", b"[" * 5000, b'{"result":{"parts":[{"text":"\\ud800"}]}}', b"null"):
            async with raw_agent(lambda exchange, body=body: exchange.answer(body)) as agent:
                failure = await caller.call(delivery_of(), target_of(agent.url))
                assert isinstance(failure, Failure)
                assert failure.code == "invalid_answer"


SDK_CARD: Json = {"supportedInterfaces": [{"protocolBinding": "JSONRPC", "protocolVersion": "1.0"}]}


@pytest.mark.parametrize("card", [SDK_CARD, CARD_03, None], ids=["1.0", "0.3", "no card"])
class TestOfficialSdk:
    """An agent made with a2a-sdk, as it comes."""

    async def test_a_task_with_an_artifact(self, caller: PushCaller, sdk: SdkAgent, card: Json | None) -> None:
        reply = await caller.call(delivery_of("hello ☃"), target_of(sdk.url, card))
        assert isinstance(reply, Reply), reply
        assert text_of(reply.message) == "done: hello ☃"
        assert reply.upstream == {"contextId": "thread"}
        seen = sdk.behaviour.seen[-1].message
        assert seen is not None
        assert seen.message_id == "m-1"
        assert MessageToDict(seen.metadata)["postroom"]["sender"]["name"] == "Ann"

    async def test_a_message(self, caller: PushCaller, sdk: SdkAgent, card: Json | None) -> None:
        reply = await caller.call(delivery_of("message please"), target_of(sdk.url, card))
        assert isinstance(reply, Reply), reply
        assert text_of(reply.message) == "said: message please"

    async def test_a_failure_with_the_agents_words(self, caller: PushCaller, sdk: SdkAgent, card: Json | None) -> None:
        failure = await caller.call(delivery_of("fail"), target_of(sdk.url, card))
        assert failure == Failure(code="agent_failed", detail="it broke", retry=False)

    async def test_a_question_and_its_answer(self, caller: PushCaller, sdk: SdkAgent, card: Json | None) -> None:
        asked = await caller.call(delivery_of("ask"), target_of(sdk.url, card))
        assert isinstance(asked, Reply), asked
        assert (asked.interrupted, text_of(asked.message)) == ("input-required", "which one?")
        assert asked.upstream is not None
        answered = await caller.call(delivery_of("this one", **asked.upstream), target_of(sdk.url, card))
        assert isinstance(answered, Reply), answered
        assert (answered.interrupted, text_of(answered.message)) == (None, "done: this one")

    async def test_a_task_that_is_no_longer_wanted(self, caller: PushCaller, sdk: SdkAgent, card: Json | None) -> None:
        asked = await caller.call(delivery_of("ask"), target_of(sdk.url, card))
        assert isinstance(asked, Reply)
        assert asked.upstream
        sdk.behaviour.cancelled.clear()
        await caller.cancel(target_of(sdk.url, card), asked.upstream)
        assert await asyncio.to_thread(sdk.behaviour.cancelled.wait, 5)


async def test_cancelling_is_quiet_whatever_happens(caller: PushCaller) -> None:
    await caller.cancel(target_of("http://127.0.0.1:40/"), {"taskId": "t"})
    async with raw_agent(lambda exchange: exchange.answer_error(-32002)) as agent:
        await caller.cancel(target_of(agent.url), {"taskId": "t"})
        await caller.cancel(target_of(agent.url), {"contextId": "c"})
        assert [exchange.json["method"] for exchange in agent.exchanges] == ["CancelTask"]


async def test_many_calls_at_once_share_their_connections(caller: PushCaller) -> None:
    async with raw_agent(reply_done) as agent:
        for _ in range(3):
            async with asyncio.TaskGroup() as group:
                calls = [group.create_task(caller.call(delivery_of(), target_of(agent.url))) for _ in range(50)]
            assert all(isinstance(call.result(), Reply) for call in calls)
        assert agent.connects < 150
        assert len({exchange.body for exchange in agent.exchanges}) == 1
