"""Statements of the slice "messages", typed."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import itemgetter
from uuid import UUID

from postroom.core.deliveries.model import CallTarget, Delivery, Sender
from postroom.core.deliveries.store import addressed
from postroom.core.identity.model import Principal
from postroom.core.messages.model import (
    Chat,
    DeadLetter,
    Draft,
    Entry,
    Json,
    LastLine,
    Passage,
    Receipt,
    Standing,
    State,
    Stretch,
    Thread,
    TrafficLine,
)
from postroom.db.database import Connection, Database, Row
from postroom.db.statements import load
from postroom.settings import Settings

SQL = load("messages")

Moment = tuple[datetime, UUID]
"""A place in the order of time: when a message was accepted, and which one it is of those that were accepted in that instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """One draft on its way into the transaction, with everything decided beforehand."""

    id: UUID
    draft: Draft
    principal: Principal
    fingerprint: bytes
    preview: str | None
    deadline: float
    lend: bool


async def accept_messages(db: Database, items: Sequence[Accept], server: UUID, settings: Settings) -> list[Row]:
    """One transaction for all of them, no two with the same key; verdicts as in migration 0005, in the order of the items."""
    columns = zip(*(_columns(item) for item in items), strict=True)
    limits = (settings.lease_seconds, settings.mailbox_limit, settings.delegation_limit, settings.chain_limit)
    rows = await db.write(SQL.accept_messages, *map(list, columns), server, *limits, pool="lanes")
    return sorted(rows, key=itemgetter("item"))


def _columns(item: Accept) -> tuple[object, ...]:
    draft, principal = item.draft, item.principal
    return (
        item.id,
        draft.workspace_id,
        principal.credential_id,
        principal.kind.value,
        principal.id,
        draft.key,
        item.fingerprint,
        draft.thread_id,
        draft.task_id,
        draft.body,
        item.preview,
        draft.traceparent,
        item.deadline,
        item.lend,
        draft.on_behalf_of,
        draft.report,
        draft.cancel_with_parent,
        draft.letter,
    )


def receipt(row: Row, draft: Draft) -> Receipt:
    """What the sender is told of a row of ``accept_messages``."""
    duplicate = row["verdict"] == "duplicate"
    return Receipt(
        message_id=row["message_id"],
        workspace_id=row["workspace_id"],
        seq=row["seq"],
        thread_id=row["thread_id"],
        task_id=row["task_id"],
        duplicate=duplicate,
        standing=None if duplicate else _fresh(row, draft),
    )


def _fresh(row: Row, draft: Draft) -> Standing:
    lent = row["token"] is not None
    return Standing(
        message_id=row["message_id"],
        workspace_id=row["workspace_id"],
        thread_id=row["thread_id"],
        task_id=row["task_id"],
        state=State.HANDED if lent else State.ACCEPTED,
        body=draft.body,
        accepted_at=row["accepted_at"],
        deadline=row["deadline"],
        changed_at=row["accepted_at"],
        attempt=1 if lent else 0,
        cancel_requested=False,
        reply_id=None,
        reply=None,
        error=None,
        usage=None,
        interrupted=None,
    )


def born(row: Row, item: Accept) -> tuple[Delivery, CallTarget]:
    """The hand-out that an accept lent to this server at once."""
    draft, principal = item.draft, item.principal
    delivery = Delivery(
        message_id=row["message_id"],
        workspace_id=row["workspace_id"],
        token=row["token"],
        attempt=1,
        lease_until=row["lease_until"],
        deadline=row["deadline"],
        sender=Sender(kind=principal.kind.value, id=principal.id, name=row["sender_name"] or principal.name, role=row["sender_role"]),
        thread_id=row["thread_id"],
        task_id=row["task_id"],
        idempotency_key=draft.key,
        message=addressed(draft.body, row["thread_id"], row["upstream"]),
        traceparent=draft.traceparent,
        chain=row["chain"],
    )
    return delivery, CallTarget(workspace_id=row["workspace_id"], url=row["url"], agent_card=row["agent_card"])


async def post_notice(db: Database, new_id: UUID, notice: Draft, fingerprint: bytes, preview: str | None) -> Row:
    """``verdict`` (accepted, duplicate, key_reused), ``message_id``, ``seq``, ``thread_id``."""
    said = (notice.key, fingerprint, notice.thread_id or str(new_id), notice.body, preview, notice.traceparent)
    return (await db.write(SQL.post_notice, new_id, notice.workspace_id, *said))[0]


async def read_standings(db: Database, messages: Sequence[UUID]) -> dict[UUID, Standing]:
    """Where these messages stand."""
    rows = await db.fetch(SQL.read_states, messages, pool="lanes")
    return {row["message_id"]: _standing(row) for row in rows}


async def find_message(db: Database, message: UUID, workspace: UUID, principal: Principal) -> Row | None:
    """``id``, ``task_id``; None for what the principal may not see."""
    return await db.first(SQL.find_message, message, workspace, principal.kind.value, principal.id)


async def find_latest(db: Database, task: UUID) -> UUID | None:
    """The last message of a task."""
    row = await db.first(SQL.find_latest, task)
    return row["id"] if row else None


