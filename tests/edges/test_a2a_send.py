"""The address of a workspace, spoken to over real sockets: raw JSON-RPC for what the protocol says, the official SDK for both versions."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from a2a.client import ClientConfig, ClientFactory
from a2a.types import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    CancelTaskRequest,
    GetTaskRequest,
    Message,
    Part,
    Role,
    SendMessageConfiguration,
    SendMessageRequest,
    TaskState,
)
from a2a.utils.errors import TaskNotCancelableError

from postroom.client import Client
from tests.support.server import ServerProcess, make_agent

Json = dict[str, Any]
SAID = {"role": "ROLE_USER", "messageId": "m1", "parts": [{"text": "hello"}]}


class Address:
    """A fetching workspace: its A2A address as the operator sees it, and its agent's client."""

    def __init__(self, http: httpx.AsyncClient, url: str, workspace: str, agent: Client) -> None:
        self.http = http
        self.url = url
        self.workspace = workspace
        self.agent = agent

    async def post(self, body: Any, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post(self.url, json=body, headers=named)

    async def call(self, method: str, params: Json, **headers: str) -> Json:
        answer = await self.post({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}, **headers)
        assert answer.status_code == 200, answer.text
        assert answer.json()["id"] == 7
        return answer.json()

    async def answer_next(self, text: str) -> None:
        """Be the agent, once."""
        (item,) = await self.agent.claim(self.workspace, wait=10)
        await self.agent.reply(item, text)


@pytest.fixture
async def address(server: ServerProcess) -> AsyncGenerator[Address]:
    headers = {"Authorization": f"Bearer {server.operator_token}"}
    async with server.client() as operator, httpx.AsyncClient(headers=headers, timeout=30) as http:
        workspace, token = await make_agent(operator, "addressed")
        async with server.client(token) as agent:
            yield Address(http, f"{server.url}/workspaces/{workspace}/a2a", workspace, agent)


async def test_a_blocking_send_answers_with_the_reply_of_the_agent(address: Address) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(address.answer_next("hi"))
        sent = tasks.create_task(address.post({"jsonrpc": "2.0", "id": "x", "method": "SendMessage", "params": {"message": SAID}}))
    answer = sent.result()
    message = answer.json()["result"]["message"]
    assert message["role"] == "ROLE_AGENT" and message["parts"] == [{"text": "hi"}]
    assert message["contextId"] == answer.headers["x-postroom-thread-id"]
    assert message["taskId"] == answer.headers["x-postroom-message-id"]


async def test_0_3_is_answered_bare_with_kinds(address: Address) -> None:
    said = {"kind": "message", "role": "user", "messageId": "m", "parts": [{"kind": "text", "text": "hello"}]}
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(address.answer_next("hi"))
        sent = tasks.create_task(address.call("message/send", {"message": said}))
    message = sent.result()["result"]
    assert message["kind"] == "message" and message["role"] == "agent"
    assert message["parts"] == [{"kind": "text", "text": "hi"}]


@pytest.mark.parametrize(
    ("method", "configuration", "headers"),
    [
        ("SendMessage", {"returnImmediately": True}, {}),
        ("SendMessage", {}, {"X_Timeout": "0"}),
        ("SendMessage", {}, {"X_Timeout": "0.1"}),
        ("message/send", {"blocking": False}, {}),
    ],
)
async def test_a_send_that_does_not_wait_answers_with_the_task(
    address: Address, method: str, configuration: Json, headers: dict[str, str]
) -> None:
    result = (await address.call(method, {"message": SAID, "configuration": configuration}, **headers))["result"]
    task = result["task"] if method == "SendMessage" else result
    assert task["status"]["state"] == ("TASK_STATE_SUBMITTED" if method == "SendMessage" else "submitted")
    assert task["history"][0]["messageId"] == "m1"


async def test_the_task_shows_the_whole_life(address: Address) -> None:
    task = (await address.call("SendMessage", {"message": SAID, "configuration": {"returnImmediately": True}}))["result"]["task"]
    (item,) = await address.agent.claim(address.workspace, wait=10)
    working = (await address.call("GetTask", {"id": task["id"]}))["result"]
    assert working["status"]["state"] == "TASK_STATE_WORKING"
    await address.agent.reply(item, "done")
    ended = (await address.call("GetTask", {"id": task["id"], "historyLength": 0}))["result"]
    assert ended["status"]["state"] == "TASK_STATE_COMPLETED"
    assert ended["artifacts"][0]["parts"] == ended["status"]["message"]["parts"] == [{"text": "done"}]
    assert ended["history"] == []


async def test_a_failed_message_is_a_task_that_says_why(address: Address) -> None:
    async def fail() -> None:
        (item,) = await address.agent.claim(address.workspace, wait=10)
        await address.agent.fail(item, "no disk")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(fail())
        sent = tasks.create_task(address.call("SendMessage", {"message": SAID}))
    task = sent.result()["result"]["task"]
    assert task["status"]["state"] == "TASK_STATE_FAILED"
    assert task["status"]["message"]["parts"] == [{"text": "no disk"}]
    assert task["metadata"]["postroom.code"] == "agent_failed"


async def test_a_follow_up_continues_the_task_that_asked_back(address: Address, server: ServerProcess) -> None:
    async def ask_back() -> None:
        (item,) = await address.agent.claim(address.workspace, wait=10)
        asked = {"id": "mine", "status": {"state": "input-required", "message": {"parts": [{"text": "which?"}]}}}
        path = f"/workspaces/{address.workspace}/inbox/{item.message_id}/reply"
        await address.agent.request("POST", path, json={"token": item.token, "task": asked})

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ask_back())
        sent = tasks.create_task(address.call("SendMessage", {"message": SAID}))
    task = sent.result()["result"]["task"]
    assert task["status"]["state"] == "TASK_STATE_INPUT_REQUIRED"
    follow_up = SAID | {"taskId": task["id"], "parts": [{"text": "the red one"}]}
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(address.answer_next("red it is"))
        sent = tasks.create_task(address.call("SendMessage", {"message": follow_up}))
    message = sent.result()["result"]["message"]
    assert message["taskId"] == task["id"] and message["contextId"] == task["contextId"]
    again = await address.call("SendMessage", {"message": follow_up})
    assert again["error"]["code"] == -32004
    other = await address.call("SendMessage", {"message": follow_up | {"taskId": str(uuid4())}})
    assert other["error"]["code"] == -32001


