"""An agent that is called: the same handler, behind an address of its own::

    from postroom.agent import Agent, serve

    agent = Agent("Clerk")

    @agent.on_message
    async def handle(message):
        return f"You said: {message.text}"

    serve.run(agent, port=9000)

What it promises, beside what a server of A2A does: a message that is handed over again while it is handled is not handled twice, one that
was answered is answered with the reply that is on the disk, whoever hangs up ends nothing, and the post room learns the address as soon as
it is there. How many messages are handled at a time is decided by ``max_concurrent`` of the workspace. Whoever reaches the address may
speak to the agent and say who he is: listen where only the post room comes.
"""

import asyncio
import contextlib
import math
import socket
from collections.abc import Generator
from functools import partial

import uvicorn
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.types import AgentCard
from google.protobuf.json_format import ParseDict, ParseError
from starlette.applications import Starlette

from postroom.agent.agent import Agent
from postroom.agent.called import Answering
from postroom.agent.desk import Desk
from postroom.agent.parts import Json
from postroom.errors import SetupError

# What an answer takes to be written once it is there.
WRITE_SECONDS = 5
EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - asked for, not bound to


def run(agent: Agent, *, host: str = "127.0.0.1", port: int = 0, url: str | None = None) -> None:
    """Be called until SIGTERM or SIGINT; what ``agent.run()`` is for one that fetches.

    Listens at ``host`` and ``port`` (0: a free one) and announces ``url``, the address where the post room reaches it (None: the same).
    """
    agent.run(partial(Listening, host=host, port=port, url=url))


async def serve(agent: Agent, *, host: str = "127.0.0.1", port: int = 0, url: str | None = None) -> None:
    """The same until ``agent.stop()``; what ``agent.serve()`` is for one that fetches, with the same errors."""
    await agent.serve(partial(Listening, host=host, port=port, url=url))


class Listening:
    """The door of an agent that is called: an HTTP server with its card and its A2A endpoint (JSON-RPC, 1.0 and 0.3)."""

    def __init__(self, desk: Desk, *, host: str, port: int, url: str | None) -> None:
        """Take the port. Raises SetupError when that can not be done, or when nobody could know the address."""
        if url is None and host in EVERYWHERE:
            raise SetupError(
                f"{host or 'everywhere'} is no address to be called at", advice="Name the url as the server reaches the agent."
            )
        self._desk = desk
        self._socket = _listener(host, port)
        self.url = url or f"http://{_bracketed(host)}:{self._socket.getsockname()[1]}/"
        self.card = _with_address(desk.card, self.url)
        self._server: _Server | None = None
        self._closed = asyncio.Event()

    async def run(self) -> None:
        """Answer until ``stop``."""
        async with asyncio.TaskGroup() as tasks:
            self._server = _Server(uvicorn.Config(self._app(tasks), lifespan="off", log_config=None, access_log=False))
            try:
                await self._server.serve(sockets=[self._socket])
            finally:
                self._socket.close()
                self._closed.set()

    async def stop(self, grace: float) -> None:
        """Listen no more, give handlers ``grace`` seconds, then have what is left handed out again."""
        if self._server is not None:
            self._server.config.timeout_graceful_shutdown = math.ceil(grace) + WRITE_SECONDS
            self._server.should_exit = True
            await self._desk.running.wind_down(grace)
            await self._closed.wait()

    def _app(self, tasks: asyncio.TaskGroup) -> Starlette:
        answering = Answering(self._desk, tasks)
        card = ParseDict(self.card, AgentCard(), ignore_unknown_fields=True)
        return Starlette(routes=[*create_agent_card_routes(card), *create_jsonrpc_routes(answering, "/", enable_v0_3_compat=True)])


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: when it stops is the agent's to say."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def _listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise SetupError(f"can not listen at {host} port {port}: {error.strerror}", advice="Choose another port.") from error


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _with_address(card: Json, url: str) -> Json:
    interfaces = [{"url": url, "protocolBinding": "JSONRPC", "protocolVersion": version} for version in ("1.0", "0.3")]
    # A card must name a skill (specification 1.0, section 4.4.1).
    skill = {"id": "answer", "name": card["name"], "description": card["description"], "tags": ["text"]}
    whole = card | {
        "supportedInterfaces": interfaces,
        "capabilities": card["capabilities"] | {"streaming": True},
        "skills": card["skills"] or [skill],
    }
    try:
        ParseDict(whole, AgentCard(), ignore_unknown_fields=True)
    except ParseError as error:
        raise SetupError(f"the card is none of A2A: {error}", advice="Look at what Agent(card=...) was given.") from error
    return whole
