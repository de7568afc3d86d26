"""Lessons L20 to L28: who was let in that should not have been, and who was sent away (lessons.md, "Let in")."""

import asyncio
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
import websockets

from postroom.client import Client
from postroom.errors import Forbidden, NotFound, Refused
from tests.edges.agents import Exchange, raw_agent
from tests.lessons.agents import called, said
from tests.lessons.conftest import PostRoom
from tests.support.http import Answer, ask
from tests.support.server import ServerProcess, make_agent

Json = dict[str, Any]

OPEN = {("get", "/health"), ("post", "/session")}
"""What the contract leaves open; the session is what a login link is traded for."""
UNDESCRIBED = [("get", "/docs"), ("get", "/openapi.json")]


def operations(server: ServerProcess) -> list[tuple[str, str]]:
    """Every method and path that the server says it has."""
    described = ask(server.url, "GET", "/openapi.json", token=server.operator_token).body["paths"]
    return [(method, path) for path, item in described.items() for method in item] + UNDESCRIBED


def filled(path: str) -> str:
    """A path with an id that nothing has."""
    return path.replace("{id}", str(uuid4())).replace("{message_id}", str(uuid4())).replace("{token_id}", str(uuid4()))


def test_l20_every_route_asks_who_is_calling(server: ServerProcess) -> None:
    """The main endpoint took any request without a caller header as the trusted page."""
    found = operations(server)
    assert len(found) > 30
    kind = {"Content-Type": "application/json"}
    for method, path in found:
        body = None if method == "get" else b"{}"
        answer = ask(server.url, method.upper(), filled(path), headers=kind, body=body)
        assert (method, path) in OPEN or answer.status == 401, (method, path, answer.status)
    traded = ask(server.url, "POST", "/session", headers={"Origin": server.url, **kind}, body={"code": "guess"})
    assert (traded.status, "set-cookie" in traded.headers) == (401, False)


async def test_l20_no_stream_opens_without_a_credential(server: ServerProcess) -> None:
    """The same, for WebSockets."""
    address = server.url.replace("http", "ws")
    async with websockets.connect(f"{address}/ws", proxy=None) as socket:
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 4401
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with websockets.connect(f"{address}/workspaces/{uuid4()}/inbox/stream", proxy=None):
            pass
    assert refused.value.response.status_code == 401


async def test_l21_registering_is_for_ones_own_workspace_and_makes_none(server: ServerProcess, operator: Client) -> None:
    """Registration gave the token to whoever came first, for any id, and made a new root for an unknown id."""
    made, token = await make_agent(operator, "mine")
    other, _ = await make_agent(operator, "other")
    parent, _ = await make_agent(operator, "parent")
    hidden, _ = await make_agent(operator, "hidden", parent_id=parent)
    async with server.client(token) as agent:
        before = [workspace["id"] for workspace in await operator.workspaces()]
        for target, refusal in ((other, Forbidden), (hidden, NotFound), (str(uuid4()), NotFound)):
            with pytest.raises(refusal):
                await agent.register(target, agent_card={"name": "thief"}, url="http://127.0.0.1:9/")
        with pytest.raises(NotFound):
            await operator.register(str(uuid4()), agent_card={})
        with pytest.raises(Forbidden):
            await operator.register(other, agent_card={"name": "thief"})
        registered = await agent.register(made, agent_card={"name": "me"})
    assert [workspace["id"] for workspace in await operator.workspaces()] == before
    assert [(await operator.workspace(id))["agent_card"] for id in (other, hidden)] == [None, None]
    assert not [name for name in registered if "token" in name]