async def test_the_same_key_is_the_same_message_and_another_body_is_refused(address: Address) -> None:
    params = {"message": {"parts": [{"text": "once"}]}, "configuration": {"returnImmediately": True}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": params}
    first = await address.post(body, Idempotency_Key="k1")
    again = await address.post(body, Idempotency_Key="k1")
    assert first.headers["x-postroom-message-id"] == again.headers["x-postroom-message-id"]
    params["message"] = {"parts": [{"text": "twice"}]}
    refused = await address.post(body, Idempotency_Key="k1")
    assert refused.status_code == 422
    assert refused.json()["error"]["data"]["code"] == "key_reused"


async def test_the_message_id_is_a_key_only_for_who_asks(address: Address) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": SAID, "configuration": {"returnImmediately": True}}}
    plain = {(await address.post(body)).headers["x-postroom-message-id"] for _ in range(2)}
    keyed = {(await address.post(body, X_Postroom_Dedupe="message-id")).headers["x-postroom-message-id"] for _ in range(2)}
    assert len(plain) == 2 and len(keyed) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"text": "hello"},
        {"message": "hello"},
        {"message": {"parts": [{"type": "text", "text": "hello"}]}},
        {"role": "user", "parts": [{"kind": "text", "text": "hello"}]},
        {"method": "message/send", "params": {"message": {"parts": [{"text": "hello"}]}}},
    ],
)
async def test_a_body_without_the_envelope_is_wrapped(address: Address, body: Json) -> None:
    answer = await address.post(body, X_Timeout="0")
    assert answer.json()["result"]["kind"] == "task", answer.text
    (item,) = await address.agent.claim(address.workspace)
    assert item.message["parts"] == [{"text": "hello"}] and item.message["messageId"]


