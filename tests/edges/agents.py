"""Agents for the tests of outgoing calls: one that sends the bytes it is told to, one made with the official SDK."""

import asyncio
import json
import re
import socket
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import uvicorn
from a2a.helpers import new_task_from_user_message, new_text_message, new_text_part
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, Role
from starlette.applications import Starlette

Json = dict[str, Any]


@dataclass
class Exchange:
    """One request that arrived, and the socket to answer on."""

    head: str
    body: bytes
    writer: asyncio.StreamWriter
    reader: asyncio.StreamReader

    @property
    def json(self) -> Json:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        match = re.search(rf"^{name}: (.*)\r$", self.head, re.IGNORECASE | re.MULTILINE)
        return match and match[1]

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, body: bytes, *, status: str = "200 OK", content_type: str = "application/json", headers: str = "") -> None:
        await self.send(
            f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body
        )

    async def answer_json(self, value: Any) -> None:
        await self.answer(json.dumps(value).encode())

    async def answer_result(self, result: Any) -> None:
        await self.answer_json({"jsonrpc": "2.0", "id": self.json["id"], "result": result})

    async def answer_error(self, code: int, message: str = "no") -> None:
        await self.answer_json({"jsonrpc": "2.0", "id": self.json["id"], "error": {"code": code, "message": message}})


Behaviour = Callable[[Exchange], Awaitable[None]]


@dataclass
class RawAgent:
    """A server on loopback that hands every request to ``behaviour``; what it saw is kept."""

    behaviour: Behaviour
    host: str = "127.0.0.1"
    port: int = 0
    connects: int = 0
    exchanges: list[Exchange] = field(default_factory=list[Exchange])
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connects += 1
        try:
            while True:
                await self._exchange(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.hung_up.set()
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        exchange = Exchange(head, await reader.readexactly(int(length[1]) if length else 0), writer, reader)
        self.exchanges.append(exchange)
        await self.behaviour(exchange)


@asynccontextmanager
async def raw_agent(behaviour: Behaviour, *, host: str = "127.0.0.1", port: int = 0) -> AsyncGenerator[RawAgent]:
    agent = RawAgent(behaviour, host)
    served: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            served.add(task)
        try:
            await agent.serve(reader, writer)
        except asyncio.CancelledError:
            # The test is over: what was not sent yet would keep the socket open. asyncio.streams would print the cancellation.
            writer.transport.abort()

    server = await asyncio.start_server(serve, host, port)
    agent.port = server.sockets[0].getsockname()[1]
    try:
        yield agent
    finally:
        server.close()
        for task in served:
            task.cancel()
        await asyncio.wait(served) if served else None


class SdkBehaviour(AgentExecutor):
    """What the words of a message ask for: ``message``, ``ask`` (input-required, then completed), ``fail``, ``wait``; else completed."""

    def __init__(self) -> None:
        self.seen: list[RequestContext] = []
        self.cancelled = threading.Event()

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        self.seen.append(context)
        message = context.message
        assert message is not None
        words = context.get_user_input()
        if words.startswith("message"):
            await event_queue.enqueue_event(new_text_message(f"said: {words}", role=Role.ROLE_AGENT))
            return
        task = context.current_task or new_task_from_user_message(message)
        if context.current_task is None:
            await event_queue.enqueue_event(task)
        updater = TaskUpdater(event_queue, task.id, task.context_id)
        await self._work(updater, words)

    async def _work(self, updater: TaskUpdater, words: str) -> None:
        await updater.start_work()
        if words.startswith("ask"):
            await updater.requires_input(updater.new_agent_message([new_text_part("which one?")]))
        elif words.startswith("fail"):
            await updater.failed(updater.new_agent_message([new_text_part("it broke")]))
        elif words.startswith("wait"):
            await asyncio.Event().wait()
        else:
            await updater.add_artifact([new_text_part(f"done: {words}")], name="result")
            await updater.complete()

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        assert context.task_id and context.context_id
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()
        self.cancelled.set()


@dataclass
class SdkAgent:
    url: str
    behaviour: SdkBehaviour


@contextmanager
def sdk_agent(*, streaming: bool = False) -> Generator[SdkAgent]:
    """An agent of the official SDK that speaks 1.0 and 0.3, served by uvicorn in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        agent = SdkAgent(f"http://127.0.0.1:{listener.getsockname()[1]}/", SdkBehaviour())
        interfaces = [AgentInterface(url=agent.url, protocol_binding="JSONRPC", protocol_version=version) for version in ("1.0", "0.3")]
        able = AgentCapabilities(streaming=streaming)
        card = AgentCard(name="a", description="a", version="1", supported_interfaces=interfaces, capabilities=able)
        handler = DefaultRequestHandler(agent.behaviour, InMemoryTaskStore(), card)
        app = Starlette(routes=[*create_agent_card_routes(card), *create_jsonrpc_routes(handler, "/", enable_v0_3_compat=True)])
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield agent
        finally:
            server.should_exit = True
            thread.join(10)


async def no_file(file: UUID, start: int, end: int) -> AsyncGenerator[bytes]:
    """For callers whose messages name none."""
    raise LookupError(f"bytes {start} to {end} of {file} are wanted")
    yield b""