async def read_history(
    db: Database, workspace: UUID, passage: Passage, *, most: int, most_bytes: int
) -> tuple[list[Entry], int | None, bool]:
    """Newest first, unless ``after`` is given; with the place of the last that was looked at, and whether that was the end of it.

    At most ``most`` are passed by, and words are looked for in about ``most_bytes``.
    """
    way = (passage.thread, passage.before, passage.after, passage.before_time)
    rows = await db.fetch(SQL.read_history, workspace, list(passage.strands), *way, most, passage.words, most_bytes, passage.limit)
    return [_entry(row) for row in rows if row["id"] is not None], rows[0]["edge"], rows[0]["ended"]


async def find_moment(db: Database, workspace: UUID, message: UUID) -> datetime | None:
    """When a message that this workspace got or said was accepted."""
    row = await db.first(SQL.find_moment, message, workspace)
    return row["accepted_at"] if row else None


async def read_traffic(
    db: Database, workspace: UUID, stretch: Stretch, *, before: Moment, after: Moment | None, most: int, most_bytes: int
) -> tuple[list[TrafficLine], UUID | None, bool]:
    """As ``read_history``, by moments: newest first, unless ``after`` is given."""
    narrowed = (stretch.thread, stretch.words, most_bytes, stretch.limit)
    rows = await db.fetch(SQL.read_traffic, workspace, *before, *(after or (None, None)), most, *narrowed)
    return [_traffic_line(row) for row in rows if row["id"] is not None], rows[0]["edge"], rows[0]["ended"]


async def list_threads(
    db: Database, workspace: UUID, before: int | None, *, most: int, limit: int
) -> tuple[list[Thread], int | None, bool]:
    """The most recently spoken first; with the place of the last message that was looked at, and whether that was the end of it."""
    rows = await db.fetch(SQL.list_threads, workspace, before, most, limit)
    return [_thread(row) for row in rows if row["id"] is not None], rows[0]["edge"], rows[0]["ended"]


async def list_chats(db: Database, reader: UUID, only: UUID | None = None) -> list[Chat]:
    """The most recently spoken first."""
    return [_chat(row) for row in await db.fetch(SQL.list_chats, reader, only)]


async def mark_read(connection: Connection, reader: UUID, workspace: UUID, seq: int) -> int | None:
    """How far it is read now; None when it was read as far before."""
    return await connection.fetchval(SQL.mark_read, reader, workspace, seq)


async def find_part(db: Database, workspace: UUID, message: UUID, number: int) -> Json | None:
    """A part of a message that was said there."""
    row = await db.first(SQL.find_part, message, workspace, number)
    return row["part"] if row else None


async def list_dead_letters(db: Database, workspace: UUID | None, below: Row | None, limit: int) -> list[DeadLetter]:
    """The newest first, ``below`` that one."""
    edge = (below["ended_at"], below["message_id"]) if below else (None, None)
    rows = await db.fetch(SQL.list_dead_letters, workspace, *edge, limit)
    return [DeadLetter(workspace_name=row["workspace_name"], line=_entry(row)) for row in rows]


async def count_dead_letters(db: Database, workspace: UUID | None) -> int:
    """How many there are, of one workspace or all."""
    return (await db.fetch(SQL.count_dead_letters, workspace))[0]["total"]


async def find_dead_letter(db: Database, message: UUID) -> Row | None:
    """``message_id``, ``workspace_id``, ``ended_at``, ``replayed_as``, ``thread_id``, ``body``; also when it was replayed or dropped."""
    return await db.first(SQL.find_dead_letter, message)


async def drop_dead_letter(connection: Connection, message: UUID) -> UUID | None:
    """Its workspace; None when it was replayed or dropped before, and when there is none."""
    return await connection.fetchval(SQL.drop_dead_letter, message)


def _standing(row: Row) -> Standing:
    state = State.HANDED if row["handed_at"] is not None else State.ACCEPTED
    if row["end_state"] is not None:
        state = State.INPUT_REQUIRED if row["interrupted"] else State(row["end_state"])
    return Standing(
        message_id=row["message_id"],
        workspace_id=row["workspace_id"],
        thread_id=row["thread_id"],
        task_id=row["task_id"],
        state=state,
        body=row["body"],
        accepted_at=row["accepted_at"],
        deadline=row["deadline"],
        changed_at=row["ended_at"] or row["handed_at"] or row["accepted_at"],
        attempt=row["attempt"] or 0,
        cancel_requested=row["cancel_requested_at"] is not None,
        reply_id=row["reply_id"],
        reply=row["reply"],
        error=row["error"],
        usage=row["usage"],
        interrupted=row["interrupted"],
    )


def _entry(row: Row) -> Entry:
    return Entry(**{field.name: row[field.name] for field in fields(Entry)})


def _traffic_line(row: Row) -> TrafficLine:
    told = {name: row[name] for name in ("receiver_id", "receiver_name", "report", "answer")}
    return TrafficLine(entry=_entry(row), **told)


def _chat(row: Row) -> Chat:
    last = None if row["id"] is None else _last_line(row)
    return Chat(workspace_id=row["workspace_id"], read_seq=row["read_seq"], unread=row["unread"], last=last)


def _thread(row: Row) -> Thread:
    return Thread(id=row["thread_id"], messages=row["messages"], begins=row["begins"], last=_last_line(row))


def _last_line(row: Row) -> LastLine:
    return LastLine(**{field.name: row[field.name] for field in fields(LastLine)})
