"""Real bridge processes: ``postroom mcp`` under the official MCP client, over stdio."""

import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import anyio
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import CallToolResult, Implementation, LoggingMessageNotificationParams, TextContent

from postroom.mcp.refusals import META

Json = dict[str, Any]
Mode = Literal["auto", "legacy"]
CONDITION_SECONDS = 40.0


class Bridge:
    """A bridge process and the client that started it. What it says on stderr is in ``log``."""

    def __init__(self, *words: str, state: Path, mode: Mode = "auto", name: str = "tests", **environ: str) -> None:
        self._state = state
        self._mode: Mode = mode
        self._name = name
        self._words = words
        self._environ = environ
        self._client: Client | None = None
        self._pid_file = state / f"bridge-{id(self)}.pid"
        self.log = state / f"bridge-{id(self)}.log"
        self.notes: list[Any] = []

    @property
    def client(self) -> Client:
        assert self._client is not None, "the bridge does not run"
        return self._client

    @property
    def pid(self) -> int:
        return int(self._pid_file.read_text())

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["Bridge"]:
        """Start it and shake hands; at the end the client closes stdin."""
        # The shell writes its pid down and becomes the bridge.
        script = 'echo $$ > "$0"; exec "$@"'
        words = ["-c", script, str(self._pid_file), sys.executable, "-m", "postroom.cli", "mcp", *self._words]
        ours = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        environ = {"POSTROOM_STATE": str(self._state), "HOME": str(self._state), **ours, **self._environ}
        with self.log.open("a") as log:
            parameters = StdioServerParameters(command="sh", args=words, env=environ)
            client = Client(
                stdio_client(parameters, errlog=log),
                mode=self._mode,
                client_info=Implementation(name=self._name, version="1"),
                logging_callback=self._note,
                read_timeout_seconds=90,
            )
            async with client as self._client:
                yield self

    async def _note(self, params: LoggingMessageNotificationParams) -> None:
        self.notes.append(params.data)

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        """The whole result, refused or not."""
        result = await self.client.call_tool(tool, arguments)
        assert isinstance(result, CallToolResult)
        return result

    async def use(self, tool: str, **arguments: Any) -> Json:
        """The structured result of a call that is done."""
        result = await self.call(tool, **arguments)
        assert not result.is_error, text_of(result)
        return result.structured_content

    async def refusal(self, tool: str, **arguments: Any) -> Json:
        """The error of a call that is refused."""
        result = await self.call(tool, **arguments)
        assert result.is_error and result.meta is not None, text_of(result)
        return result.meta[META]

    async def take(self, seconds: float = 30.0, **arguments: Any) -> Json:
        """The next message; there has to be one."""
        found = await self.use("wait_for_message", timeout_seconds=seconds, **arguments)
        assert "message" in found, f"no message came:\n{self.log.read_text()}"
        return found["message"]


def text_of(result: CallToolResult) -> str:
    """What the model reads."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def eventually(holds: Callable[[], Awaitable[bool]], what: str, seconds: float = CONDITION_SECONDS) -> None:
    """Wait for something that a server or a bridge brings about."""
    with anyio.move_on_after(seconds):
        while not await holds():
            await anyio.sleep(0.1)
        return
    raise AssertionError(f"in {seconds:.0f} s it did not come about that {what}")
