"""``postroom mcp``: the post room as an MCP server on stdin and stdout, for a coding agent or an editor on this machine."""

import asyncio
import logging
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import typer

from postroom.cli import mcp_install
from postroom.cli.command import locating
from postroom.cli.connection import Connection, Whereabouts
from postroom.cli.exits import ExitCode, Stop
from postroom.cli.mcp_install import AsOperator, Names
from postroom.cli.output import at_terminal, say
from postroom.client import Client
from postroom.errors import SetupError, Unavailable

if TYPE_CHECKING:
    from postroom.agent.place import Address
    from postroom.bridge.seat import Settle

group = typer.Typer(help="Bring a coding agent or an editor into the post room (MCP over stdio).")
group.command("install")(mcp_install.install)
group.command("uninstall", no_args_is_help=True)(mcp_install.uninstall)


@group.callback(invoke_without_command=True)
@locating
def mcp(whereabouts: Whereabouts, context: typer.Context, *, name: Names = None, operator: AsOperator = False) -> None:
    """Speak MCP on stdin and stdout, as the agent of a workspace. MCP clients start this; `postroom mcp install` tells them to.

    A server that is away stops nothing: the tools say so, and work again when it is back.
    """
    if context.invoked_subcommand is not None:
        return
    if operator and name:
        raise Stop("An operator is no workspace's agent", advice="Give --operator or --name.", code=ExitCode.USAGE)
    if at_terminal(sys.stdin):
        say("This speaks MCP, which is for programs. Set up a client with: postroom mcp install")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(_operate(whereabouts) if operator else _bridge(whereabouts, name or []))


async def _bridge(whereabouts: Whereabouts, names: list[str]) -> None:
    from postroom.bridge.stdio import run_bridge

    await run_bridge({name: _settle(whereabouts, name) for name in names} or {"": _settle(whereabouts, None)})


def _settle(whereabouts: Whereabouts, name: str | None) -> "Settle":
    from postroom.cli.places import settle

    async def found() -> "Address":
        try:
            return await settle(whereabouts, name)
        except Stop as stop:
            raise SetupError(stop.sentence, advice=stop.advice) from stop

    return found


async def _operate(whereabouts: Whereabouts) -> None:
    from postroom.bridge.operator import operator_server
    from postroom.bridge.stdio import serve

    async with AsyncExitStack() as clients:
        await serve(operator_server(_Line(whereabouts, clients).client))


class _Line:
    """The client of the server as it is now: one that starts later, or again elsewhere, is found by the next call."""

    def __init__(self, whereabouts: Whereabouts, clients: AsyncExitStack) -> None:
        self._whereabouts = whereabouts
        self._clients = clients
        self._last: tuple[Connection, Client] | None = None

    def client(self) -> Client:
        """Raises Unavailable (``not_connected``) with the reason while there is none."""
        try:
            connection = self._whereabouts.connection()
        except Stop as stop:
            raise Unavailable(f"{stop.sentence}. {stop.advice}", code="not_connected") from stop
        if self._last is None or self._last[0] != connection:
            client = Client(connection.url, connection.token)
            self._clients.push_async_callback(client.close)
            self._last = connection, client
        return self._last[1]
