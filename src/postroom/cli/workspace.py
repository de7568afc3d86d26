"""``postroom workspace``: make, list, change and remove workspaces, and their tokens."""

import shlex
import sys
from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast

import typer

from postroom.cli.command import AsJson, Name, connecting, talk_to
from postroom.cli.connection import Connection
from postroom.cli.exits import ExitCode, Stop
from postroom.cli.names import Workspace, find
from postroom.cli.output import print_json, print_text, say, stdout
from postroom.cli.safe_text import one_line
from postroom.cli.tree import plain_tree, rich_tree
from postroom.client import Client, Json
from postroom.errors import Conflict

group = typer.Typer(no_args_is_help=True, help="Make, list, change and remove workspaces, and their tokens.")

Mode = Literal["push", "poll"]


@group.command("add")
@connecting
def add(  # noqa: PLR0913 - an option, a parameter
    connection: Connection,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people will call it; unlike every other name here is best.")],
    *,
    parent: Annotated[str | None, typer.Option(metavar="NAME", help="Put it below this workspace; without it, it is a root.")] = None,
    role: Annotated[str | None, typer.Option(help="What it is there for; others see it.")] = None,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Where the agent is called (A2A).")] = None,
    mode: Annotated[Mode | None, typer.Option(help="push: called at its address; poll: fetches its post.")] = None,
    max_concurrent: Annotated[int | None, typer.Option(min=1, max=64, help="How many of its messages may be out at a time.")] = None,
    same_name: Annotated[bool, typer.Option("--same-name", help="Make it although there is one of that name.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a workspace. Its token is shown once, here."""

    async def make(client: Client) -> Json:
        parent_id = None if parent is None else await _id_of(client, parent)
        if not same_name:
            _require_new(name, parent_id, await client.workspaces())
        fields = {"role": role, "parent_id": parent_id, "url": url, "delivery_mode": mode, "max_concurrent": max_concurrent}
        return await client.create_workspace(name=name, **fields)

    made = talk_to(connection, make)
    if as_json:
        print_json(made)
    else:
        _show_made(made)


@group.command("list")
@connecting
def list_(connection: Connection, *, as_json: AsJson = False) -> None:
    """Show the tree: status, how each is reached, waiting post, last sign of life."""
    workspaces = talk_to(connection, lambda client: client.workspaces())
    if as_json:
        print_json(workspaces)
    elif not workspaces:
        say('There is no workspace yet. Make one: postroom workspace add "NAME"')
    elif stdout().is_terminal:
        stdout().print(rich_tree(workspaces), soft_wrap=False)
    else:
        print_text(plain_tree(workspaces))


@group.command("change")
@connecting
def change(  # noqa: PLR0913 - an option, a parameter
    connection: Connection,
    name: Name,
    *,
    rename: Annotated[str | None, typer.Option(metavar="NAME", help="The new name.")] = None,
    parent: Annotated[str | None, typer.Option(metavar="NAME", help="Move it below this workspace; an empty text makes it a root.")] = None,
    role: Annotated[str | None, typer.Option(help="What it is there for.")] = None,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Where the agent is called.")] = None,
    mode: Annotated[Mode | None, typer.Option(help="push: called at its address; poll: fetches its post.")] = None,
    max_concurrent: Annotated[int | None, typer.Option(min=1, max=64, help="How many of its messages may be out at a time.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change what is given, all or nothing; the rest stays."""
    given = {"name": rename, "role": role, "url": url, "delivery_mode": mode, "max_concurrent": max_concurrent}
    fields = {field: value for field, value in given.items() if value is not None}

    async def act(client: Client) -> Json:
        workspace = await find(client, name)
        place = {} if parent is None else {"parent_id": await _id_of(client, parent)}
        return await client.update_workspace(workspace["id"], **fields, **place)

    _report(talk_to(connection, act), as_json, "Changed.")


@group.command("remove")
@connecting
def remove(
    connection: Connection,
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; what is below it is removed too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a workspace. Its unfinished messages end as failed and their senders are told; its tokens die."""
    workspace = talk_to(connection, lambda client: find(client, name))
    if not yes:
        _confirm(workspace)
    removed = talk_to(connection, lambda client: _remove(client, workspace, confirmed=yes))
    _report(removed or {"id": workspace["id"]}, as_json, f"Removed {workspace['name']}.")


@group.command("pause")
@connecting
def pause(connection: Connection, name: Name, *, as_json: AsJson = False) -> None:
    """Let its mailbox accept post and hand out none."""

    async def act(client: Client) -> Json:
        workspace = await find(client, name)
        return await client.pause(workspace["id"]) or {"id": workspace["id"]}

    _report(talk_to(connection, act), as_json, f"Paused: its post waits. Let it go on: postroom workspace resume {shlex.quote(name)}")


@group.command("resume")
@connecting
def resume(connection: Connection, name: Name, *, as_json: AsJson = False) -> None:
    """Let its mailbox hand out again."""

    async def act(client: Client) -> Json:
        workspace = await find(client, name)
        return await client.resume(workspace["id"]) or {"id": workspace["id"]}

    _report(talk_to(connection, act), as_json, "Its post is handed out again.")


def _report(document: Json, as_json: bool, sentence: str) -> None:
    if as_json:
        print_json(document)
    else:
        say(sentence)


def _show_made(made: Json) -> None:
    # The token alone goes to stdout: TOKEN=$(postroom workspace add NAME) holds it and nothing else.
    say(f"Made {made['name']} ({made['id']}). Its token, shown once:")
    print_text(made["token"])
    name = shlex.quote(made["name"])
    if made.get("delivery_mode") != "push":
        say(f"Run any program as this agent:  postroom agent run --name {name} -- COMMAND")
    say(f"Write to it:                    postroom send {name} hello")


def _require_new(name: str, parent_id: str | None, workspaces: Sequence[Workspace]) -> None:
    """Two of one name can not be told apart by it, and who makes a second one mostly meant the first."""
    if any(one["name"] == name and parent_id in (None, one.get("parent_id")) for one in workspaces):
        advice = (
            f"Another token for it: postroom workspace token {shlex.quote(name)}. A second one: --same-name, or elsewhere: --parent NAME."
        )
        raise Stop(f'There is a workspace "{name}" already', advice=advice, code=ExitCode.REFUSED)


async def _id_of(client: Client, parent: str) -> str | None:
    return str((await find(client, parent))["id"]) if parent else None


async def _remove(client: Client, workspace: Workspace, *, confirmed: bool) -> Json | None:
    try:
        return await client.remove_workspace(workspace["id"], confirm=confirmed)
    except Conflict as error:
        children: list[Any] = error.data.get("children") or []
        if not children:
            raise
        raise _has_children(workspace, children) from error


def _has_children(workspace: Workspace, children: list[Any]) -> Stop:
    names = ", ".join(str(cast(Json, child)["name"]) if isinstance(child, dict) else str(child) for child in children)
    return Stop(
        f"{workspace['name']} has others below it: {names}",
        advice=f"Remove them with it: postroom workspace remove {shlex.quote(workspace['name'])} --yes",
        code=ExitCode.REFUSED,
    )


def _confirm(workspace: Workspace) -> None:
    if not sys.stdin.isatty():
        raise Stop("Nobody is there to confirm the removal", advice="Add --yes.", code=ExitCode.USAGE)
    question = f"Remove {one_line(workspace['name'])} with {workspace.get('queue_depth') or 0} unfinished messages?"
    if not typer.confirm(question, err=True):
        raise Stop("Nothing was removed", advice="Answer y to remove it.", code=ExitCode.REFUSED)
