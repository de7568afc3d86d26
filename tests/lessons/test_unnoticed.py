"""Lessons L30 to L36: what could not work, and no test noticed (lessons.md)."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

import postroom
from postroom.client import Client
from postroom.core.deliveries.model import End
from postroom.core.events.model import EventType
from postroom.core.identity.model import PrincipalKind
from postroom.core.messages.model import State, Strand
from postroom.core.registry.model import DeliveryMode, Status
from postroom.errors import Superseded
from tests.edges.agents import Exchange
from tests.edges.test_push_answers import REPLIES
from tests.lessons.agents import called, heard
from tests.lessons.conftest import PostRoom
from tests.lessons.wait import events, history, until
from tests.support.server import ServerProcess, make_agent

Json = dict[str, Any]

SHOWN_ONLY = {Status.PAUSED, Status.REMOVED}
"""Statuses that are made of other columns when they are shown."""
VALUES: dict[tuple[str, str], Iterable[str]] = {
    ("outcome", "state"): End,
    ("workspace", "delivery_mode"): DeliveryMode,
    ("presence", "status"): set(Status) - SHOWN_ONLY,
    ("message", "sender_kind"): PrincipalKind,
    ("message", "role"): ("user", "agent", "system"),
    ("message", "strand"): Strand,
    ("credential", "kind"): ("operator", "workspace", "session"),
}


@pytest.mark.parametrize(("table", "column"), VALUES, ids=".".join)
async def test_l30_the_database_takes_every_value_of_the_code(post_room: PostRoom, table: str, column: str) -> None:
    """Status values were missing from the database enum; tests ran against a mocked database that takes anything."""
    values = set(map(str, VALUES[table, column]))
    checks = await post_room.sql(
        """select pg_get_expr(c.conbin, c.conrelid) as rule from pg_constraint c
        join pg_attribute a on a.attrelid = c.conrelid and c.conkey = array[a.attnum]
        where c.contype = 'c' and c.conrelid = $1::text::regclass and a.attname = $2""",
        table,
        column,
    )
    assert checks
    for check in checks:
        asked = f"select {column} from (select unnest($1::text[]) as {column}) given where {check['rule']}"  # noqa: S608 (ours)
        taken = await post_room.sql(asked, [*values])
        assert {row[column] for row in taken} == values == set(re.findall("'([a-z_-]+)'::text", check["rule"]))


def test_l30_a_state_is_an_end_or_on_its_way_to_one() -> None:
    """The same, for what is shown: nothing that the database holds is unknown to the code."""
    assert set(map(str, State)) == set(map(str, End)) | {"accepted", "handed", "input_required"}


class Round:
    """A walk along all routes; each answer has to be a success."""

    def __init__(self, server: ServerProcess, http: httpx.AsyncClient) -> None:
        self._server, self._http = server, http
        self.seen: set[tuple[str, str]] = set()

    async def ask(
        self, method: str, path: str, body: Json | None = None, *, content: bytes | None = None, query: Json | None = None, **given: Any
    ) -> Any:
        """Fill the path's names from ``given``; what is left of it are headers."""
        named = {name: given.pop(name) for name in re.findall("{([a-z_]+)}", path)}
        headers = {name.replace("_", "-"): value for name, value in given.items()}
        headers = {"Authorization": f"Bearer {self._server.operator_token}"} | headers
        kept = {name: value for name, value in headers.items() if value}
        address = self._server.url + path.format(**named)
        async with self._http.stream(method, address, json=body, content=content, params=query, headers=kept) as answer:
            self.seen.add((method.lower(), path))
            streams = answer.headers.get("content-type", "").startswith("text/event-stream")
            content = b"" if streams else await answer.aread()
            assert 200 <= answer.status_code < 300, (method, path, content)
            return answer.json() if answer.headers.get("content-type") == "application/json" else answer.headers


