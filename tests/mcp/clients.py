"""The official MCP client as the agent of one workspace, over HTTP to a real server."""

import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx2
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent, TextResourceContents

from postroom.mcp.refusals import META

Json = dict[str, Any]
HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
Mode = Literal["auto", "legacy"]
MODES: tuple[Mode, ...] = ("auto", "legacy")
"""Of the current revision of the protocol, and of those before it, which begin with a handshake."""


@dataclass(frozen=True)
class Seat:
    """Where an agent connects, and as whom."""

    url: str
    workspace: str
    token: str
    name: str

    @property
    def address(self) -> str:
        return f"{self.url}/workspaces/{self.workspace}/mcp"

    @asynccontextmanager
    async def connect(self, mode: Mode = "auto") -> AsyncGenerator["Agent"]:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
            Client(streamable_http_client(self.address, http_client=http), mode=mode) as client,
        ):
            yield Agent(client)


class Agent:
    """A connected client, with the two things that a test wants of a call: its structured result, or the code of its refusal."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        result = await self.client.call_tool(tool, arguments)
        assert isinstance(result, CallToolResult)
        return result

    async def use(self, tool: str, **arguments: Any) -> Json:
        result = await self.call(tool, **arguments)
        assert not result.is_error, text_of(result)
        return result.structured_content

    async def refusal(self, tool: str, **arguments: Any) -> Json:
        """What a program reads of a refusal; the text for the model says the same."""
        result = await self.call(tool, **arguments)
        assert result.is_error and result.structured_content is None and result.meta is not None, text_of(result)
        error: Json = result.meta[META]
        assert f"Refused ({error['code']}): {error['error']}" in text_of(result) and f"What to do: {error['next']}" in text_of(result)
        return error

    async def take(self, seconds: float = 30.0) -> Json:
        """The next message; there has to be one."""
        return (await self.use("wait_for_message", timeout_seconds=seconds))["message"]

    async def read(self, uri: str) -> str:
        (contents,) = (await self.client.read_resource(uri)).contents
        assert isinstance(contents, TextResourceContents)
        return contents.text


def text_of(result: CallToolResult) -> str:
    """What the model reads; files may come after it."""
    content = result.content[0]
    assert isinstance(content, TextContent)
    return content.text


def open_stream(seat: Seat, token: str, method: str = "GET", body: Any = None) -> socket.socket:
    """A request whose answer goes on; what it says is for the reader of the socket."""
    parts = urlsplit(seat.url)
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} /workspaces/{seat.workspace}/mcp HTTP/1.1", f"Host: {parts.netloc}", f"Authorization: Bearer {token}"]
    lines += [*(f"{name}: {value}" for name, value in HEADERS.items()), f"Content-Length: {len(content)}", "", ""]
    stream = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30)
    stream.sendall("\r\n".join(lines).encode() + content)
    return stream


def until_said(stream: socket.socket, text: bytes) -> bytes:
    said = b""
    while text not in said:
        piece = stream.recv(65536)
        assert piece, f"the stream ended with {said!r}"
        said += piece
    return said
