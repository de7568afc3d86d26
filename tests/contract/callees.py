"""Those who are asked, whatever they are: called, fetching over HTTP or a stream, MCP over HTTP or stdio. The test does their work."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection, connect

from postroom.agent import Agent, Fail, File, Message, serve
from tests.contract.callers import UsesTools
from tests.contract.places import Place
from tests.mcp.bridges import Bridge
from tests.mcp.clients import Seat
from tests.support.server import ServerProcess

Json = dict[str, Any]
Answer = str | list[str | File]
FILE = "drawing.bin"
CONTENT = bytes(range(256)) * 40


class Work(Protocol):
    """What an agent has in hand."""

    text: str
    sender: str

    async def progress(self, text: str) -> None: ...
    async def answer(self, text: str) -> None: ...
    async def fail(self, reason: str) -> None: ...
    async def stop_when_told(self) -> None: ...


class Callee(Protocol):
    """``files``: what its answers bring along, by name."""

    files: Sequence[str]

    async def take(self) -> Work: ...


# With the SDK


class SdkWork:
    """A handler that does what the test says."""

    def __init__(self, message: Message) -> None:
        self.text, self.sender = message.text, message.sender.id
        self._message = message
        self._outcome = asyncio.get_running_loop().create_future()
        self._told = asyncio.Event()

    async def handle(self) -> Answer:
        try:
            return await self._outcome
        except asyncio.CancelledError:
            self._told.set()
            raise

    async def progress(self, text: str) -> None:
        await self._message.progress(text)

    async def answer(self, text: str) -> None:
        self._outcome.set_result([text, File(FILE, CONTENT)])

    async def fail(self, reason: str) -> None:
        self._outcome.set_exception(Fail(reason))

    async def stop_when_told(self) -> None:
        async with asyncio.timeout(60):
            await self._told.wait()


class Sdk:
    """An agent of the SDK, behind an address or fetching."""

    files: Sequence[str] = (FILE,)

    def __init__(self, agent: Agent) -> None:
        self._taken: asyncio.Queue[SdkWork] = asyncio.Queue()

        @agent.on_message
        async def handle(message: Message) -> Answer:
            work = SdkWork(message)
            self._taken.put_nowait(work)
            return await work.handle()

    async def take(self) -> Work:
        async with asyncio.timeout(60):
            return await self._taken.get()


@asynccontextmanager
async def _sdk(server: ServerProcess, place: Place, state: Path, run: Callable[[Agent], Any]) -> AsyncGenerator[Callee]:
    agent = Agent("Clerk", url=server.url, token=place.token, workspace_id=place.id, state=state, lease=10, grace=1)
    callee = Sdk(agent)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run(agent))
        try:
            yield callee
        finally:
            agent.stop()


def called(server: ServerProcess, place: Place, state: Path) -> AbstractAsyncContextManager[Callee]:
    return _sdk(server, place, state, serve.serve)


def fetching(server: ServerProcess, place: Place, state: Path) -> AbstractAsyncContextManager[Callee]:
    return _sdk(server, place, state, Agent.serve)


# Over a stream that the agent opened


class Stream:
    """One connection, one request at a time; frames that come unasked in between are kept."""

    files: Sequence[str] = (FILE,)

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._asked = 0

    async def ask(self, verb: str, **fields: Any) -> Json:
        self._asked += 1
        await self._connection.send(json.dumps({"id": self._asked, "verb": verb, **fields}))
        while (answer := json.loads(await self._connection.recv())).get("id") != self._asked:
            pass
        return answer

    async def take(self) -> Work:
        (item,) = (await self.ask("claim", wait=60, lease=60))["items"]
        return StreamWork(self, item)


class StreamWork:
    """An item, by the verbs of the inbox."""

    def __init__(self, stream: Stream, item: Json) -> None:
        self.text, self.sender = item["message"]["parts"][0]["text"], item["sender"]["id"]
        self._stream = stream
        self._about = {"message_id": item["message_id"], "token": item["token"]}

    async def progress(self, text: str) -> None:
        await self._stream.ask("progress", **self._about, text=text)

    async def answer(self, text: str) -> None:
        file = {"raw": base64.b64encode(CONTENT).decode(), "filename": FILE}
        await self._stream.ask("reply", **self._about, parts=[{"text": text}, file])

    async def fail(self, reason: str) -> None:
        await self._stream.ask("fail", **self._about, error=reason, retry=False)

    async def stop_when_told(self) -> None:
        async with asyncio.timeout(60):
            while not (await self._stream.ask("extend", **self._about, lease=60))["cancel"]:
                await asyncio.sleep(0.1)
        await self._stream.ask("reply", **self._about, task={"status": {"state": "TASK_STATE_CANCELED"}})


@asynccontextmanager
async def stream(server: ServerProcess, place: Place, state: Path) -> AsyncGenerator[Callee]:
    del state
    url = server.url.replace("http", "ws") + f"/workspaces/{place.id}/inbox/stream"
    async with connect(url, additional_headers={"Authorization": f"Bearer {place.token}"}, max_size=None) as connection:
        yield Stream(connection)


# By the tools of MCP


class Mcp:
    """Over either transport; the tools answer in words only."""

    files: Sequence[str] = ()

    def __init__(self, tools: UsesTools) -> None:
        self._tools = tools

    async def take(self) -> Work:
        return McpWork(self._tools, (await self._tools.use("wait_for_message", timeout_seconds=60))["message"])


class McpWork:
    """A message that was handed to the session."""

    def __init__(self, tools: UsesTools, message: Json) -> None:
        self.text, self.sender = message["text"], message["sender"]["id"]
        self._tools = tools
        self._id = message["message_id"]

    async def progress(self, text: str) -> None:
        await self._tools.use("report_progress", message_id=self._id, text=text)

    async def answer(self, text: str) -> None:
        await self._tools.use("reply", message_id=self._id, text=text)

    async def fail(self, reason: str) -> None:
        await self._tools.use("reply", message_id=self._id, text=reason, outcome="failed")

    async def stop_when_told(self) -> None:
        async with asyncio.timeout(60):
            while not (await self._tools.use("report_progress", message_id=self._id, text="still at it"))["cancel_requested"]:
                await asyncio.sleep(0.1)
        await self._tools.use("inbox_pop", message_id=self._id)


@asynccontextmanager
async def mcp_http(server: ServerProcess, place: Place, state: Path) -> AsyncGenerator[Callee]:
    del state
    async with Seat(server.url, place.id, place.token, "Clerk").connect() as agent:
        yield Mcp(agent)


@asynccontextmanager
async def mcp_stdio(server: ServerProcess, place: Place, state: Path) -> AsyncGenerator[Callee]:
    async with Bridge(state=state, POSTROOM_URL=server.url, POSTROOM_TOKEN=place.token).running() as bridge:
        yield Mcp(bridge)


CALLEES = {"called": called, "fetching": fetching, "stream": stream, "mcp-http": mcp_http, "mcp-stdio": mcp_stdio}
