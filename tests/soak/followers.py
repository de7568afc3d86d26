"""A process of readers: ``python -m tests.soak.followers PLAN``. They follow feeds through everything, and try what is none of theirs.

Feeds are read as server-sent events or in pages; each goes on from the last cursor that it wrote down.
"""

import asyncio
import random
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import uvloop
from pyreqwest.client import Client
from pyreqwest.exceptions import PyreqwestError

from tests.crash.checker import Journal
from tests.soak.paper import Paper
from tests.soak.stopping import stop_asked
from tests.soak.wire import Answer, Servers, Unanswered, build_client, pause

Json = dict[str, Any]

_FOR_EVER = timedelta(days=1)
SILENCE_SECONDS = 20.0
"""The server says something every 15 s; after this the connection is dead."""
LAG_SECONDS = 5.0
"""What happened so shortly before the end need not have been shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """``workspace`` None is everything; ``pages`` are asked for, a stream comes by itself."""

    name: str
    workspace: str | None
    token: str
    pages: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """Somebody with a token who may not know ``others``."""

    workspace: str
    token: str
    others: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the process is told; ``before`` are the journals that its predecessors left."""

    name: str
    journal: str
    before: list[str]
    urls: list[str]
    feeds: list[Feed]
    strangers: list[Stranger]

    @classmethod
    def read(cls, path: Path) -> "Plan":
        """From the file that was made for it."""
        told: Json = orjson.loads(path.read_bytes())
        told["feeds"] = [Feed(**feed) for feed in told["feeds"]]
        told["strangers"] = [Stranger(**each) for each in told["strangers"]]
        return cls(**told)


class Follower:
    """One feed, through all breaks."""

    def __init__(self, feed: Feed, cursor: str | None, paper: Paper, servers: Servers, client: Client) -> None:
        self._feed = feed
        self._paper = paper
        self._servers = servers
        self._client = client
        self._cursor = cursor

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await (self._read_page() if self._feed.pages and self._cursor else self._listen())
            except (Unanswered, PyreqwestError, TimeoutError):
                await pause()

    async def _listen(self) -> None:
        path = "/events/stream" if self._feed.workspace is None else f"/workspaces/{self._feed.workspace}/events/stream"
        headers = {"Authorization": f"Bearer {self._feed.token}", **({"Last-Event-ID": self._cursor} if self._cursor else {})}
        request = self._client.get(self._servers.any() + path).headers(headers)
        async with request.timeout(_FOR_EVER).streamed_read_buffer_limit(0).build_streamed() as response:
            if response.status == 503:
                raise Unanswered("503")
            if response.status != 200:
                self._paper.write("refuse", f"feed {self._feed.name}: {response.status}")
                raise Unanswered(str(response.status))
            rest = b""
            while (chunk := await _chunk(response.body_reader)) is not None:
                *frames, rest = (rest + chunk).split(b"\n\n")
                for frame in frames:
                    self._take(frame)
                if self._feed.pages:
                    return

    def _take(self, frame: bytes) -> None:
        lines = dict(line.split(b": ", 1) for line in frame.split(b"\n") if b": " in line and not line.startswith(b":"))
        if b"event" in lines:
            return
        if b"data" in lines:
            told: Json = orjson.loads(lines[b"data"])
            self._show(told["cursor"], told["event"], told["workspace_id"], told["payload"].get("message_id"))
        elif b"id" in lines and self._cursor is None:
            self._cursor = lines[b"id"].decode()
            self._paper.write("follow", self._feed.name, self._feed.workspace, self._cursor)

    def _show(self, cursor: str, type: str, workspace: str, message: str | None) -> None:
        self._paper.write("show", self._feed.name, cursor, type, workspace, message)
        self._cursor = cursor

    async def _read_page(self) -> None:
        answer = await self._servers.get(f"/workspaces/{self._feed.workspace}/activity?limit=200&since_id={self._cursor}", self._feed.token)
        if answer.status != 200:
            self._paper.write("refuse", f"feed {self._feed.name}: {answer}")
            raise Unanswered(str(answer.status))
        for row in answer.body:
            self._show(row["cursor"], row["event"], row["workspace_id"], row["message_id"])
        await asyncio.sleep(0.02 if len(answer.body) == 200 else 0.5)


