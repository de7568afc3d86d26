"""Connections that a client opens, listens to for a moment and drops without a word: the server has to find out by itself."""

import asyncio
import random
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson
from websockets.asyncio.client import connect

from benches.points import bearer

SHORTEST, LONGEST = 0.05, 2.0
"""Seconds that a stream stays open."""


@dataclass(frozen=True, slots=True)
class Resident:
    """A live agent."""

    id: str
    token: str
    fetches: bool


async def open_and_cut(url: str, resident: Resident, operator: str) -> None:
    """One kind of stream. Raises OSError, EOFError or WebSocketException when the server ended it before we did."""
    kind = random.choice((_events, _feed_socket, _inbox_socket)[: 2 + resident.fetches])
    await kind(url, resident.id, resident.token if kind is _inbox_socket else operator)


async def _events(url: str, workspace: str, token: str) -> None:
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        path = f"/workspaces/{workspace}/events/stream"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        await _stay()
    finally:
        writer.transport.abort()


async def _feed_socket(url: str, workspace: str, token: str) -> None:
    await _socket(f"{url}/ws", token, {"resume": None, "workspace_id": workspace})


async def _inbox_socket(url: str, workspace: str, token: str) -> None:
    # What is pushed meanwhile is given back when the connection ends.
    await _socket(f"{url}/workspaces/{workspace}/inbox/stream", token, {"id": 1, "verb": "subscribe", "max": 1})


async def _socket(url: str, token: str, first: object) -> None:
    async with connect(url.replace("http", "ws", 1), additional_headers=bearer(token), compression=None, proxy=None) as socket:
        await socket.send(orjson.dumps(first).decode())
        await socket.recv()
        await _stay()
        socket.transport.abort()


async def _stay() -> None:
    await asyncio.sleep(random.uniform(SHORTEST, LONGEST))
