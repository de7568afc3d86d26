"""``postroom mcp install`` and ``uninstall``: our entry in the configuration of a coding agent or an editor."""

import asyncio
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from postroom.cli.command import locating
from postroom.cli.connection import Whereabouts
from postroom.cli.exits import ExitCode, Stop, stop_of
from postroom.cli.output import print_text, say
from postroom.errors import Unavailable

if TYPE_CHECKING:
    from postroom.cli.clients.configuration import Configuration
    from postroom.cli.clients.table import Client

Names = Annotated[
    list[str] | None,
    typer.Option("--name", metavar="NAME", help="The workspace that the client's agent is; made if there is none. Repeat it for several."),
]
AsOperator = Annotated[bool, typer.Option("--operator", help="Tools that run the post room, for an agent that you trust with it.")]
Entry = Annotated[str | None, typer.Option("--entry", metavar="NAME", help="What the entry is called; postroom unless set.")]
InProject = Annotated[bool, typer.Option("--project", help="In the file of the project in this directory, not in your own.")]
Which = Annotated[str | None, typer.Argument(metavar="CLIENT", help="claude-code, codex, cursor, cline, opencode or vscode.")]


@locating
def install(
    whereabouts: Whereabouts,
    client: Which = None,
    *,
    name: Names = None,
    operator: AsOperator = False,
    project: InProject = False,
    entry: Entry = None,
    show: Annotated[bool, typer.Option("--print", help="Print what would be written, and write nothing.")] = False,
) -> None:
    """Let a client start `postroom mcp`: writes one entry into its configuration. Without CLIENT: which there are.

    What others wrote into the file stays as it is, comments and all. No token is written into it.
    """
    if client is None:
        return _overview(entry or "postroom", project=project)
    chosen, path = _choose(client, project=project)
    called = entry or ("postroom-operator" if operator else "postroom")
    names = [] if operator or show else _settle(whereabouts, name or [])
    words = [*_program(), "mcp", *_arguments(whereabouts, names or name or [], operator=operator)]
    if show:
        return _print(chosen, path, called, words)
    done = _open(chosen, path).install(called, words)
    said = {"added": "Added", "updated": "Updated", "unchanged": "Already there:"}[done]
    say(f'{said} "{called}" in {path}. {chosen.title} starts it when it starts next.')
    return None


@locating
def uninstall(
    whereabouts: Whereabouts,
    client: Annotated[str, typer.Argument(metavar="CLIENT", help="claude-code, codex, cursor, cline, opencode or vscode.")],
    *,
    project: InProject = False,
    entry: Entry = None,
) -> None:
    """Take our entry out of a client's configuration, and nothing else."""
    del whereabouts
    chosen, path = _choose(client, project=project)
    called = entry or "postroom"
    done = _open(chosen, path).uninstall(called) if path.exists() else "absent"
    say(f'Removed "{called}" from {path}.' if done == "removed" else f'There is no "{called}" in {path}.')


def _choose(name: str, *, project: bool) -> "tuple[Client, Path]":
    from postroom.cli.clients.table import CLIENTS, file_of

    client = CLIENTS.get(name)
    if client is None:
        raise Stop(f'There is no client "{name}" here', advice=f"Choose one of: {', '.join(CLIENTS)}.", code=ExitCode.USAGE)
    path = file_of(client, project=project)
    if path is None:
        raise Stop(f"{client.title} has no file of its own for a project", advice="Leave --project out.", code=ExitCode.USAGE)
    return client, path


def _open(client: "Client", path: Path) -> "Configuration":
    from postroom.cli.clients.configuration import Configuration

    return Configuration(client, path)


def _settle(whereabouts: Whereabouts, names: Sequence[str]) -> list[str]:
    """Take the places now, so that a wrong name or token shows here and no client ever needs the operator's; their names.

    A server that is away stops nothing: the places are taken when it is there.
    """
    from postroom.cli.places import settle

    async def take() -> list[str]:
        return [(await settle(whereabouts, name)).name for name in names or [None]]

    try:
        return asyncio.run(take())
    except (Stop, Unavailable) as error:
        if not names or stop_of(error).code is not ExitCode.UNREACHABLE:
            raise
        say("The server does not answer now; the agent takes its place when it does.")
        return list(names)


def _program() -> list[str]:
    """How this very command is run again by a program that does not have our PATH."""
    found = shutil.which(sys.argv[0])
    if found is not None and Path(found).stem == "postroom":
        return [str(Path(found).absolute())]
    return [sys.executable, "-m", "postroom.cli"]


def _arguments(whereabouts: Whereabouts, names: Sequence[str], *, operator: bool) -> list[str]:
    """What the bridge needs to know; a token is no argument, it is found when it is needed."""
    url = whereabouts.url or os.environ.get("POSTROOM_URL")
    data = whereabouts.data or os.environ.get("POSTROOM_DATA")
    words = ["--operator"] if operator else [word for name in names for word in ("--name", name)]
    words += ["--server", url] if url else []
    return words + (["--data", str(Path(data).absolute())] if data else [])


def _print(client: "Client", path: Path, called: str, words: Sequence[str]) -> None:
    from postroom.cli.clients.configuration import snippet

    say(f"For {path}:")
    print_text(snippet(client, called, words))


def _overview(called: str, *, project: bool) -> None:
    from postroom.cli.clients.table import CLIENTS, file_of

    for key, client in CLIENTS.items():
        path = file_of(client, project=project)
        if path is not None:
            print_text("\t".join((key, _state(client, path, called), str(path))))


def _state(client: "Client", path: Path, called: str) -> str:
    if not path.exists():
        return "no file yet"
    try:
        return "installed" if _open(client, path).has(called) else "not installed"
    except Stop as stop:
        return stop.sentence
