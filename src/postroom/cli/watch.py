"""``postroom watch``: the live feed, line by line. It goes on by itself after every outage, from where it was."""

from typing import Annotated

import typer
from rich.text import Text

from postroom.cli.ages import clock_time
from postroom.cli.command import AsJson, connecting, talk_to
from postroom.cli.connection import Connection
from postroom.cli.names import Workspace, find
from postroom.cli.output import print_json, say, stdout
from postroom.cli.safe_text import one_line
from postroom.client import Client, Frame, Json
from postroom.client.talk import text_of

_NAME_WIDTH = 24
_DETAIL_WIDTH = 160
_STYLES = {"replied": "green", "failed": "red", "expired": "red", "cancelled": "yellow", "retrying": "yellow", "offline": "yellow"}


@connecting
def watch(
    connection: Connection,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One workspace; without it, all of them.")] = None,
    *,
    cursor: Annotated[str | None, typer.Option(metavar="CURSOR", help="Begin after this event of --json, without a gap.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what happens as it happens; Ctrl-C ends it. With --json, one event a line."""
    talk_to(connection, lambda client: _show(client, name, cursor, as_json=as_json))


async def _show(client: Client, name: str | None, cursor: str | None, *, as_json: bool) -> None:
    workspaces = await client.workspaces()
    workspace_id = (await find(client, name))["id"] if name is not None else None
    if not as_json:
        say(f"Watching {name or 'everything'}; Ctrl-C ends it.", style="dim")
    names = _Names(client, workspaces)
    async for frame in client.events(workspace_id, cursor=cursor):
        if as_json:
            print_json(wire_form(frame))
        else:
            stdout().print(line(frame, await names.of(frame.workspace_id)))


class _Names:
    """Names of workspaces by id; one that is not known yet is asked for once."""

    def __init__(self, client: Client, workspaces: list[Workspace]) -> None:
        self._client = client
        self._names = {str(workspace["id"]): str(workspace["name"]) for workspace in workspaces}

    async def of(self, workspace_id: str | None) -> str:
        if workspace_id is None:
            return ""
        if workspace_id not in self._names:
            found = {str(workspace["id"]): str(workspace["name"]) for workspace in await self._client.workspaces()}
            self._names |= {workspace_id: workspace_id, **found}
        return self._names[workspace_id]


def line(frame: Frame, name: str) -> Text:
    """An event as one line: time, workspace, what happened, detail."""
    what = one_line(frame.event)
    return Text.assemble(
        (clock_time(frame.timestamp), "dim"),
        "  ",
        (one_line(name, limit=_NAME_WIDTH).ljust(_NAME_WIDTH), "bold"),
        "  ",
        (what.ljust(18), _STYLES.get(what.rpartition(".")[2], "")),
        "  ",
        one_line(detail(frame.payload), limit=_DETAIL_WIDTH),
    )


def detail(payload: Json) -> str:
    """What a person wants to see of an event: the words, else the error, else the plain values."""
    words = payload.get("preview") or text_of(payload.get("parts") or [])
    if words:
        return str(words)
    error: Json = payload.get("error") or {}
    if error:
        return str(error.get("detail") or error.get("code"))
    return " ".join(f"{key}={value}" for key, value in payload.items() if isinstance(value, str | int | float) and key != "message_id")


def wire_form(frame: Frame) -> Json:
    """The frame as the contract has it."""
    return {
        "event": frame.event,
        "workspace_id": frame.workspace_id,
        "timestamp": frame.timestamp,
        "cursor": frame.cursor,
        "payload": frame.payload,
    }
