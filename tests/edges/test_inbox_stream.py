"""The inbox over a WebSocket that the agent opened, on a real server."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.types import Message
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from postroom.client import Client
from postroom.core.registry.model import NewWorkspace
from postroom.edges.rest.inbox_stream import InboxStream
from postroom.edges.rest.inbox_verbs import InboxVerbs
from tests.support.database import open_house
from tests.support.server import ServerProcess, make_agent

Json = dict[str, Any]


class Agent:
    """A fetching workspace and how to open its stream."""

    def __init__(self, server: ServerProcess, operator: Client, workspace: str, token: str) -> None:
        self.server = server
        self.operator = operator
        self.workspace = workspace
        self.token = token

    async def send(self, text: str = "work") -> str:
        return (await self.operator.send(self.workspace, text, wait=None)).message_id

    async def state(self, message: str) -> str:
        return (await self.operator.task(self.workspace, message))["metadata"]["postroom.state"]

    @asynccontextmanager
    async def stream(self, token: str | None = None) -> AsyncGenerator[ClientConnection]:
        url = self.server.url.replace("http", "ws") + f"/workspaces/{self.workspace}/inbox/stream"
        async with connect(url, additional_headers={"Authorization": f"Bearer {token or self.token}"}, max_size=None) as connection:
            yield connection


@pytest.fixture
async def agent(server: ServerProcess) -> AsyncGenerator[Agent]:
    async with server.client() as operator:
        workspace, token = await make_agent(operator, "streaming", max_concurrent=4)
        yield Agent(server, operator, workspace, token)


async def receive(connection: ClientConnection) -> Json:
    async with asyncio.timeout(10):
        return json.loads(await connection.recv())


async def ask(connection: ClientConnection, verb: str, **fields: Any) -> Json:
    """One request and its answer; for connections on which nothing else is under way."""
    await connection.send(json.dumps({"id": verb, "verb": verb, **fields}))
    answer = await receive(connection)
    assert answer["id"] == verb
    return answer


def about(item: Json) -> Json:
    return {"message_id": item["message_id"], "token": item["token"]}


async def test_every_verb_does_what_it_does_over_http(agent: Agent) -> None:
    message = await agent.send()
    async with agent.stream() as connection:
        (item,) = (await ask(connection, "claim", lease=30))["items"]
        assert (await ask(connection, "release", **about(item)))["state"] == "accepted"
        (item,) = (await ask(connection, "claim", wait=5))["items"]
        assert (await ask(connection, "fail", **about(item), error="later", retry=True))["ok"]
        (item,) = (await ask(connection, "claim", wait=10))["items"]
        assert (await ask(connection, "extend", **about(item), lease=60))["cancel"] is False
        assert (await ask(connection, "progress", **about(item), status="half"))["cancel"] is False
        assert (await ask(connection, "reply", **about(item), text="done"))["state"] == "replied"
        superseded = await ask(connection, "reply", **about(item), text="other")
        assert superseded["code"] == "superseded" and superseded["winner"]["message"]["parts"] == [{"text": "done"}]
    assert await agent.state(message) == "replied"


async def test_a_waiting_claim_holds_nothing_else_up(agent: Agent) -> None:
    async with agent.stream() as connection:
        await connection.send(json.dumps({"id": 1, "verb": "claim", "wait": 30}))
        assert (await ask(connection, "unheard of"))["code"] == "unknown_verb"
        await agent.send()
        answer = await receive(connection)
        assert answer["id"] == 1 and len(answer["items"]) == 1


@pytest.mark.parametrize("frame", ["nonsense", "[]", '{"verb": "claim", "max": 0}', '{"verb": "reply", "message_id": "x"}', b"bytes"])
async def test_a_frame_that_can_not_be_read_is_answered_and_the_stream_goes_on(agent: Agent, frame: str | bytes) -> None:
    async with agent.stream() as connection:
        await connection.send(frame)
        assert (await receive(connection))["code"]
        assert (await ask(connection, "claim"))["items"] == []


async def test_subscribed_post_comes_by_itself_and_never_more_than_asked_for(agent: Agent) -> None:
    sent = [await agent.send(str(number)) for number in range(3)]
    async with agent.stream() as connection:
        assert (await ask(connection, "subscribe", max=2, lease=30))["ok"]
        first, second = (await receive(connection))["item"], (await receive(connection))["item"]
        assert [first["message_id"], second["message_id"]] == sent[:2]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connection.recv(), 0.6)
        await connection.send(json.dumps({"id": 1, "verb": "reply", "text": "one", **about(first)}))
        frames = [await receive(connection), await receive(connection)]
        (third,) = [frame["item"] for frame in frames if "item" in frame]
        assert third["message_id"] == sent[2]


async def test_post_that_was_never_mentioned_goes_back_when_the_stream_ends(agent: Agent) -> None:
    mentioned, unseen = await agent.send("a"), await agent.send("b")
    async with agent.stream() as connection:
        await ask(connection, "subscribe", max=2, lease=3600)
        first, _ = (await receive(connection))["item"], await receive(connection)
        await ask(connection, "extend", **about(first), lease=3600)
    async with agent.stream() as connection:
        (item,) = (await ask(connection, "claim", max=4, wait=10))["items"]
        assert (item["message_id"], item["attempt"]) == (unseen, 1)
        # The other is still ours: its lease outlives the connection.
        assert (await ask(connection, "reply", **about(first), text="done"))["state"] == "replied"
    assert await agent.state(mentioned) == "replied"


async def test_strangers_are_refused_at_the_handshake(agent: Agent) -> None:
    for token, status in (("wrong", 401), (agent.server.operator_token, 403)):
        with pytest.raises(InvalidStatus) as caught:
            async with agent.stream(token):
                pass
        assert caught.value.response.status_code == status


async def test_a_revoked_token_ends_the_stream(agent: Agent) -> None:
    async with agent.stream() as connection:
        await ask(connection, "claim")
        tokens = (await agent.operator.request("GET", f"/workspaces/{agent.workspace}/tokens")).body
        for token in tokens:
            await agent.operator.request("DELETE", f"/workspaces/{agent.workspace}/tokens/{token['id']}")
        with pytest.raises(ConnectionClosed) as caught:
            await receive(connection)
    assert caught.value.rcvd is not None and caught.value.rcvd.code == 4401


class Departing:
    """The server's side of a connection: what its agent says in turn, and an end that meets nobody, as of one that is gone."""

    def __init__(self, *said: Json) -> None:
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        self._said.put_nowait({"type": "websocket.connect"})
        for frame in said:
            self._said.put_nowait({"type": "websocket.receive", "text": json.dumps(frame)})
        self.answered, self.told_to_end = asyncio.Event(), asyncio.Event()

    async def receive(self) -> Message:
        return await self._said.get()

    async def send(self, message: Message) -> None:
        if message["type"] == "websocket.send":
            self.answered.set()
        if message["type"] == "websocket.close":
            self.told_to_end.set()
            raise OSError("it is gone")

    def leave(self) -> None:
        self._said.put_nowait({"type": "websocket.disconnect", "code": 1006})


async def test_an_agent_that_left_before_it_was_told_of_the_end_is_no_fault(dsn: str) -> None:
    connection = Departing({"id": 1, "verb": "subscribe", "max": 1})
    async with open_house(dsn, poll_seconds=0.1) as house:
        made = await house.services.workspaces.create(house.operator, NewWorkspace(name="streaming"))
        headers = [(b"authorization", f"Bearer {made.token.token}".encode())]
        scope = {"type": "websocket", "path": "/", "headers": headers, "path_params": {"id": str(made.workspace.id)}}
        stream = InboxStream(house.services, InboxVerbs(house.services))
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            tasks.create_task(stream.serve(WebSocket(scope, connection.receive, connection.send)))
            await connection.answered.wait()
            await house.sql("update credential set revoked_at = now() where workspace_id = $1", made.workspace.id)
            await connection.told_to_end.wait()
            connection.leave()
