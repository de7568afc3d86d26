"""Statements of the slice "events", typed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from postroom.core.events.model import Event, EventFilter, EventType, Position
from postroom.db.database import Connection, Database, Row
from postroom.db.statements import load

SQL = load("events")


async def insert_event(
    connection: Connection,
    kind: EventType,
    workspace: UUID,
    *,
    actor_kind: str,
    actor: UUID | None,
    payload: dict[str, Any] | None = None,
    message: UUID | None = None,
    peer: UUID | None = None,
) -> None:
    """Inside the transaction that makes it true."""
    await connection.execute(SQL.insert_event, kind.value, workspace, peer, message, actor_kind, actor, payload or {})


async def read_all(db: Database, after: Position, limit: int) -> list[Event]:
    """The whole feed after a position."""
    return [_event(row) for row in await db.fetch(SQL.read_all_events, str(after.xid), after.id, limit)]


async def read_workspace(db: Database, workspace: UUID, after: Position, limit: int) -> list[Event]:
    """One workspace's feed after a position."""
    return [_event(row) for row in await db.fetch(SQL.read_workspace_events, str(after.xid), after.id, limit, workspace)]


async def read_recent(
    db: Database, workspace: UUID | None, before: datetime | Position | None, limit: int, only: EventFilter
) -> list[Event]:
    """The newest before a time or a place, newest first."""
    place = (str(before.xid), before.id) if isinstance(before, Position) else (None, None)
    time = before if isinstance(before, datetime) else None
    rows = await db.fetch(SQL.read_recent_events, workspace, time, limit, only.type, only.source, only.peer_id, *place)
    return [_event(row) for row in rows]


async def read_later(db: Database, workspace: UUID | None, after: Position, limit: int, only: EventFilter) -> list[Event]:
    """After a position, oldest first."""
    rows = await db.fetch(SQL.read_later_events, workspace, str(after.xid), after.id, only.type, only.source, only.peer_id, limit)
    return [_event(row) for row in rows]


async def find_horizon(db: Database) -> Row:
    """``now_xid``, ``next_xid``, ``floor_xid``, ``floor_id``."""
    row = await db.first(SQL.find_horizon)
    if row is None:
        raise LookupError("the feed has no floor row")
    return row


async def prune_events(db: Database, days: int, most: int) -> int:
    """How many were pruned, oldest first."""
    return (await db.write(SQL.prune_events, days, most, pool="workers"))[0]["pruned"]


def _event(row: Row) -> Event:
    return Event(
        position=Position(int(row["xid"]), row["id"]),
        type=row["type"],
        workspace_id=row["workspace_id"],
        peer_id=row["peer_id"],
        message_id=row["message_id"],
        actor_kind=row["actor_kind"],
        actor_id=row["actor_id"],
        payload=row["payload"],
        at=row["at"],
    )
