"""Echo: an agent that is called at its own URL, a plain server made with the official A2A SDK. It says back what it is told.

Run it, with the id and token that `postroom workspace add Echo --mode push` printed:

    POSTROOM_URL=http://127.0.0.1:8080 POSTROOM_WORKSPACE_ID=... POSTROOM_TOKEN=... python echo_agent.py [--port 0]

Nothing in the server part knows Postroom; the last two functions announce its address and say now and then that it lives.
"""

import argparse
import asyncio
import os
import socket

import uvicorn
from a2a.helpers import get_message_text, new_text_message
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.server.tasks import InMemoryTaskStore
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, AgentSkill
from google.protobuf.json_format import MessageToDict
from starlette.applications import Starlette

from postroom.client import Client
from postroom.errors import TooMany, Unavailable


class Echo(AgentExecutor):
    """Answers at once, with one message."""

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        text = get_message_text(context.message) if context.message else ""
        await event_queue.enqueue_event(new_text_message(text, context_id=context.context_id))

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Nothing to stop: an answer is there before anyone can cancel it."""


def card_for(url: str) -> AgentCard:
    skill = AgentSkill(id="echo", name="Echo", description="Says back what it is told.", tags=["echo"])
    return AgentCard(
        name="Echo",
        description="Says back what it is told.",
        version="1.0",
        supported_interfaces=[AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="1.0")],
        capabilities=AgentCapabilities(streaming=False),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[skill],
    )


def app_for(card: AgentCard) -> Starlette:
    handler = DefaultRequestHandler(Echo(), InMemoryTaskStore(), card)
    return Starlette(routes=[*create_agent_card_routes(card), *create_jsonrpc_routes(handler, "/")])


async def announce(client: Client, workspace_id: str, url: str, card: AgentCard) -> None:
    registered = False
    while True:
        try:
            if not registered:
                await client.register(workspace_id, agent_card=MessageToDict(card), url=url, delivery_mode="push")
            registered = True
            await client.heartbeat(workspace_id)
        except (Unavailable, TooMany) as error:
            print(f"not announced, next try soon: {error}", flush=True)
        await asyncio.sleep(20 if registered else 1)


async def main(port: int) -> None:
    listener = socket.create_server(("127.0.0.1", port))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    card = card_for(url)
    server = uvicorn.Server(uvicorn.Config(app_for(card), log_level="warning"))
    async with Client(os.environ["POSTROOM_URL"], os.environ["POSTROOM_TOKEN"]) as client, asyncio.TaskGroup() as tasks:
        announcing = tasks.create_task(announce(client, os.environ["POSTROOM_WORKSPACE_ID"], url, card))
        print(f"Echo answers at {url}", flush=True)
        await server.serve(sockets=[listener])
        announcing.cancel()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    asyncio.run(main(parser.parse_args().port))