async def test_l31_every_route_answers_a_valid_request(server: ServerProcess) -> None:
    """Handler tests bypassed the router, so a route that always answered 400 passed."""
    async with httpx.AsyncClient(timeout=20) as http:
        walk = Round(server, http)
        made = await walk.ask("POST", "/workspaces", {"name": "walked", "max_concurrent": 8})
        own = f"Bearer {made['token']}"
        await manage(walk, made["id"])
        await announce(walk, made["id"], own)
        await talk(walk, made["id"], own)
        await speak_mcp(walk, made["id"], own)
        await browse(walk, urlsplit(server.url).netloc)
        for path in ("/health", "/health/details", "/metrics", "/docs"):
            await walk.ask("GET", path)
        described = (await walk.ask("GET", "/openapi.json"))["paths"]
        await walk.ask("DELETE", "/workspaces/{id}", id=made["id"])
    assert {(method, path) for path, item in described.items() for method in item} - walk.seen == set()


async def manage(walk: Round, id: str) -> None:
    for path in ("/workspaces", "/events/stream", "/sessions", "/chats", "/delegations", "/dead-letters", "/session/preferences"):
        await walk.ask("GET", path)
    await walk.ask("GET", "/workspaces/{id}", id=id)
    await walk.ask("PATCH", "/workspaces/{id}", {"name": "renamed", "x": 1.5}, id=id)
    await walk.ask("POST", "/workspaces/{id}/pause", id=id)
    await walk.ask("POST", "/workspaces/{id}/resume", id=id)
    token = await walk.ask("POST", "/workspaces/{id}/tokens", {"label": "more"}, id=id)
    await walk.ask("GET", "/workspaces/{id}/tokens", id=id)
    await walk.ask("DELETE", "/workspaces/{id}/tokens/{token_id}", id=id, token_id=token["id"])


async def announce(walk: Round, id: str, own: str) -> None:
    await walk.ask("POST", "/registry/register", {"id": id, "agent_card": {"name": "w"}}, Authorization=own)
    await walk.ask("POST", "/registry/heartbeat", {"workspace_id": id, "active_tasks": 1, "error_rate": 0.0}, Authorization=own)
    await walk.ask("POST", "/registry/update-card", {"workspace_id": id, "agent_card": {"name": "x"}}, Authorization=own)
    await walk.ask("GET", "/registry/discover/{id}", id=id, Authorization=own)
    await walk.ask("GET", "/registry/{id}/peers", id=id, Authorization=own)
    await walk.ask("POST", "/registry/check-access", {"caller_id": id, "target_id": id}, Authorization=own)


