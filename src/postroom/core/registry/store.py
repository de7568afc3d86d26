"""Statements of the slice "registry", typed."""

from collections.abc import Sequence
from uuid import UUID

from postroom.core.identity.model import Principal
from postroom.core.registry.model import DeliveryMode, Heartbeat, Json, NewWorkspace, Status, Workspace
from postroom.db.database import Connection, Database, Row
from postroom.db.statements import load

SQL = load("registry")


async def lock_tree(connection: Connection) -> None:
    """One change of the tree's shape at a time."""
    await connection.execute(SQL.lock_tree)


async def insert_workspace(connection: Connection, new_id: UUID, new: NewWorkspace, mode: DeliveryMode) -> None:
    """Nothing happens when the id is there already, or the parent is not."""
    await connection.execute(
        SQL.insert_workspace, new_id, new.name, new.role, new.parent_id, mode.value, new.url, new.agent_card, new.metadata or {}
    )
    await connection.execute(SQL.insert_presence, new_id)


async def list_workspaces(
    db: Database, principal: Principal, *, only: UUID | None = None, removed: bool = False, like: str | None = None
) -> list[Workspace]:
    """What the principal may see."""
    rows = await db.fetch(SQL.list_workspaces, principal.kind.value, principal.workspace_id, only, removed, like)
    return [_workspace(row) for row in rows]


async def is_removed(db: Database, principal: Principal, workspace: UUID) -> bool:
    """Whether the principal could once see it and it is gone."""
    return await db.first(SQL.find_removed, principal.kind.value, principal.workspace_id, workspace) is not None


async def find_relation(db: Database, one: UUID, other: UUID) -> bool:
    """The tree rule; False when either does not exist."""
    row = await db.first(SQL.find_relation, one, other)
    return row is not None and row["allowed"] is True


async def lock_workspace(connection: Connection, workspace: UUID) -> Row | None:
    """The row, held until the end of the transaction."""
    return await connection.fetchrow(SQL.lock_workspace, workspace)


async def update_workspace(connection: Connection, workspace: UUID, fields: Json) -> None:
    """Every field of the row that can be set; ``metadata`` None keeps it."""
    names = ("name", "role", "delivery_mode", "url", "x", "y", "collapsed", "metadata")
    await connection.execute(SQL.update_workspace, workspace, *(fields.get(name) for name in names))


async def find_parent(connection: Connection, workspace: UUID) -> Row | None:
    """``id`` and ``ancestors`` of one that is there."""
    return await connection.fetchrow(SQL.find_parent, workspace)


async def measure_depth(connection: Connection, workspace: UUID, ancestors: Sequence[UUID]) -> int:
    """How many levels hang below it."""
    return await connection.fetchval(SQL.measure_depth, workspace, ancestors)


async def move_workspace(connection: Connection, workspace: UUID, parent: UUID | None, ancestors: Sequence[UUID]) -> None:
    """Put it there, with everything below it."""
    await connection.execute(SQL.move_workspace, workspace, parent, ancestors)
    await connection.execute(SQL.move_descendants, workspace, ancestors)


async def list_children(connection: Connection, workspace: UUID) -> list[Row]:
    """``id`` and ``name``."""
    return await connection.fetch(SQL.list_children, workspace)


async def list_subtree(connection: Connection, workspace: UUID) -> list[UUID]:
    """It and everything below, deepest first."""
    return [row["id"] for row in await connection.fetch(SQL.list_subtree, workspace)]


async def mark_removed(connection: Connection, workspace: UUID) -> bool:
    """False when it was removed before."""
    return await connection.fetchval(SQL.mark_removed, workspace) is not None


async def register_workspace(connection: Connection, workspace: UUID, card: Json, url: str | None, mode: DeliveryMode) -> None:
    """Card and address; no URL keeps the stored one."""
    await connection.execute(SQL.register_workspace, workspace, card, url, mode.value)


async def update_card(connection: Connection, workspace: UUID, card: Json) -> bool:
    """False when it is gone."""
    return await connection.fetchval(SQL.update_card, workspace, card) is not None


async def lock_presence(connection: Connection, workspace: UUID) -> Row | None:
    """``status`` and ``beats``."""
    return await connection.fetchrow(SQL.lock_presence, workspace)


async def update_presence(connection: Connection, workspace: UUID, status: Status, beat: Heartbeat, *, beats: bool) -> None:
    """It was heard of just now."""
    await connection.execute(
        SQL.update_presence,
        workspace,
        status.value,
        beats,
        beat.active_tasks,
        beat.current_task,
        beat.error_rate,
        beat.sample_error,
        beat.uptime_seconds,
    )


async def touch_presence(connection: Connection, workspaces: Sequence[UUID]) -> list[UUID]:
    """Signs of life; returns those that were offline until now."""
    rows = await connection.fetch(SQL.touch_presence, workspaces)
    return [row["workspace_id"] for row in rows if row["came_online"]]


async def mark_silent(connection: Connection, seconds: float) -> list[UUID]:
    """Those that are offline from now on."""
    return [row["workspace_id"] for row in await connection.fetch(SQL.mark_silent, seconds)]


def _workspace(row: Row) -> Workspace:
    return Workspace(
        id=row["id"],
        name=row["name"],
        role=row["role"],
        parent_id=row["parent_id"],
        status=_status(row),
        delivery_mode=DeliveryMode(row["delivery_mode"]),
        url=row["url"],
        agent_card=row["agent_card"],
        metadata=row["metadata"],
        max_concurrent=row["max_concurrent"],
        queue_depth=row["open_count"],
        active_tasks=max(row["leased_count"], row["active_tasks"]),
        current_task=row["current_task"],
        error_rate=row["error_rate"],
        sample_error=row["sample_error"],
        uptime_seconds=row["uptime_seconds"],
        x=row["x"],
        y=row["y"],
        collapsed=row["collapsed"],
        last_heartbeat=row["seen_at"],
        registered_at=row["registered_at"],
        created_at=row["created_at"],
        removed_at=row["removed_at"],
        unreachable_until=row["unreachable_until"],
    )


def _status(row: Row) -> Status:
    if row["removed_at"] is not None:
        return Status.REMOVED
    return Status.PAUSED if row["paused"] else Status(row["status"])
