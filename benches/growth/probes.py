"""What is asked of the server at each size, and how long it took. Times are seconds here, milliseconds in the report."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from itertools import cycle
from time import perf_counter
from typing import TypeVar

import orjson
from pyreqwest.client import Client as Http

from benches.points import address, bearer
from benches.sending import A2A_HEADERS, UnexpectedAnswer, build_client, post, result_of, send_body
from postroom.client import Client
from postroom.client.feed import Frame
from tests.support.server import ServerProcess, make_agent

Done = TypeVar("Done")
Times = dict[str, list[float]]

CALLERS = 4
"""In flight at a time: enough to meet one another, too few to measure a queue."""
PAGES = 40
"""How often each page is read,"""
PAGE_SECONDS = 5.0
"""unless that takes too long."""
MAKERS = 16


@dataclass(frozen=True, slots=True)
class Live:
    """A mailbox whose agent fetches."""

    id: str
    token: str


@dataclass(frozen=True, slots=True)
class Room:
    """Who is there: one mailbox that nobody empties, with its first message and the cursor of that, and many live ones."""

    dead: str
    sample: str
    beginning: str
    live: list[Live]


async def furnish(server: ServerProcess, live: int) -> Room:
    """Make the mailboxes, and send the dead one its first message."""
    found: list[Live] = []
    async with server.client() as operator:
        dead, _ = await make_agent(operator, "dead")
        names = iter([f"live {number}" for number in range(live)])
        async with asyncio.TaskGroup() as makers:
            for _ in range(MAKERS):
                makers.create_task(_make(operator, names, found))
        async with build_client() as http:
            sample = await send(http, server, dead)
        beginning = (await operator.activity(dead, limit=1))[0]["cursor"]
    return Room(dead, sample, beginning, found)


async def _make(operator: Client, names: Iterator[str], found: list[Live]) -> None:
    for name in names:
        found.append(Live(*await make_agent(operator, name)))  # noqa: PERF401 - several makers fill one list


async def send(http: Http, server: ServerProcess, workspace: str) -> str:
    """One message that nobody waits for; its id."""
    headers = {**A2A_HEADERS, **bearer(server.operator_token)}
    return result_of(await post(http, address(server, workspace), headers, send_body("x" * 200, blocking=False)))["task"]["id"]


class Probe:
    """One size's measurements."""

    def __init__(self, server: ServerProcess, room: Room) -> None:
        self._server = server
        self._room = room
        self._live = cycle(room.live)
        self.times: Times = defaultdict(list)

    async def run(self, seconds: float) -> None:
        """Everything; a refusal ends it, since what failed was not measured."""
        async with build_client() as http:
            await self._greet(http)
            await self._for(http, seconds)
            await self._pages(http)
        await self._feeds()

    async def _greet(self, http: Http) -> None:
        """Every live agent asks for post once. The first time that costs more: the agent is online now, which is written down."""
        agents = iter(self._room.live)
        async with asyncio.TaskGroup() as callers:
            for _ in range(CALLERS):
                callers.create_task(self._greet_all(http, agents))

    async def _greet_all(self, http: Http, agents: Iterator[Live]) -> None:
        for live in agents:
            await self._timed("claim of an agent that was offline", lambda live=live: self._claim(http, live))

    async def _claim(self, http: Http, live: Live) -> bytes:
        return await post(http, f"{self._inbox(live)}/claim", self._headers(live), b'{"max": 1}')

    def _inbox(self, live: Live) -> str:
        return f"{self._server.url}/workspaces/{live.id}/inbox"

    def _headers(self, live: Live) -> dict[str, str]:
        return {"Content-Type": "application/json", **bearer(live.token)}

    async def _for(self, http: Http, seconds: float) -> None:
        ends = perf_counter() + seconds
        async with asyncio.TaskGroup() as callers:
            for number in range(CALLERS):
                callers.create_task(self._rounds(http, ends, dead=number == 0))

    async def _rounds(self, http: Http, ends: float, *, dead: bool) -> None:
        while perf_counter() < ends:
            await self._round(http, next(self._live))
            if dead:
                await self._timed("accept behind the waiting ones", lambda: send(http, self._server, self._room.dead))

    async def _round(self, http: Http, live: Live) -> None:
        """One message through a live mailbox."""
        await self._timed("accept", lambda: send(http, self._server, live.id))
        found = await self._timed("claim", lambda: self._claim(http, live))
        # There are more live mailboxes than callers, so what was just sent is there.
        item = orjson.loads(found)["items"][0]
        reply = orjson.dumps({"token": item["token"], "text": "done"})
        await self._timed("reply", lambda: post(http, f"{self._inbox(live)}/{item['message_id']}/reply", self._headers(live), reply))

    async def _pages(self, http: Http) -> None:
        dead = f"{self._server.url}/workspaces/{self._room.dead}"
        quiet = f"{self._server.url}/workspaces/{self._room.live[0].id}"
        middle = orjson.loads(await self._get(http, f"{dead}/chat-history?limit=1"))["messages"][0]["seq"] // 2 + 1
        pages = {
            "history, newest page": f"{dead}/chat-history",
            "history, page in the middle": f"{dead}/chat-history?before={middle}",
            "history, onwards from the middle": f"{dead}/chat-history?after={middle}",
            "history of a quiet mailbox": f"{quiet}/chat-history",
            "activity, newest page": f"{dead}/activity",
            "activity of a quiet mailbox": f"{quiet}/activity",
            "metrics": f"{self._server.url}/metrics",
            "health": f"{self._server.url}/health",
        }
        for name, url in pages.items():
            await self._repeat(name, lambda url=url: self._get(http, url))

    async def _feeds(self) -> None:
        """Resume a feed: from opening it to the first event after the cursor."""
        readers = {
            "feed, resumed at its beginning": self._room.dead,
            "feed of a quiet mailbox, resumed at the beginning": self._room.live[0].id,
            "feed of everything, resumed at the beginning": None,
        }
        async with self._server.client() as client:
            for name, workspace in readers.items():
                await self._repeat(name, lambda workspace=workspace: self._first(client, workspace))

    async def _first(self, client: Client, workspace: str | None) -> Frame:
        async with aclosing(client.events(workspace, cursor=self._room.beginning)) as frames:
            async for frame in frames:
                return frame
        raise UnexpectedAnswer("the feed ended before its first event")

    async def _get(self, http: Http, url: str) -> bytes:
        response = await http.get(url).headers(bearer(self._server.operator_token)).build().send()
        content = bytes(await response.bytes())
        if response.status != 200:
            raise UnexpectedAnswer(f"{response.status} {content[:300]!r}")
        return content

    async def _repeat(self, name: str, act: Callable[[], Awaitable[Done]]) -> None:
        ends = perf_counter() + PAGE_SECONDS
        for _ in range(PAGES):
            if perf_counter() < ends:
                await self._timed(name, act)

    async def _timed(self, name: str, act: Callable[[], Awaitable[Done]]) -> Done:
        began = perf_counter()
        done = await act()
        self.times[name].append(perf_counter() - began)
        return done
