"""The inbox of a fetching agent over HTTP, on a real server."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from postroom.client import Client, Item
from postroom.clock import monotonic
from postroom.errors import Conflict, Forbidden, LeaseLost, NotFound, Refused, Superseded, TooLarge
from tests.support.server import ServerProcess, make_agent

Json = dict[str, Any]


class Box:
    """A fetching workspace, its agent, and the operator who sends to it."""

    def __init__(self, operator: Client, agent: Client, workspace: str) -> None:
        self.operator = operator
        self.agent = agent
        self.workspace = workspace

    async def send(self, text: str = "work") -> str:
        return (await self.operator.send(self.workspace, text, wait=None)).message_id

    async def state(self, message: str) -> str:
        return (await self.operator.task(self.workspace, message))["metadata"]["postroom.state"]

    async def say(self, item: Item, verb: str, **fields: Any) -> Json:
        path = f"/workspaces/{self.workspace}/inbox/{item.message_id}/{verb}"
        return (await self.agent.request("POST", path, json={"token": item.token, **fields})).body

    async def claim(self, **fields: Any) -> list[Json]:
        return (await self.agent.request("POST", f"/workspaces/{self.workspace}/inbox/claim", json=fields, timeout=90)).body["items"]


@pytest.fixture
async def box(server: ServerProcess) -> AsyncGenerator[Box]:
    async with server.client() as operator:
        workspace, token = await make_agent(operator, "boxed", max_concurrent=4)
        async with server.client(token) as agent:
            yield Box(operator, agent, workspace)


async def test_a_claim_tells_everything_about_a_message(box: Box) -> None:
    message = await box.send("dig")
    (item,) = await box.claim(lease=60)
    assert item["message_id"] == message and item["token"] == 1 and item["attempt"] == 1
    assert item["sender"]["kind"] == "operator" and item["sender"]["name"] == "Operator"
    assert item["message"]["parts"] == [{"text": "dig"}] and item["message"]["contextId"] == item["thread_id"]
    assert item["idempotency_key"] and item["lease_until"] < item["deadline"]


async def test_a_look_shows_what_waits_and_takes_nothing(box: Box) -> None:
    first, second = await box.send("one"), await box.send("two")
    await box.claim()
    for looking in (box.operator, box.agent):
        seen = await looking.peek(box.workspace)
        assert [(row["message_id"], row["state"], row["attempt"]) for row in seen] == [(first, "handed", 1), (second, "accepted", 0)]
        assert seen[0]["sender"]["kind"] == "operator" and seen[0]["message"]["parts"] == [{"text": "one"}]
        assert (seen[1]["cancel_requested"], seen[1]["on_behalf_of"], seen[1]["report"]) == (False, [], None)
        assert [row["message_id"] for row in await looking.peek(box.workspace, limit=1)] == [first]
    assert [item["message_id"] for item in await box.claim()] == [second]


async def test_a_long_poll_wakes_when_post_comes(box: Box) -> None:
    async with asyncio.TaskGroup() as tasks:
        claim = tasks.create_task(box.agent.claim(box.workspace, wait=30))
        await asyncio.sleep(0.3)
        began = monotonic()
        tasks.create_task(box.send())
    assert len(claim.result()) == 1
    assert monotonic() - began < 2


async def test_an_empty_mailbox_answers_after_the_wait(box: Box) -> None:
    began = monotonic()
    assert await box.agent.claim(box.workspace, wait=0.5) == []
    assert 0.4 < monotonic() - began < 3


async def test_a_claim_whose_caller_left_takes_nothing(box: Box) -> None:
    headers = {"Authorization": f"Bearer {box.agent._token}"}
    async with httpx.AsyncClient(headers=headers) as http:
        with pytest.raises(httpx.ReadTimeout):
            url = f"{box.agent.url}/workspaces/{box.workspace}/inbox/claim"
            await http.post(url, json={"wait": 30, "lease": 3600}, timeout=0.3)
    # Longer than a pause of the poll with its jitter: the server has looked for its caller since.
    await asyncio.sleep(0.8)
    await box.send()
    (item,) = await box.agent.claim(box.workspace, wait=5)
    assert item.attempt == 1


async def test_extend_progress_reply(box: Box) -> None:
    message = await box.send()
    (item,) = await box.agent.claim(box.workspace, lease=10)
    extension = await box.agent.extend(item, 600)
    assert extension.lease_until > item.lease_until and not extension.cancel
    assert await box.say(item, "progress", parts=[{"text": "half"}], status="digging") == {"cancel": False}
    assert await box.say(item, "reply", parts=[{"text": "done"}]) == {"message_id": message, "state": "replied"}
    assert await box.say(item, "reply", parts=[{"text": "done"}]) == {"message_id": message, "state": "replied"}


async def test_another_reply_is_superseded_and_told_the_winner(box: Box) -> None:
    await box.send()
    (item,) = await box.agent.claim(box.workspace)
    await box.agent.reply(item, "first")
    with pytest.raises(Superseded) as caught:
        await box.agent.reply(item, "second")
    winner = caught.value.data["winner"]
    assert winner["message"]["parts"] == [{"text": "first"}] and winner["reply_id"] and winner["state"] == "replied"


async def test_a_wrong_token_moves_nothing(box: Box) -> None:
    """R22: every write names its token."""
    await box.send()
    (item,) = await box.claim()
    body = {"token": item["token"] + 1}
    for verb, fields in {"extend": {"lease": 60}, "progress": {"status": "x"}, "reply": {"text": "x"}, "fail": {"error": "x"}}.items():
        with pytest.raises(LeaseLost):
            await box.agent.request("POST", f"/workspaces/{box.workspace}/inbox/{item['message_id']}/{verb}", json=body | fields)
    with pytest.raises(LeaseLost):
        await box.agent.request("POST", f"/workspaces/{box.workspace}/inbox/{item['message_id']}/release", json=body)


async def test_release_and_retry_bring_it_back_and_fail_ends_it(box: Box) -> None:
    message = await box.send()
    (item,) = await box.agent.claim(box.workspace)
    assert (await box.say(item, "release"))["state"] == "accepted"
    (item,) = await box.agent.claim(box.workspace, wait=5)
    assert item.attempt == 1
    assert (await box.say(item, "fail", error="later", retry=True))["state"] == "accepted"
    (item,) = await box.agent.claim(box.workspace, wait=10)
    assert item.attempt == 2
    assert (await box.say(item, "fail", error="never"))["state"] == "failed"
    assert await box.state(message) == "failed"


@pytest.mark.parametrize(
    ("task", "state"),
    [
        ({"status": {"state": "completed"}, "artifacts": [{"artifactId": "a", "parts": [{"text": "r"}]}]}, "replied"),
        ({"id": "u", "status": {"state": "TASK_STATE_INPUT_REQUIRED", "message": {"parts": [{"text": "?"}]}}}, "input_required"),
        ({"status": {"state": "failed", "message": {"parts": [{"text": "no"}]}}}, "failed"),
        ({"status": {"state": "canceled"}}, "cancelled"),
    ],
)
async def test_a_reply_may_be_a_task(box: Box, task: Json, state: str) -> None:
    message = await box.send()
    (item,) = await box.agent.claim(box.workspace)
    await box.say(item, "reply", task=task)
    assert await box.state(message) == state


async def test_values_beyond_the_limits_are_refused(box: Box) -> None:
    for fields in ({"max": 0}, {"max": 33}, {"wait": -1}, {"wait": 61}, {"lease": 9}, {"lease": 3601}, {"max": "many"}):
        with pytest.raises(Refused):
            await box.claim(**fields)
    await box.send()
    (item,) = await box.agent.claim(box.workspace)
    for verb, fields in (
        ("reply", {}),
        ("reply", {"text": "a", "parts": [{"text": "b"}]}),
        ("progress", {}),
        ("fail", {}),
        ("extend", {"lease": 1}),
    ):
        with pytest.raises(Refused):
            await box.say(item, verb, **fields)
    with pytest.raises(Refused):
        await box.say(item, "reply", task={"status": {"state": "working"}})
    with pytest.raises(TooLarge):
        await box.say(item, "reply", text="x" * (10 * 1024 * 1024))
    await box.say(item, "reply", text="x" * (9 * 1024 * 1024))


async def test_post_is_its_owners_alone(box: Box, server: ServerProcess) -> None:
    message = await box.send()
    (item,) = await box.agent.claim(box.workspace)
    with pytest.raises(Forbidden):
        await box.operator.claim(box.workspace)
    _, token = await make_agent(box.operator, "peer")
    stranger, hidden = await make_agent(box.operator, "below", parent_id=(await make_agent(box.operator, "other"))[0])
    async with server.client(token) as peer, server.client(hidden) as unseen:
        with pytest.raises(Forbidden):
            await peer.reply(item, "mine")
        with pytest.raises(NotFound):
            await unseen.reply(item, "mine")
        for verb, fields in {"extend": {"lease": 60}, "reply": {"text": "x"}, "progress": {"status": "x"}}.items():
            with pytest.raises((NotFound, LeaseLost)):
                await unseen.request("POST", f"/workspaces/{stranger}/inbox/{message}/{verb}", json={"token": item.token, **fields})
    assert await box.state(message) == "handed"


async def test_a_called_workspace_does_not_fetch(box: Box, server: ServerProcess) -> None:
    called, token = await make_agent(box.operator, "called", url="http://127.0.0.1:18999/")
    async with server.client(token) as agent:
        with pytest.raises(Conflict) as caught:
            await agent.claim(called)
    assert caught.value.name == "delivery_mode"


async def test_what_does_not_exist_is_not_found(box: Box) -> None:
    for message in (str(uuid4()), "nonsense"):
        with pytest.raises(NotFound):
            await box.agent.request("POST", f"/workspaces/{box.workspace}/inbox/{message}/reply", json={"token": 1, "text": "x"})
