"""``postroom agent run``: any program as an agent. A message goes to its stdin, its stdout is the answer."""

import asyncio
import shlex
import shutil
from typing import Annotated

import typer

from postroom.cli.command import connecting
from postroom.cli.connection import Connection
from postroom.cli.exits import ExitCode, Stop
from postroom.cli.names import Workspace
from postroom.cli.output import say
from postroom.cli.places import find_place

group = typer.Typer(no_args_is_help=True, help="Run programs as agents.")


@group.command("run", no_args_is_help=True)
@connecting
def run(
    connection: Connection,
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="The program and its arguments.")],
    *,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="The workspace that the program is; made if there is none.")],
    timeout: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="End the program after this long; 0: never.")] = 600.0,
    concurrency: Annotated[int, typer.Option(min=1, max=32, help="How many messages to work on at a time.")] = 1,
) -> None:
    """Be an agent by running COMMAND once for each message: the text on its stdin, the answer from its stdout.

    A program that ends with another code than 0 fails the message with what it said on stderr.
    """
    if shutil.which(command[0]) is None:
        raise Stop(f"There is no program {command[0]}", advice="Give its path, or put it on PATH.", code=ExitCode.USAGE)
    asyncio.run(_run(connection, command, name, timeout=timeout or None, concurrency=concurrency))


async def _run(connection: Connection, command: list[str], name: str, *, timeout: float | None, concurrency: int) -> None:
    from postroom.agent.command import run_command

    place, workspace = await find_place(connection, name)
    _tell(name, workspace, command, concurrency)
    await run_command(
        command,
        name=name if workspace is None else workspace["name"],
        url=connection.url,
        workspace_id=place.workspace_id,
        token=place.token,
        timeout=timeout,
        concurrency=concurrency,
    )


def _tell(name: str, workspace: Workspace | None, command: list[str], concurrency: int) -> None:
    say(f"{name} is now: {shlex.join(command)}   (Ctrl-C: finish what is begun, then leave)")
    limit = int((workspace or {}).get("max_concurrent") or 1)
    if concurrency > limit:
        say(f"Its mailbox hands out {limit} at a time: postroom workspace change {shlex.quote(name)} --max-concurrent {concurrency}")
