"""Statements of the slice "delegations", typed."""

from collections.abc import Sequence
from uuid import UUID

from postroom.core.delegations.model import Delegation, OpenDelegation, Place, Status, Wanted
from postroom.core.identity.model import Principal
from postroom.db.database import Database, Row
from postroom.db.statements import load

SQL = load("delegations")


async def find_delegation(db: Database, workspace: UUID, delegation: UUID) -> Delegation | None:
    """One that this workspace delegated."""
    row = await db.first(SQL.find_delegation, delegation, workspace)
    return None if row is None else _delegation(row)


async def list_delegations(db: Database, workspace: UUID, wanted: Wanted, below: Delegation | None, limit: int) -> list[Delegation]:
    """The newest first, ``below`` that one."""
    edge = (below.created_at, below.id) if below else (None, None)
    narrowed = (wanted.open, wanted.status and wanted.status.value, wanted.on_behalf_of)
    return [_delegation(row) for row in await db.fetch(SQL.list_delegations, workspace, *narrowed, *edge, limit)]


async def list_open_delegations(db: Database, most: int) -> list[OpenDelegation]:
    """Everybody's, the oldest first."""
    rows = await db.fetch(SQL.list_open_delegations, most)
    return [
        OpenDelegation(id=row["id"], source_id=row["source_id"], target_id=row["target_id"], created_at=row["accepted_at"]) for row in rows
    ]


async def list_tree(db: Database, principal: Principal, root: UUID, most: int) -> list[Delegation]:
    """What hangs below a message as far as the principal may see it, parents before children."""
    rows = await db.fetch(SQL.list_tree, root, principal.kind.value, principal.id, most)
    return [_delegation(row) for row in rows]


async def list_orphans(db: Database, most: int) -> Sequence[UUID]:
    """Delegations that hang on what has ended."""
    return [row["message_id"] for row in await db.fetch(SQL.list_orphans, most, pool="workers")]


def _delegation(row: Row) -> Delegation:
    known = (
        "id",
        "thread_id",
        "updated_at",
        "ended_at",
        "deadline",
        "cancel_requested",
        "report",
        "chain",
        "progress",
        "error",
        "body",
        "reply",
    )
    return Delegation(
        **{name: row[name] for name in known},
        source=Place(id=row["source_id"], name=row["source_name"]),
        target=Place(id=row["target_id"], name=row["target_name"]),
        status=Status(row["status"]),
        created_at=row["accepted_at"],
        attempt=row["attempt"] or 0,
        on_behalf_of=row["parent_id"],
    )