REFUSALS: list[tuple[Any, dict[str, str], int, int]] = [
    ([], {}, 200, -32600),
    ([{"jsonrpc": "2.0", "id": 1, "method": "message/send"}], {}, 200, -32600),
    ({"jsonrpc": "1.0", "id": 1, "method": "message/send"}, {}, 200, -32600),
    ({"jsonrpc": "2.0", "id": True, "method": "message/send"}, {}, 200, -32600),
    ({"jsonrpc": "2.0", "id": 1}, {}, 200, -32600),
    ({"jsonrpc": "2.0", "id": 1, "method": "no/such"}, {}, 200, -32601),
    ({"jsonrpc": "2.0", "id": 1, "method": "message/send"}, {"A2A_Version": "1.0"}, 200, -32601),
    ({"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": []}, {}, 200, -32602),
    ({"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": {}}, {}, 200, -32602),
    ({"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": {"message": {"parts": []}}}, {}, 200, -32602),
    ({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": SAID}}, {"A2A_Version": "2.0"}, 200, -32009),
    ({"jsonrpc": "2.0", "id": 1, "method": "message/stream", "params": {"message": SAID}}, {}, 200, -32004),
    ({"jsonrpc": "2.0", "id": 1, "method": "CreateTaskPushNotificationConfig"}, {}, 200, -32003),
    ({"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": str(uuid4())}}, {}, 200, -32001),
    ({"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": "nonsense"}}, {}, 200, -32001),
    ({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": SAID}}, {"X_Timeout": "nan"}, 422, -32602),
    ({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": SAID}}, {"X_Timeout": "3601"}, 422, -32602),
    ({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": SAID}}, {"Idempotency_Key": "k" * 256}, 422, -32602),
    ({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": SAID}}, {"X_Postroom_Deadline_Seconds": "0"}, 422, -32602),
    ({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": SAID}}, {"Authorization": "Bearer no"}, 401, -32000),
]


@pytest.mark.parametrize(("body", "headers", "status", "code"), REFUSALS)
async def test_refusals_are_json_rpc_errors(address: Address, body: Any, headers: dict[str, str], status: int, code: int) -> None:
    answer = await address.post(body, **headers)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code), answer.text
    assert error["message"]
    if status == 200:
        assert error["data"][0]["reason"] and error["data"][0]["domain"] == "a2a-protocol.org"
    else:
        assert error["data"]["code"]


async def test_the_type_is_looked_at_before_the_body(address: Address) -> None:
    answer = await address.http.post(address.url, content=b"{broken", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, -32005)
    broken = await address.http.post(address.url, content=b"{broken", headers={"Content-Type": "application/json; charset=utf-8"})
    assert (broken.status_code, broken.json()["error"]["code"]) == (200, -32700)


async def test_a_stranger_learns_nothing_and_the_slash_changes_nothing(address: Address) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": SAID}}
    unknown = await address.http.post(address.url.replace(address.workspace, str(uuid4())), json=body)
    assert (unknown.status_code, unknown.json()["error"]["data"]["code"]) == (404, "workspace_not_found")
    slashed = await address.http.post(address.url + "/", json=body, headers={"X-Timeout": "0"})
    assert slashed.json()["result"]["task"]


async def test_a_sender_that_hangs_up_changes_nothing(address: Address) -> None:
    """L3: no work hangs on a request."""
    with pytest.raises(httpx.ReadTimeout):
        await address.http.post(address.url, json={"text": "still there?"}, timeout=0.3)
    (item,) = await address.agent.claim(address.workspace, wait=10)
    assert item.message["parts"] == [{"text": "still there?"}]


async def test_cancel_at_once_on_request_and_too_late(address: Address) -> None:
    send = {"message": SAID, "configuration": {"returnImmediately": True}}
    first = (await address.call("SendMessage", send))["result"]["task"]
    cancelled = (await address.call("CancelTask", {"id": first["id"]}))["result"]
    assert cancelled["status"]["state"] == "TASK_STATE_CANCELED"
    late = await address.call("tasks/cancel", {"id": first["id"]})
    assert late["error"]["code"] == -32002
    second = (await address.call("SendMessage", send))["result"]["task"]
    (item,) = await address.agent.claim(address.workspace, wait=10)
    asked = (await address.call("CancelTask", {"id": second["id"]}))["result"]
    assert asked["status"]["state"] == "TASK_STATE_WORKING" and asked["metadata"]["postroom.cancel_requested"] is True
    assert (await address.agent.extend(item, 30)).cancel


def _card(url: str, version: str) -> AgentCard:
    interface = AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version=version)
    return AgentCard(name="w", description="w", version="1", supported_interfaces=[interface], capabilities=AgentCapabilities())


@pytest.mark.parametrize("version", ["1.0", "0.3"])
async def test_the_official_client_sends_gets_and_cancels(address: Address, version: str) -> None:
    client = ClientFactory(ClientConfig(httpx_client=address.http, streaming=False)).create(_card(address.url, version))
    message = Message(role=Role.ROLE_USER, message_id="sdk", parts=[Part(text="hello")])
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(address.answer_next("hi"))
        answers = [answer async for answer in client.send_message(SendMessageRequest(message=message))]
    assert answers[0].message.parts[0].text == "hi"
    now = SendMessageConfiguration(return_immediately=True)
    (waiting,) = [answer async for answer in client.send_message(SendMessageRequest(message=message, configuration=now))]
    assert waiting.task.status.state == TaskState.TASK_STATE_SUBMITTED
    got = await client.get_task(GetTaskRequest(id=waiting.task.id))
    assert got.id == waiting.task.id and got.history[0].parts[0].text == "hello"
    ended = await client.cancel_task(CancelTaskRequest(id=got.id))
    assert ended.status.state == TaskState.TASK_STATE_CANCELED
    with pytest.raises(TaskNotCancelableError):
        await client.cancel_task(CancelTaskRequest(id=got.id))
