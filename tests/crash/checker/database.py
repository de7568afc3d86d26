"""The database as it is, not as the server says it is: reading only."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import asyncpg

ENDS = frozenset({"message.replied", "message.failed", "message.cancelled", "message.expired"})


@dataclass(frozen=True, slots=True)
class Row:
    """One message. ``accepted`` is a time of the machine's clock; ``report``: its sender is to be told of its end by post; ``dead``: it is
    kept among those that came to nothing."""

    id: str
    mailbox: str
    seq: int
    role: str
    sender: str
    key: str | None
    text: str | None
    reply_to: str | None
    state: str | None
    work: bool
    accepted: float
    report: bool = False
    dead: bool = False

    @property
    def told(self) -> str | None:
        """Where it is post about an end: of which message."""
        return self.reply_to if self.role == "user" else None


@dataclass(frozen=True, slots=True)
class Event:
    """One event; ``sender`` is that of its message, if it has one."""

    xid: int
    id: int
    type: str
    workspace: str
    peer: str | None
    message: str | None
    sender: str | None
    at: float

    @property
    def position(self) -> tuple[int, int]:
        """Its place in every feed."""
        return self.xid, self.id


_ROWS = """
    select m.id::text, m.workspace_id::text as mailbox, m.seq, m.role, m.sender_id::text as sender, m.idempotency_key as key,
        m.body -> 'parts' -> 0 ->> 'text' as text, m.reply_to::text, o.state, w.message_id is not null as work,
        extract(epoch from m.accepted_at)::float8 as accepted, m.report, d.message_id is not null as dead
    from message m left join outcome o on o.message_id = m.id left join work w on w.message_id = m.id
    left join dead_letter d on d.message_id = m.id
    where m.workspace_id = any($1::uuid[]) order by m.workspace_id, m.seq"""
_EVENTS = """
    select e.xid::text::bigint as xid, e.id, e.type, e.workspace_id::text as workspace, e.peer_id::text as peer,
        e.message_id::text as message, m.sender_id::text as sender, extract(epoch from e.at)::float8 as at
    from event e left join message m on m.id = e.message_id
    where $1::uuid[] is null or e.workspace_id = any($1::uuid[]) order by e.xid, e.id"""
_NEWEST = """
    select xid::text::bigint as xid, id from event
    where $1::uuid[] is null or workspace_id = any($1::uuid[]) or peer_id = any($1::uuid[]) order by event.xid desc, id desc limit 1"""
_WORK = """
    select w.*, (w.due_at - clock_timestamp())::text as due_in from work w where workspace_id = any($1::uuid[]) order by due_at limit 4"""


async def _fetch(dsn: str, statement: str, mailboxes: Iterable[str] | None) -> list[dict[str, Any]]:
    # The embedded PostgreSQL allows a statement 5 s, which a long run's tables may take to read.
    connection: Any = await asyncpg.connect(dsn, server_settings={"statement_timeout": "0", "transaction_timeout": "0"})
    try:
        rows = await connection.fetch(statement, None if mailboxes is None else list(mailboxes))
        return [dict(row) for row in rows]
    finally:
        await connection.close()


async def read_rows(dsn: str, mailboxes: Iterable[str]) -> list[Row]:
    """All messages of these mailboxes, by mailbox and number."""
    return [Row(**row) for row in await _fetch(dsn, _ROWS, mailboxes)]


async def read_events(dsn: str, mailboxes: Iterable[str] | None = None) -> list[Event]:
    """All events of these workspaces, or of all, in the order of the feed."""
    return [Event(**row) for row in await _fetch(dsn, _EVENTS, mailboxes)]


async def newest_position(dsn: str, workspace: str | None) -> tuple[int, int]:
    """Where a feed, of everything or of one workspace, ends at the moment."""
    rows = await _fetch(dsn, _NEWEST, None if workspace is None else [workspace])
    return max(((row["xid"], row["id"]) for row in rows), default=(0, 0))


async def unfinished(dsn: str, mailboxes: Iterable[str]) -> int:
    """How many messages have no end yet."""
    return len(await _fetch(dsn, "select 1 as one from work where workspace_id = any($1::uuid[])", mailboxes))


async def describe_work(dsn: str, mailboxes: Iterable[str]) -> list[dict[str, Any]]:
    """What is unfinished, the first that is due first, for a person who wants to know why."""
    return await _fetch(dsn, _WORK, mailboxes)
