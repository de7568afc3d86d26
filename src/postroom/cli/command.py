"""What all commands that talk to a server share: the options that name it, one event loop, one client."""

import asyncio
import inspect
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

import typer

from postroom.cli.connection import Connection, Whereabouts
from postroom.cli.exits import ExitCode, Stop
from postroom.client import Client

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name or id of a workspace.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, and nothing else there.")]

_PANEL = "Server"
_SERVER = "--server", "--url"


def connecting(command: Callable[Concatenate[Connection, Parameters], ExitCode | None]) -> Callable[..., None]:
    """Make a Typer command of a function of a Connection: adds the options that find a server; its result is the exit code.

    A command with a parameter ``url`` of its own keeps ``--url`` for that; the server is ``--server`` there.
    """
    return _command_of(command, Whereabouts.connection)


def locating(command: Callable[Concatenate[Whereabouts, Parameters], ExitCode | None]) -> Callable[..., None]:
    """The same for a command that looks for its server when it needs it, and goes on where there is none yet."""
    return _command_of(command, lambda whereabouts: whereabouts)


def _command_of(command: Callable[..., ExitCode | None], subject: Callable[[Whereabouts], object]) -> Callable[..., None]:
    own = list(inspect.signature(command).parameters.values())[1:]
    names = [name for name in _SERVER if name.strip("-") not in {parameter.name for parameter in own}]

    def run(*, cli_server: str | None, cli_token: str | None, cli_data: Path | None, **given: Any) -> None:
        _require_text(given)
        code = command(subject(Whereabouts(url=cli_server, token=cli_token, data=cli_data)), **given)
        if code:
            raise typer.Exit(code)

    run.__name__, run.__doc__, run.__annotations__ = command.__name__, command.__doc__, {}
    run.__signature__ = inspect.Signature([*own, *_server_options(names)])
    return run


def talk_to(connection: Connection, conversation: Callable[[Client], Awaitable[Result]]) -> Result:
    """Run ``conversation`` with a client of the connection, in an event loop of its own."""

    async def connected() -> Result:
        async with Client(connection.url, connection.token) as client:
            return await conversation(client)

    return asyncio.run(connected())


def _require_text(given: dict[str, Any]) -> None:
    """Raises UnicodeEncodeError for an argument that is not UTF-8: it could be sent only as something else than was typed."""
    for value in given.values():
        if isinstance(value, str):
            require_sendable(value)


def read_stdin() -> str:
    """All of stdin. Raises UnicodeDecodeError where it is not UTF-8, whatever the locale would make of it."""
    return sys.stdin.buffer.read().decode()


def stdin_lines() -> Iterator[str]:
    """The lines of stdin as they come. Raises as ``read_stdin``."""
    for line in sys.stdin.buffer:
        yield line.decode()


def require_sendable(text: str) -> str:
    """The text itself. Raises UnicodeEncodeError for what is not Unicode, and Stop for U+0000, which no text of ours may hold."""
    text.encode()
    if "\0" in text:
        raise Stop("The text holds a NUL character (U+0000), which no message can carry", advice="Remove it.", code=ExitCode.USAGE)
    return text


def _server_options(names: list[str]) -> list[inspect.Parameter]:
    return [
        _option("cli_server", str, typer.Option(*names, metavar="URL", help="Address of the server.", rich_help_panel=_PANEL)),
        _option("cli_token", str, typer.Option("--token", help="Token of the operator or of a workspace.", rich_help_panel=_PANEL)),
        _option(
            "cli_data",
            Path,
            typer.Option("--data", metavar="DIR", help="Data directory of a server on this machine.", rich_help_panel=_PANEL),
        ),
    ]


def _option(name: str, kind: type, option: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option])
