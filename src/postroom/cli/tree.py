"""The tree of workspaces, drawn for a terminal or indented for a pipe."""

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from postroom.cli.ages import age
from postroom.cli.names import SHORT_ID, Workspace
from postroom.cli.safe_text import one_line

_COLUMNS = ("name", "status", "reached", "waiting", "seen", "id")
_STYLES = {"online": "green", "degraded": "yellow", "paused": "yellow", "offline": "dim"}


def rich_tree(workspaces: Sequence[Workspace]) -> Table:
    """A table whose first column is the tree. Ids are short, so that a row fits 80 columns; whole ones are in what a program reads."""
    table = Table(*_COLUMNS[:-1], box=None, pad_edge=False, header_style="bold")
    table.add_column(_COLUMNS[-1], no_wrap=True, style="dim")
    rows = in_tree_order(workspaces)
    for branch, (_, workspace) in zip(branches([depth for depth, _ in rows]), rows, strict=True):
        name, status, *rest, whole_id = _cells(workspace)
        cells = [*rest, whole_id[-SHORT_ID:]]
        table.add_row(Text(branch + name), Text(status, style=_STYLES.get(status, "")), *(Text(cell) for cell in cells))
    return table


def plain_tree(workspaces: Sequence[Workspace]) -> str:
    """One line a workspace, fields apart by tabs, names indented by two blanks a level. Nothing is cut."""
    rows = [("  " * depth, _cells(workspace)) for depth, workspace in in_tree_order(workspaces)]
    return "\n".join(indent + "\t".join(cells) for indent, cells in rows)


def in_tree_order(workspaces: Sequence[Workspace]) -> list[tuple[int, Workspace]]:
    """Each workspace with its depth, children after their parent, brothers by name.

    One whose parent the caller may not see stands at the root, so that nobody is left out.
    """
    seen = {workspace["id"] for workspace in workspaces}
    children: dict[str | None, list[Workspace]] = {}
    for workspace in sorted(workspaces, key=lambda one: (str(one["name"]).casefold(), str(one["id"]))):
        parent = workspace.get("parent_id")
        children.setdefault(parent if parent in seen else None, []).append(workspace)
    return list(_descend(children, None, 0))


def status_of(workspace: Workspace) -> str:
    """How the agent is, or that its mailbox is paused."""
    return one_line(str(workspace.get("status") or "unknown"))


def reached_by(workspace: Workspace) -> str:
    """How its post gets to it."""
    if workspace.get("delivery_mode") != "push":
        return "fetches"
    return f"called at {one_line(workspace['url'], limit=60)}" if workspace.get("url") else "called"


def _descend(children: dict[str | None, list[Workspace]], parent: str | None, depth: int) -> Iterator[tuple[int, Workspace]]:
    for workspace in children.get(parent, []):
        yield depth, workspace
        yield from _descend(children, workspace["id"], depth + 1)


def branches(depths: Sequence[int]) -> list[str]:
    """The lines of the tree before each name. From below: whether a line goes on at a depth is decided by what comes after."""
    drawn: list[str] = []
    goes_on: set[int] = set()
    for depth in reversed(depths):
        before = "".join("│  " if level in goes_on else "   " for level in range(1, depth))
        drawn.append(before + ("├─ " if depth in goes_on else "└─ ") if depth else "")
        goes_on = {level for level in goes_on if level < depth} | {depth}
    return drawn[::-1]


def _cells(workspace: Workspace) -> tuple[str, ...]:
    return (
        one_line(str(workspace["name"])),
        status_of(workspace),
        reached_by(workspace),
        str(workspace.get("queue_depth") or 0),
        age(workspace.get("last_heartbeat")),
        str(workspace["id"]),
    )