async def talk(walk: Round, id: str, own: str) -> None:
    params = {"message": {"parts": [{"text": "hi"}]}, "configuration": {"returnImmediately": True}}
    for _ in range(4):
        await walk.ask("POST", "/workspaces/{id}/a2a", {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": params}, id=id)
    items = (await walk.ask("POST", "/workspaces/{id}/inbox/claim", {"max": 4, "wait": 5}, id=id, Authorization=own))["items"]
    inbox = "/workspaces/{id}/inbox/{message_id}/"
    for item, verb, fields in (
        (items[0], "extend", {"lease": 20}),
        (items[0], "progress", {"parts": [{"text": "half"}]}),
        (items[0], "reply", {"parts": [{"text": "whole"}]}),
        (items[1], "fail", {"error": "no", "retry": False}),
        (items[2], "release", {}),
        (items[3], "fail", {"error": "no", "retry": False}),
    ):
        names: Json = {"id": id, "message_id": item["message_id"], "Authorization": own}
        await walk.ask("POST", inbox + verb, {"token": item["token"], **fields}, **names)
    notice = {"message": "by the way", "attachments": [{"raw": "Ynl0ZXM="}]}
    told = await walk.ask("POST", "/workspaces/{id}/notify", notice, id=id, Authorization=own)
    part = "/workspaces/{id}/messages/{message_id}/parts/{number}"
    await walk.ask("GET", part, id=id, message_id=told["id"], number="1", Authorization=own)
    file = await walk.ask("POST", "/files", content=b"bytes", query={"name": "a.bin"}, Authorization=own)
    await walk.ask("GET", "/files/{id}", id=file["id"], Authorization=own)
    await walk.ask("PUT", "/workspaces/{id}/read", {"seq": 1}, id=id)
    await walk.ask("PUT", "/session/preferences/{name}", {"dark": True}, name="theme")
    await walk.ask("POST", "/dead-letters/{message_id}/replay", message_id=items[1]["message_id"])
    await walk.ask("POST", "/dead-letters/{message_id}/drop", message_id=items[3]["message_id"])
    await delegate(walk, id, own)
    for path in ("chat-history", "threads", "activity", "events/stream"):
        await walk.ask("GET", "/workspaces/{id}/" + path, id=id, Authorization=own)


async def delegate(walk: Round, id: str, own: str) -> None:
    peer = await walk.ask("POST", "/workspaces", {"name": "asked"})
    asked = await walk.ask("POST", "/workspaces/{id}/delegate", {"target_id": peer["id"], "task": "do it"}, id=id, Authorization=own)
    one = "/workspaces/{id}/delegations/{delegation_id}"
    await walk.ask("GET", "/workspaces/{id}/delegations", id=id, Authorization=own)
    await walk.ask("GET", one, id=id, delegation_id=asked["delegation_id"], Authorization=own)
    await walk.ask("POST", one + "/cancel", id=id, delegation_id=asked["delegation_id"], Authorization=own)


async def speak_mcp(walk: Round, id: str, own: str) -> None:
    """A client that begins with a handshake: its session, its stream, its good-bye."""
    who: Json = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "walk", "version": "1"}}
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": who}
    names: Json = {"id": id, "Authorization": own, "Accept": "application/json, text/event-stream"}
    await walk.ask("POST", "/workspaces/{id}/mcp", hello, **names)
    await walk.ask("GET", "/workspaces/{id}/mcp", **names)
    await walk.ask("DELETE", "/workspaces/{id}/mcp", **names)
    await walk.ask("GET", "/workspaces/{id}/inbox", id=id, Authorization=own)


async def browse(walk: Round, host: str) -> None:
    async def log_in() -> tuple[str, str]:
        link = (await walk.ask("POST", "/login-link"))["link"]
        opened = await walk.ask("POST", "/session", {"code": link.partition("#")[2]}, Authorization="", Origin=f"http://{host}")
        return opened["id"], "; ".join(f"{cookie.name}={cookie.value}" for cookie in walk._http.cookies.jar)

    _, cookie = await log_in()
    await walk.ask("GET", "/session", Authorization="", Cookie=cookie)
    await walk.ask("DELETE", "/session", Authorization="", Cookie=cookie, Origin=f"http://{host}")
    session, _ = await log_in()
    await walk.ask("DELETE", "/sessions/{id}", id=session)


async def test_l32_every_event_name_is_sent_and_no_other_is_waited_for(post_room: PostRoom, boss: Client) -> None:
    """Agents waited for an event name that was never sent."""
    names = set(map(str, EventType))
    sources = [path for kind in ("*.py", "*.js") for path in Path(postroom.__file__).parent.rglob(kind) if path.name != "model.py"]
    waited = {
        name
        for path in sources
        for name in re.findall(r"[\"']((?:message|workspace|notice|mailbox|dead_letter)\.[a-z_]+)[\"']", path.read_text())
    }
    assert waited - names == set()
    made, token = await make_agent(boss, "eventful", max_concurrent=8)
    cursor = (await events(boss, made))[0]["cursor"]
    async with post_room.server.client(token) as agent:
        await live(boss, agent, made)
        await converse(boss, agent, made)
        await until(lambda: events(boss, made, "workspace.offline"), "the agent is offline", 20)
    await boss.remove_workspace(made, confirm=True)
    assert names - await seen_live(boss, cursor, names) == set()


