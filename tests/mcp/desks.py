"""Workspaces on the shared server, each with a bridge to be its agent."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from postroom.client import Client
from tests.mcp.bridges import Bridge, Mode
from tests.support.server import ServerProcess, make_agent


@dataclass(frozen=True)
class Desk:
    """A workspace and the bridge that is its agent."""

    id: str
    name: str
    token: str
    bridge: Bridge


MakeDesk = Callable[..., Awaitable[Desk]]


def desk_maker(state: Path, server: ServerProcess, operator: Client) -> MakeDesk:
    """Makes a workspace and a bridge that has nothing but its address and token, as an author would set them."""

    async def make(name: str = "Coder", *, mode: Mode = "auto", client: str = "tests", through: str | None = None, **fields: Any) -> Desk:
        # Of their own: they are roots of a server that other tests use, and those name their peers.
        name = f"{name} {uuid4().hex[:8]}"
        workspace, token = await make_agent(operator, name, **fields)
        return Desk(workspace, name, token, another_bridge(state, through or server.url, token, mode=mode, client=client))

    return make


def another_bridge(state: Path, url: str, token: str, *, mode: Mode = "auto", client: str = "tests") -> Bridge:
    """A bridge for the workspace of this token."""
    return Bridge(state=state, mode=mode, name=client, POSTROOM_URL=url, POSTROOM_TOKEN=token)


async def send(operator: Client, desk: Desk, text: str = "work") -> str:
    """Post from the operator; its message id."""
    return (await operator.send(desk.id, text, wait=None)).message_id


async def state_of(operator: Client, desk: Desk, message_id: str) -> str:
    """How a message stands."""
    return (await operator.task(desk.id, message_id))["metadata"]["postroom.state"]
