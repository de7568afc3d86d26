"""``postroom delegations``: what a workspace asked of others, and these of others again, drawn as one tree."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from postroom.cli.ages import duration
from postroom.cli.command import AsJson, Name, connecting, talk_to
from postroom.cli.connection import Connection
from postroom.cli.names import find
from postroom.cli.output import print_json, print_text, say, stdout
from postroom.cli.safe_text import one_line
from postroom.cli.tree import branches
from postroom.client import Client, Delegation, Json

_STYLES = {"completed": "green", "failed": "red", "expired": "red", "cancelled": "dim", "handed": "cyan", "input_required": "yellow"}
_WIDEST = 60


@connecting
def delegations(
    connection: Connection,
    name: Name,
    *,
    open: Annotated[bool, typer.Option("--open", help="Only those that have not ended.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, counted from the newest.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Draw what a workspace delegated: who asked whom, how it stands, how long it took, and the answer."""

    async def read(client: Client) -> list[Delegation]:
        workspace = (await find(client, name))["id"]
        found = await client.delegations(workspace, open=open, limit=limit)
        return [await client.delegation(workspace, one.id, tree=True) for one in reversed(found)]

    trees = talk_to(connection, read)
    if as_json:
        print_json({"delegations": [tree.row for tree in trees]})
    elif not trees:
        say(f"{one_line(name)} has delegated nothing{' that is still open' if open else ''}.")
    else:
        _show(trees)


def _show(trees: Sequence[Delegation]) -> None:
    rows = [(0, (one_line(trees[0].row["source"]["name"]), "", "", "", "")), *_rows(trees, 1)]
    if stdout().is_terminal:
        stdout().print(_drawn([depth for depth, _ in rows], [cells for _, cells in rows]), soft_wrap=False)
    else:
        print_text("\n".join("  " * depth + "\t".join(cells).rstrip() for depth, cells in rows))


def _drawn(depths: Sequence[int], rows: Sequence[tuple[str, ...]]) -> Table:
    table = Table("asked", "status", "took", "task", "answer", box=None, pad_edge=False, header_style="bold")
    for column in table.columns:
        column.no_wrap, column.overflow = True, "ellipsis"
    for branch, (name, status, *rest) in zip(branches(depths), rows, strict=True):
        table.add_row(Text(branch + name), Text(status, style=_STYLES.get(status, "")), *(Text(cell) for cell in rest))
    return table


def _rows(found: Sequence[Delegation], depth: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    for one in found:
        told = one_line(_told(one), limit=_WIDEST)
        yield depth, (one_line(one.target_name), one.status, _took(one), one_line(one.row["task"], limit=_WIDEST), told)
        yield from _rows(one.children, depth + 1)


def _told(one: Delegation) -> str:
    """The answer, the reason for none, or how far it is."""
    if one.ended:
        return one.text or str((one.error or {}).get("detail") or "")
    progress: Json = one.row["progress"] or {}
    return str(progress.get("text") or progress.get("status") or "")


def _took(one: Delegation) -> str:
    """From asked to ended, or how long it has been going on by this machine's clock."""
    began = datetime.fromisoformat(one.row["created_at"])
    ended = datetime.fromisoformat(one.row["ended_at"]) if one.row["ended_at"] else datetime.now(UTC)
    seconds = max((ended - began).total_seconds(), 0.0)
    return f"{seconds:.1f} s" if seconds < 60 else duration(seconds)