async def seen_live(client: Client, cursor: str, names: set[str]) -> set[str]:
    """The names that the feed of everything brings after a cursor; gives up after a while."""
    seen: set[str] = set()
    try:
        async with asyncio.timeout(5), aclosing(client.events(None, cursor=cursor)) as feed:
            async for frame in feed:
                seen.add(frame.event)
                if names <= seen:
                    break
    except TimeoutError:
        return seen
    return seen


async def live(boss: Client, agent: Client, made: str) -> None:
    """Everything that happens to a workspace, but its end."""
    parent, _ = await make_agent(boss, "parent")
    await agent.register(made, agent_card={"name": "a"})
    await agent.heartbeat(made, error_rate=0.9)
    await agent.heartbeat(made, error_rate=0.0)
    await agent.request("POST", "/registry/update-card", json={"workspace_id": made, "agent_card": {}})
    await boss.update_workspace(made, name="renamed")
    await boss.update_workspace(made, parent_id=parent)
    await boss.pause(made)
    await boss.resume(made)


async def converse(boss: Client, agent: Client, made: str) -> None:
    """Everything that happens to a message."""
    await boss.send(made, "expires", wait=None, deadline_seconds=1)
    await until(lambda: events(boss, made, "message.expired"), "the deadline has passed")
    await boss.send(made, "goes on", wait=None)
    await agent.fail((await agent.claim(made, wait=10))[0], "again", retry=True)
    await agent.release((await agent.claim(made, wait=10))[0])
    (item,) = await agent.claim(made, wait=10)
    await agent.progress(item, "half")
    await agent.reply(item, "whole")
    with pytest.raises(Superseded):
        await agent.reply(item, "another")
    for verb in ("drop", "replay"):
        failing = await boss.send(made, "fails", wait=None)
        await agent.fail((await agent.claim(made, wait=10))[0], "never")
        await boss.request("POST", f"/dead-letters/{failing.message_id}/{verb}")
    await agent.reply((await agent.claim(made, wait=10))[0], "at last")
    for _ in range(2):
        waiting = await boss.send(made, "nobody wants it", wait=None)
        await boss.cancel(made, waiting.message_id)
    held = await boss.send(made, "held", wait=None)
    await agent.claim(made, wait=10)
    await boss.cancel(made, held.message_id)
    await agent.notify(made, "by the way")
    await boss.request("PUT", f"/workspaces/{made}/read", json={"seq": 1})


CONTRACT = """
POST /workspaces | GET /workspaces | GET /workspaces/{id} | PATCH /workspaces/{id} | DELETE /workspaces/{id}
POST /workspaces/{id}/pause | POST /workspaces/{id}/resume
GET /workspaces/{id}/tokens | POST /workspaces/{id}/tokens | DELETE /workspaces/{id}/tokens/{token_id}
POST /registry/register | POST /registry/heartbeat | POST /registry/update-card
GET /registry/discover/{id} | GET /registry/{id}/peers | POST /registry/check-access
POST /workspaces/{id}/a2a | POST /workspaces/{id}/inbox/claim
POST /workspaces/{id}/inbox/{message_id}/extend | POST /workspaces/{id}/inbox/{message_id}/progress
POST /workspaces/{id}/inbox/{message_id}/reply | POST /workspaces/{id}/inbox/{message_id}/fail
POST /workspaces/{id}/inbox/{message_id}/release
POST /workspaces/{id}/delegate | GET /workspaces/{id}/delegations | GET /delegations
GET /workspaces/{id}/delegations/{delegation_id} | POST /workspaces/{id}/delegations/{delegation_id}/cancel
GET /workspaces/{id}/chat-history | GET /workspaces/{id}/threads | GET /chats | PUT /workspaces/{id}/read
GET /session/preferences | PUT /session/preferences/{name}
GET /dead-letters | POST /dead-letters/{message_id}/replay | POST /dead-letters/{message_id}/drop
POST /workspaces/{id}/notify | GET /workspaces/{id}/activity | GET /workspaces/{id}/events/stream
POST /files | GET /files/{id}
GET /health | GET /health/details
"""
"""The calls of the wire contract that are built: paths that existing clients already speak."""