async def _chunk(reader: Any) -> bytes | None:
    async with asyncio.timeout(SILENCE_SECONDS):
        chunk = await reader.read_chunk()
    return None if chunk is None else bytes(chunk)


class Prober:
    """A stranger who tries every door; what is given to them is written down."""

    def __init__(self, stranger: Stranger, paper: Paper, servers: Servers) -> None:
        self._stranger = stranger
        self._paper = paper
        self._servers = servers

    async def run(self) -> None:
        """Until cancelled."""
        doors = [self._read_card, self._read_history, self._read_feed, self._read_all, self._list, self._send, self._claim]
        while True:
            other = random.choice(self._stranger.others)
            door = random.choice(doors)
            try:
                await door(other)
            except Unanswered:
                await pause()
            await asyncio.sleep(0.1)

    async def _read_card(self, other: str) -> None:
        self._judge("card", await self._get(f"/workspaces/{other}"))

    async def _read_history(self, other: str) -> None:
        self._judge("history", await self._get(f"/workspaces/{other}/chat-history"))

    async def _read_feed(self, other: str) -> None:
        self._judge("activity", await self._get(f"/workspaces/{other}/activity"))

    async def _read_all(self, _: str) -> None:
        self._judge("metrics", await self._get("/metrics"))

    async def _list(self, _: str) -> None:
        for path in ("/workspaces", f"/registry/{self._stranger.workspace}/peers"):
            answer = await self._get(path)
            if answer.status != 200:
                self._paper.write("refuse", f"{path}: {answer}")
            elif any(other.encode() in answer.content for other in self._stranger.others):
                self._paper.write("leak", f"{path} shows a stranger")

    async def _send(self, other: str) -> None:
        said = {"role": "ROLE_USER", "messageId": "m", "parts": [{"text": "let me in"}]}
        body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": said}}
        self._judge("send", await self._servers.post(f"/workspaces/{other}/a2a", self._stranger.token, body, **{"X-Timeout": "0"}))

    async def _claim(self, other: str) -> None:
        self._judge("claim", await self._servers.post(f"/workspaces/{other}/inbox/claim", self._stranger.token, {}))

    async def _get(self, path: str) -> Answer:
        return await self._servers.get(path, self._stranger.token)

    def _judge(self, door: str, answer: Answer) -> None:
        if answer.status in (403, 404):
            self._paper.write("deny", door)
        else:
            self._paper.write("leak", f"{door}: {answer}")


def last_cursors(plan: Plan) -> dict[str, str]:
    """Where the predecessors stood in each feed."""
    journal = Journal()
    for before in plan.before:
        with Path(before).open("rb") as lines:
            journal.read(lines)
    return {name: feed.shown[-1].cursor if feed.shown else feed.start for name, feed in journal.feeds.items()}


async def main(plan: Plan) -> None:
    """Follow and try until SIGTERM."""
    async with stop_asked() as stop, build_client() as client:
        with Paper(Path(plan.journal)) as paper:
            servers, cursors = Servers(plan.urls, client), last_cursors(plan)
            async with asyncio.TaskGroup() as tasks:
                readers = [tasks.create_task(Follower(feed, cursors.get(feed.name), paper, servers, client).run()) for feed in plan.feeds]
                readers += [tasks.create_task(Prober(stranger, paper, servers).run()) for stranger in plan.strangers]
                await stop.wait()
                for feed in plan.feeds:
                    paper.write("leave", feed.name, time.time() - LAG_SECONDS)
                for reader in readers:
                    reader.cancel()


if __name__ == "__main__":
    uvloop.run(main(Plan.read(Path(sys.argv[1]))))
