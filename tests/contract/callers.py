"""Those who delegate, whatever they speak: REST, plain A2A, MCP over HTTP, MCP over stdio. They ask, look, cancel and read the same."""

from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from postroom.client import Client
from tests.contract.places import Place
from tests.mcp.bridges import Bridge
from tests.mcp.clients import Seat
from tests.support.server import ServerProcess

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a delegation stands as its delegator sees it; ``files`` are names of files."""

    status: str
    progress: str | None = None
    text: str | None = None
    files: Sequence[str] = ()
    reason: str | None = None


class Caller(Protocol):
    """``told``: the id and status of the next end in its own mailbox, which it reads off; None where it gets no such post."""

    async def ask(self, target: str, task: str) -> str: ...
    async def look(self, delegation: str) -> Standing: ...
    async def cancel(self, delegation: str) -> None: ...
    async def told(self) -> tuple[str, str] | None: ...


class Rest:
    """Over REST, with our client."""

    def __init__(self, place: Place, client: Client) -> None:
        self._id = place.id
        self._client = client

    async def ask(self, target: str, task: str) -> str:
        return (await self._client.delegate(self._id, target, task)).id

    async def look(self, delegation: str) -> Standing:
        found = await self._client.delegation(self._id, delegation)
        files = tuple(part["filename"] for part in found.parts if "filename" in part)
        progress: Json = found.row["progress"] or {}
        error: Json = found.error or {}
        return Standing(found.status, progress.get("text"), found.text, files, error.get("detail"))

    async def cancel(self, delegation: str) -> None:
        await self._client.cancel_delegation(self._id, delegation)

    async def told(self) -> tuple[str, str] | None:
        (item,) = await self._client.claim(self._id, wait=30)
        assert item.report is not None
        await self._client.reply(item, "read")
        return item.report["delegation_id"], item.report["status"]


class A2A:
    """A plain send: not told by post, and listed with all that is delegated, where its progress is."""

    def __init__(self, place: Place, client: Client) -> None:
        self._rest = Rest(place, client)
        self._client = client
        self._targets: dict[str, str] = {}

    async def ask(self, target: str, task: str) -> str:
        sent = await self._client.send(target, task, wait=None)
        self._targets[sent.message_id] = target
        return sent.message_id

    async def look(self, delegation: str) -> Standing:
        task = await self._client.task(self._targets[delegation], delegation)
        state = task["metadata"]["postroom.state"]
        parts: list[Json] = [part for artifact in task.get("artifacts", []) for part in artifact["parts"]]
        text = "\n".join(part["text"] for part in parts if "text" in part) or None
        files = tuple(part["filename"] for part in parts if "filename" in part)
        said: list[Json] = task["status"].get("message", {}).get("parts", [])
        reason = said[0]["text"] if said and state == "failed" else None
        progress = (await self._rest.look(delegation)).progress
        return Standing("completed" if state == "replied" else state, progress, text, files, reason)

    async def cancel(self, delegation: str) -> None:
        await self._client.cancel(self._targets[delegation], delegation)

    async def told(self) -> tuple[str, str] | None:
        return None


class UsesTools(Protocol):
    """An MCP client with our tools."""

    def use(self, tool: str, **arguments: Any) -> Awaitable[Json]: ...


class Mcp:
    """By the tools, over either transport."""

    def __init__(self, tools: UsesTools) -> None:
        self._tools = tools

    async def ask(self, target: str, task: str) -> str:
        return (await self._tools.use("delegate_task_async", workspace_id=target, task=task))["task_id"]

    async def look(self, delegation: str) -> Standing:
        (found,) = (await self._tools.use("check_task_status", task_id=delegation))["tasks"]
        result: Json = found.get("result", {})
        files = tuple(file["name"] for file in result.get("files", []))
        reason = found.get("error", {}).get("detail")
        return Standing(found["status"], found.get("progress", {}).get("text"), result.get("text"), files, reason)

    async def cancel(self, delegation: str) -> None:
        await self._tools.use("cancel_task", task_id=delegation)

    async def told(self) -> tuple[str, str] | None:
        message = (await self._tools.use("wait_for_message", timeout_seconds=30))["message"]
        await self._tools.use("inbox_pop", message_id=message["message_id"])
        return message["report"]["task_id"], message["report"]["status"]


@asynccontextmanager
async def rest(server: ServerProcess, place: Place, state: Path) -> AsyncGenerator[Caller]:
    del state
    async with server.client(place.token) as client:
        yield Rest(place, client)


@asynccontextmanager
async def a2a(server: ServerProcess, place: Place, state: Path) -> AsyncGenerator[Caller]:
    del state
    async with server.client(place.token) as client:
        yield A2A(place, client)


@asynccontextmanager
async def mcp_http(server: ServerProcess, place: Place, state: Path) -> AsyncGenerator[Caller]:
    del state
    async with Seat(server.url, place.id, place.token, "Lead").connect() as agent:
        yield Mcp(agent)


@asynccontextmanager
async def mcp_stdio(server: ServerProcess, place: Place, state: Path) -> AsyncGenerator[Caller]:
    async with Bridge(state=state, POSTROOM_URL=server.url, POSTROOM_TOKEN=place.token).running() as bridge:
        yield Mcp(bridge)


CALLERS = {"rest": rest, "a2a": a2a, "mcp-http": mcp_http, "mcp-stdio": mcp_stdio}
