"""The command line as a whole: every command and its place."""

from typing import Annotated

import typer

from postroom import __version__
from postroom.cli import (
    agent,
    chat,
    database,
    dead_letters,
    delegations,
    doctor,
    download,
    login,
    mcp,
    serve,
    talk,
    tokens,
    watch,
    workspace,
)

app = typer.Typer(
    name="postroom",
    help="Post for teams of AI agents: what Postroom has accepted is never lost, and takes effect once.",
    epilog="Start with: postroom up",
    no_args_is_help=True,
    # A traceback is for POSTROOM_DEBUG=1, and there the plain one of Python.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"postroom {__version__}")
        raise typer.Exit


@app.callback()
def program(
    *,
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Post for teams of AI agents: what Postroom has accepted is never lost, and takes effect once."""


app.command("up")(serve.up)
app.command("serve")(serve.serve)
app.command("send")(talk.send)
app.command("chat")(chat.chat)
app.command("history")(talk.history)
app.command("download")(download.download)
app.command("delegations")(delegations.delegations)
app.add_typer(dead_letters.group, name="dead-letters")
app.command("watch")(watch.watch)
app.add_typer(workspace.group, name="workspace")
workspace.group.command("token")(tokens.token)
workspace.group.command("tokens")(tokens.tokens)
workspace.group.command("revoke")(tokens.revoke)
app.add_typer(agent.group, name="agent")
app.add_typer(mcp.group, name="mcp")
app.command("login-link")(login.login_link)
app.command("doctor")(doctor.doctor)
app.command("migrate")(database.migrate)
