"""The live feed over server-sent events and WebSocket, on a real server."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from postroom.client import Client
from tests.conftest import NewServer
from tests.support.server import ServerProcess, make_agent

Json = dict[str, Any]


@dataclass
class House:
    server: ServerProcess
    operator: Client
    workspace: str
    token: str

    async def send(self, text: str = "news") -> str:
        return (await self.operator.send(self.workspace, text, wait=None)).message_id


@pytest.fixture
async def house(server: ServerProcess) -> AsyncGenerator[House]:
    async with server.client() as operator:
        workspace, token = await make_agent(operator, "watched", max_concurrent=64)
        yield House(server, operator, workspace, token)


@asynccontextmanager
async def stream(house: House, path: str, token: str | None = None, **headers: str) -> AsyncGenerator[AsyncIterator[str]]:
    """The lines of an event stream."""
    named = {"Authorization": f"Bearer {token or house.server.operator_token}"} | {k.replace("_", "-"): v for k, v in headers.items()}
    async with httpx.AsyncClient(timeout=20) as http, http.stream("GET", house.server.url + path, headers=named) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield answer.aiter_lines()


async def frames(lines: AsyncIterator[str], count: int) -> list[Json]:
    found: list[Json] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            line = await anext(lines)
            if line.startswith("data: "):
                found.append(json.loads(line[6:]))
    return found


async def cursor_of(lines: AsyncIterator[str]) -> str:
    """The cursor with which a stream begins."""
    async with asyncio.timeout(10):
        while not (line := await anext(lines)).startswith("id: "):
            pass
    return line[4:]


async def test_events_come_live_with_cursor_and_actor(house: House) -> None:
    async with stream(house, f"/workspaces/{house.workspace}/events/stream") as lines:
        await cursor_of(lines)
        message = await house.send()
        (frame,) = await frames(lines, 1)
    assert frame["event"] == "message.accepted" and frame["workspace_id"] == house.workspace
    assert frame["payload"]["message_id"] == message and frame["payload"]["actor"]["kind"] == "operator"
    assert frame["cursor"] and frame["timestamp"].endswith("Z")


@pytest.mark.parametrize("way", ["header", "query"])
async def test_a_feed_resumes_without_a_gap(house: House, way: str) -> None:
    """L36; S11: every event after the cursor, once, in order."""
    path = f"/workspaces/{house.workspace}/events/stream"
    async with stream(house, path) as lines:
        start = await cursor_of(lines)
    sent = [await house.send(str(number)) for number in range(20)]
    at, seen = start, list[str]()
    for count in (1, 7, 12):
        resume = {"Last_Event_ID": at} if way == "header" else {}
        async with stream(house, path if resume else f"{path}?cursor={at}", **resume) as lines:
            came = await frames(lines, count)
        seen += [frame["payload"]["message_id"] for frame in came]
        at = came[-1]["cursor"]
    assert seen == sent


async def test_many_listeners_see_the_same_from_wherever_they_begin(house: House) -> None:
    path = f"/workspaces/{house.workspace}/events/stream"
    async with stream(house, path) as lines:
        start = await cursor_of(lines)
    sent = [await house.send(str(number)) for number in range(5)]

    async def listen(feed: str) -> list[str]:
        async with stream(house, feed, Last_Event_ID=start) as lines:
            seen: list[str] = []
            while len(seen) < 10:
                (frame,) = await frames(lines, 1)
                if frame["workspace_id"] == house.workspace:
                    seen.append(frame["payload"]["message_id"])
            return seen

    async with asyncio.TaskGroup() as tasks:
        listeners = [tasks.create_task(listen(feed)) for feed in [path, "/events/stream"] * 5]
        await asyncio.sleep(0.3)
        sent += [await house.send(str(number)) for number in range(5, 10)]
    assert all(listener.result() == sent for listener in listeners)


async def test_a_feed_further_behind_than_a_page_catches_up(house: House) -> None:
    path = f"/workspaces/{house.workspace}/events/stream"
    async with stream(house, path) as lines:
        start = await cursor_of(lines)
    limit = asyncio.Semaphore(32)

    async def send() -> str:
        async with limit:
            return await house.send()

    async with asyncio.TaskGroup() as tasks:
        sends = [tasks.create_task(send()) for _ in range(1100)]
    async with stream(house, path, Last_Event_ID=start) as lines:
        seen = [frame["payload"]["message_id"] for frame in await frames(lines, 1100)]
    assert len(set(seen)) == 1100 and set(seen) == {task.result() for task in sends}


async def test_line_ends_of_other_alphabets_stay_inside_their_frame(house: House) -> None:
    async with stream(house, f"/workspaces/{house.workspace}/events/stream") as lines:
        await cursor_of(lines)
        await house.send("one\u2028two\u0085three")
        (frame,) = await frames(lines, 1)
    assert frame["payload"]["preview"] == "one\u2028two\u0085three"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/events/stream?cursor=nonsense", 400, "bad_cursor"),
        ("/workspaces/nonsense/events/stream", 404, "workspace_not_found"),
        ("/workspaces/00000000-0000-7000-8000-000000000000/events/stream", 404, "workspace_not_found"),
    ],
)
async def test_refusals_come_before_the_stream(house: House, path: str, status: int, code: str) -> None:
    headers = {"Authorization": f"Bearer {house.server.operator_token}"}
    async with httpx.AsyncClient(headers=headers) as http:
        answer = await http.get(house.server.url + path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_workspace_reads_its_own_feed_only(house: House) -> None:
    other, _ = await make_agent(house.operator, "sibling")
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {house.token}"}) as http:
        for path in ("/events/stream", f"/workspaces/{other}/events/stream"):
            assert (await http.get(house.server.url + path)).status_code == 403
    async with stream(house, f"/workspaces/{house.workspace}/events/stream", house.token) as lines:
        await cursor_of(lines)
        await house.send()
        assert len(await frames(lines, 1)) == 1


@asynccontextmanager
async def socket(house: House, token: str | None = None, **wish: Any) -> AsyncGenerator[ClientConnection]:
    headers = {"Authorization": f"Bearer {token or house.server.operator_token}"}
    async with connect(house.server.url.replace("http", "ws") + "/ws", additional_headers=headers) as connection:
        await connection.send(json.dumps(wish))
        yield connection


async def receive(connection: ClientConnection) -> Json:
    async with asyncio.timeout(10):
        return json.loads(await connection.recv())


async def test_a_websocket_resumes_where_another_feed_ended(house: House) -> None:
    async with socket(house, workspace_id=house.workspace) as connection:
        ready = await receive(connection)
        assert ready["event"] == "postroom.ready"
        first = await house.send()
        frame = await receive(connection)
        assert frame["payload"]["message_id"] == first
    second = await house.send()
    async with socket(house, workspace_id=house.workspace, resume=frame["cursor"]) as connection:
        assert (await receive(connection))["cursor"] == frame["cursor"]
        assert (await receive(connection))["payload"]["message_id"] == second


@pytest.mark.parametrize(
    ("token", "wish", "code"),
    [
        ("wrong", {}, 4401),
        (None, {"resume": "nonsense"}, 4400),
        (None, {"workspace_id": "nonsense"}, 4404),
        (None, {"resume": 7}, 4422),
    ],
)
async def test_a_websocket_is_refused_with_a_close_code(house: House, token: str | None, wish: Json, code: int) -> None:
    with pytest.raises(ConnectionClosed) as caught:
        async with socket(house, token, **wish) as connection:
            await receive(connection)
    assert caught.value.rcvd is not None and caught.value.rcvd.code == code


async def test_a_revoked_token_ends_its_feeds(house: House) -> None:
    async def ending(lines: AsyncIterator[str]) -> Json:
        return (await frames(lines, 1))[0]

    path = f"/workspaces/{house.workspace}/events/stream"
    async with stream(house, path, house.token) as lines, socket(house, house.token, workspace_id=house.workspace) as connection:
        await cursor_of(lines)
        await receive(connection)
        tokens = (await house.operator.request("GET", f"/workspaces/{house.workspace}/tokens")).body
        for token in tokens:
            await house.operator.request("DELETE", f"/workspaces/{house.workspace}/tokens/{token['id']}")
        last = await ending(lines)
        assert (last["event"], last["payload"]["code"]) == ("postroom.end", "credential_ended")
        assert (await receive(connection))["event"] == "postroom.end"
        with pytest.raises(ConnectionClosed) as caught:
            await receive(connection)
        assert caught.value.rcvd is not None and caught.value.rcvd.code == 4401


async def test_a_stopping_server_says_where_to_resume(new_server: NewServer) -> None:
    server = new_server(poll_seconds="0.2").start()
    async with server.client() as operator:
        workspace, token = await make_agent(operator, "watched")
        house = House(server, operator, workspace, token)
        path = f"/workspaces/{workspace}/events/stream"
        async with stream(house, path) as lines, socket(house, workspace_id=workspace) as connection:
            start = await cursor_of(lines)
            await receive(connection)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(asyncio.to_thread(server.stop))
                (last,) = await frames(lines, 1)
                assert (last["event"], last["cursor"]) == ("postroom.restart", start)
                assert (await receive(connection))["event"] == "postroom.restart"
                with pytest.raises(ConnectionClosed) as caught:
                    await receive(connection)
    assert caught.value.rcvd is not None and caught.value.rcvd.code == 1012


async def test_the_client_follows_the_feed(house: House) -> None:
    async with aclosing(house.operator.events(house.workspace)) as feed:
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(anext(feed))
            await asyncio.sleep(0.5)
            message = await house.send()
        assert first.result().payload["message_id"] == message
