"""Agents behind the pages: real ones of the SDK, in the tests' own process, so that a test says when each goes on."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from postroom.agent import Agent, Fail, File, Message
from postroom.agent.handling import Handler
from postroom.agent.parts import Piece
from postroom.client import Client, Json
from tests.support.server import ServerProcess, make_agent


@dataclass(frozen=True)
class Worker:
    """A workspace whose agent is at work."""

    id: str
    name: str
    token: str


@dataclass(frozen=True)
class Team:
    """Who works at a server. ``client`` is its operator's, ``state`` where agents keep their replies."""

    server: ServerProcess
    client: Client
    state: Path

    async def idle(self, name: str = "Idle", **fields: object) -> Worker:
        """A workspace without an agent: what is sent to it waits."""
        name = f"{name} {uuid4().hex[:8]}"
        made, token = await make_agent(self.client, name, **fields)
        return Worker(made, name, token)

    @asynccontextmanager
    async def working(self, handler: Handler, name: str = "Worker", **fields: object) -> AsyncGenerator[Worker]:
        """A workspace with an agent, for the length of the block."""
        worker = await self.idle(name, **fields)
        async with self.at_work(worker, handler):
            yield worker

    @asynccontextmanager
    async def at_work(self, worker: Worker, handler: Handler) -> AsyncGenerator[None]:
        """The agent of a workspace; it finds its server again when that was away."""
        agent = Agent(
            worker.name,
            url=self.server.url,
            token=worker.token,
            workspace_id=worker.id,
            lease=10,
            grace=0,
            concurrency=4,
            state=self.state / worker.id,
        )
        agent.on_message(handler)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(agent.serve())
            yield
            agent.stop()

    async def history(self, worker: Worker) -> list[Json]:
        """Everything that was said in a mailbox, oldest first, as the API has it."""
        found, before = list[Json](), None
        while True:
            page = await self.client.chat_history(worker.id, limit=200, before=before)
            found = [*page["messages"], *found]
            if page["reached_end"]:
                return found
            before = page["next"]


async def echo(message: Message) -> str:
    """Says back what it is told, and how many bytes came with it."""
    files = [f" [{file.name}: {len(await file.read())}]" for file in message.files]
    return f"You said: {message.text}{''.join(files)}"


async def fail(message: Message) -> str:
    """Can not."""
    raise Fail(f"I can not do this: {message.text}")


async def hand_in(message: Message) -> list[Piece]:
    """Answers with a file."""
    return [f"Here is {message.text}.", File("report.csv", b"a,b\n1,2\n", "text/csv")]


@dataclass
class Gate:
    """An agent that says how far it is, and goes on when the test lets it."""

    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, message: Message) -> str:
        """The handler."""
        await message.progress("half way")
        await self.open.wait()
        return f"You said: {message.text}"


@dataclass
class Stream:
    """An agent whose answer comes word by word, the second half when the test lets it."""

    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, message: Message) -> AsyncGenerator[Piece]:
        """The handler."""
        del message
        yield "The first half, "
        yield "as it comes; "
        await self.open.wait()
        yield "and the second half."
