"""The same agent behind a server that is built with ``a2a-sdk``, as its documentation shows it, with the tasks in PostgreSQL.

``python -m benches.rival DSN URL`` prints the address that it serves on. The DSN comes from the embedded PostgreSQL, so both servers write
to the same kind of database with the same settings. What could be chosen was chosen for speed: uvloop, httptools, no access log, no
traces, one HTTP client kept open, connections kept ready for every caller that the machine can use, and of the ways in which an executor
may tell its story the one with the fewest writes: the task when it begins, and its end with the reply. The documented examples write two
to four times more.
"""

import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import httpx
import uvicorn
import uvloop
from a2a.client import Client, ClientConfig, ClientFactory
from a2a.helpers.proto_helpers import new_task_from_user_message
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_jsonrpc_routes
from a2a.server.tasks import DatabaseTaskStore, TaskUpdater
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, AgentSkill, Message, SendMessageRequest
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.applications import Starlette

from benches.sending import TIMEOUT

CONNECTIONS = 16
"""Kept open to PostgreSQL; more than Postroom has."""


class Relay(AgentExecutor):
    """Passes the message on to another agent and completes the task with its reply."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Store the task, ask, store the end."""
        assert context.message is not None
        task = context.current_task or new_task_from_user_message(context.message)
        await event_queue.enqueue_event(task)
        reply = await self._ask(context.message)
        updater = TaskUpdater(event_queue, task.id, task.context_id)
        await updater.complete(updater.new_agent_message(list(reply.parts)))

    async def _ask(self, message: Message) -> Message:
        asked = SendMessageRequest(message=Message(message_id=message.message_id, role=message.role, parts=message.parts))
        async for answer in self._client.send_message(asked):
            return answer.message
        raise RuntimeError("the agent did not answer")

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Nobody cancels here."""
        raise NotImplementedError


def card_of(url: str) -> AgentCard:
    """The least that both ends of the SDK want to know of an agent."""
    return AgentCard(
        name="echo",
        description="Echoes",
        version="1",
        supported_interfaces=[AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="1.0")],
        capabilities=AgentCapabilities(streaming=False),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="echo", name="echo", description="Echoes", tags=["echo"])],
    )


@asynccontextmanager
async def application(dsn: str, agent: str, own: str) -> AsyncGenerator[Starlette]:
    """The server's application; its table is made."""
    parts = urlsplit(dsn)
    engine = create_async_engine(urlunsplit(parts._replace(scheme="postgresql+asyncpg")), pool_size=CONNECTIONS)
    store = DatabaseTaskStore(engine)
    await store.initialize()
    async with httpx.AsyncClient(timeout=TIMEOUT.total_seconds(), limits=httpx.Limits(max_connections=None)) as http:
        client = ClientFactory(ClientConfig(httpx_client=http, streaming=False)).create(card_of(agent))
        handler = DefaultRequestHandler(agent_executor=Relay(client), task_store=store, agent_card=card_of(own))
        yield Starlette(routes=create_jsonrpc_routes(handler, "/"))
    await engine.dispose()


async def serve(dsn: str, agent: str) -> None:
    """Until SIGTERM."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        async with application(dsn, agent, url) as app:
            config = uvicorn.Config(cast(Any, app), http="httptools", log_level="error", access_log=False, timeout_graceful_shutdown=1)
            print(url, flush=True)
            await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    uvloop.run(serve(*sys.argv[1:]))