async def test_l24_the_callers_credentials_stay_here(server: ServerProcess, operator: Client) -> None:
    """A proxy forwarded the caller's bearer token to a URL that an agent had chosen."""

    async def answer(exchange: Exchange) -> None:
        await exchange.answer_result(said("got it"))

    sender, token = await make_agent(operator, "sender")
    async with called(operator, "curious", answer) as target:
        headers = {
            "Cookie": "postroom_8080=secret-cookie",
            "X-Workspace-ID": sender,
            "X-Api-Key": "secret-key",
            "Content-Type": "application/json",
        }
        body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": {"parts": [{"text": "hi"}]}}}
        path = f"/workspaces/{target.id}/a2a"
        sent = await asyncio.to_thread(ask, server.url, "POST", path, token=token, headers=headers, body=body)
        assert sent.body["result"]["message"]["parts"] == [{"text": "got it"}]
        (exchange,) = target.agent.exchanges
    got = exchange.head + exchange.body.decode()
    assert [word for word in (token, "secret-cookie", "secret-key", "Bearer", server.operator_token) if word in got] == []
    assert exchange.header("Authorization") is None and exchange.header("Cookie") is None


@pytest.mark.parametrize(
    "status", ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
)
async def test_l25_no_redirect_is_followed(operator: Client, status: str) -> None:
    """Redirects were followed unchecked."""

    async def answer(exchange: Exchange) -> None:
        await exchange.answer_result(said("I am inside"))

    async with raw_agent(answer) as inside:

        async def send_away(exchange: Exchange) -> None:
            await exchange.answer(b"", status=status, headers=f"Location: {inside.url}\r\n")

        async with called(operator, "guide", send_away) as guide:
            sent = await operator.send(guide.id, "lead me", wait=15)
        assert (sent.state, inside.connects) == ("failed", 0)
        assert sent.error and sent.error["code"] == "redirect_refused"


FORBIDDEN_URLS = ["http://169.254.169.254/latest/", "http://10.0.0.1/", "http://[::ffff:192.168.0.1]/", "http://127.1/", "ftp://127.0.0.1/"]


@pytest.mark.parametrize("url", [*FORBIDDEN_URLS, "own"])
async def test_l25_every_url_field_is_checked(server: ServerProcess, operator: Client, url: str) -> None:
    """Names were resolved twice; some URL fields were not checked at all."""
    url = f"{server.url}/workspaces" if url == "own" else url
    made, token = await make_agent(operator, "mover")
    async with server.client(token) as agent:
        for change in (
            operator.create_workspace(name="new", url=url),
            operator.update_workspace(made, url=url),
            operator.update_workspace(made, delivery_mode="push", url=url),
            agent.register(made, agent_card={}, url=url),
        ):
            with pytest.raises(Refused) as refused:
                await change
            assert refused.value.name == "address_refused"
    assert (await operator.workspace(made))["url"] is None


async def knock(room: PostRoom, tokens: list[str], paths: list[str]) -> dict[tuple[str, str], Answer]:
    """Ask for every path with every token while the database is away."""
    asked = list(product(tokens, paths))
    async with asyncio.TaskGroup() as tasks:
        with room.door.shut():
            knocks = [tasks.create_task(asyncio.to_thread(ask, room.server.url, "GET", path, token=token)) for token, path in asked]
            await asyncio.wait(knocks)
    return dict(zip(asked, (task.result() for task in knocks), strict=True))


async def test_l26_a_look_up_that_fails_lets_nobody_in(post_room: PostRoom, boss: Client) -> None:
    """Look-ups that failed let the caller through: token, budget, tree, allow-list."""
    _, token = await make_agent(boss, "knocking")
    # The first two need nothing but a caller: there the answer is the door's alone.
    paths = ["/session", "/openapi.json", "/workspaces"]
    answers = await knock(post_room, ["made-up", token], paths)
    assert {asked: answer.status for asked, answer in answers.items() if answer.status != 503} == {}
    with pytest.raises(Refused) as unresolved:
        await boss.create_workspace(name="nowhere", url="http://no-such-name.invalid/")
    assert unresolved.value.name == "address_unresolved"


async def test_l28_a_lost_database_is_never_a_401(post_room: PostRoom, boss: Client) -> None:
    """A database failure read as 401, so clients threw their good tokens away."""
    _, token = await make_agent(boss, "loyal")
    answers = await knock(post_room, [token, post_room.server.operator_token], ["/session", "/workspaces"])
    for asked, answer in answers.items():
        assert (answer.status, answer.code) == (503, "database_down"), asked
        assert int(answer.headers["retry-after"]) >= 1
    async with post_room.server.client(token) as agent:
        assert (await agent.request("GET", "/session")).body["name"] == "loyal"