async def test_l33_the_paths_of_the_contract_are_the_paths_of_the_server(operator: Client) -> None:
    """Documentation described other paths, fields, codes and limits than the code."""
    described = (await operator.request("GET", "/openapi.json")).body["paths"]
    found = {f"{method.upper()} {path}" for path, item in described.items() for method in item}
    assert set(re.split(r"\s*[|\n]\s*", CONTRACT.strip())) - found == set()


async def test_l34_the_sender_sees_text_whatever_shape_the_agent_writes(operator: Client) -> None:
    """Extractors that knew one shape of several showed raw JSON as the answer."""

    async def answer(exchange: Exchange) -> None:
        await exchange.answer_json(REPLIES[heard(exchange)])

    async with called(operator, "polyglot", answer, max_concurrent=64) as target, asyncio.TaskGroup() as tasks:
        sends = {shape: tasks.create_task(operator.send(target.id, shape, wait=20)) for shape in REPLIES}
        await asyncio.wait(sends.values())
        assert {shape: send.result().text for shape, send in sends.items()} == dict.fromkeys(REPLIES, "done")
        shown = [entry["content"] for entry in await history(operator, target.id) if entry["role"] == "agent"]
        assert shown == ["done"] * len(REPLIES)


async def test_l35_what_one_server_writes_is_seen_live_on_the_other(
    post_room: PostRoom, boss: Client, second_server: ServerProcess
) -> None:
    """Two copies of the live feed, one of which nobody read: a second instance would have seen nothing."""
    made, _ = await make_agent(boss, "watched", max_concurrent=8)
    cursor = (await events(boss, made))[0]["cursor"]
    async with second_server.start().client() as second:
        for writer, reader in ((boss, second), (second, boss)):
            async with aclosing(reader.events(made, cursor=cursor)) as feed:
                for number in range(5):
                    sent = await writer.send(made, str(number), wait=None)
                    frame = await next_frame(feed)
                    assert (frame.event, frame.payload["message_id"]) == ("message.accepted", sent.message_id)
                    cursor = frame.cursor
    second_server.stop()


async def next_frame(feed: AsyncGenerator[Any]) -> Any:
    async with asyncio.timeout(10):
        return await anext(feed)


async def test_l36_a_reader_that_comes_and_goes_misses_nothing_and_sees_nothing_twice(
    post_room: PostRoom, boss: Client, second_server: ServerProcess
) -> None:
    """Feeds without a cursor: a slow client lost events and could not know it."""
    made, _ = await make_agent(boss, "followed", max_concurrent=64)
    cursor = (await events(boss, made))[0]["cursor"]
    async with second_server.start().client() as second, asyncio.TaskGroup() as tasks:
        sends = [tasks.create_task(client.send(made, "x", wait=None)) for client in (boss, second) for _ in range(50)]
        seen: list[str] = []
        for reader, most in zip(cycle((boss, second)), cycle((1, 2, 7)), strict=False):
            came = await read(reader, made, cursor, min(most, len(sends) - len(seen)))
            cursor = came[-1].cursor
            seen += [frame.payload["message_id"] for frame in came]
            if len(seen) == len(sends):
                break
        await asyncio.wait(sends)
    assert len(set(seen)) == len(seen)
    assert set(seen) == {send.result().message_id for send in sends}
    second_server.stop()


async def read(client: Client, workspace: str, cursor: str, count: int) -> list[Any]:
    """A connection of its own, for so many frames."""
    async with aclosing(client.events(workspace, cursor=cursor)) as feed:
        return [await next_frame(feed) for _ in range(count)]
