"""Statements of the slice "deliveries", typed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from postroom.core.deliveries.model import (
    CallTarget,
    Claim,
    Claimed,
    Delivery,
    Extension,
    Finish,
    Hold,
    Json,
    Lease,
    Return,
    Sender,
    ServerState,
    Session,
    Waiting,
    Written,
)
from postroom.db.database import Connection, Database, Row
from postroom.db.statements import load

SQL = load("deliveries")


async def insert_mailbox(connection: Connection, workspace: UUID, max_concurrent: int, *, called: bool) -> None:
    """The mailbox of a new workspace."""
    await connection.execute(SQL.insert_mailbox, workspace, max_concurrent, called)


async def configure_mailbox(connection: Connection, workspace: UUID, max_concurrent: int, *, called: bool) -> None:
    """How much is out at a time and how it is brought; the breaker closes, and what fits now goes out."""
    # The lock in a statement of its own: the next one sees what was accepted while this one waited.
    await lock_mailboxes(connection, [workspace])
    await connection.execute(SQL.configure_mailbox, workspace, max_concurrent, called)
    await connection.execute(SQL.promote_work, workspace)


async def lock_mailboxes(connection: Connection, workspaces: Sequence[UUID]) -> None:
    """In id order, before anything else of them is touched."""
    await connection.execute(SQL.lock_mailboxes, workspaces)


async def pause_mailbox(connection: Connection, workspace: UUID, *, paused: bool) -> None:
    """A paused mailbox accepts and does not hand out."""
    await connection.execute(SQL.pause_mailbox, workspace, paused)


async def fail_mailbox(connection: Connection, workspace: UUID, most: int) -> int:
    """End what is unfinished in a removed mailbox; returns how many."""
    return len(await connection.fetch(SQL.fail_mailbox, workspace, most))


async def claim_calls(db: Database, server: UUID, most: int, lease: float, attempt_limit: int) -> list[Lease]:
    """Leases for calls that this server will make."""
    rows = await db.write(SQL.claim_calls, server, most, lease, attempt_limit, pool="workers")
    return [_lease(row) for row in rows]


async def claim_post(db: Database, claims: Sequence[Claim], attempt_limit: int) -> list[Claimed]:
    """What each claim brought, in the order of the claims."""
    columns = list(zip(*((c.workspace_id, c.credential_id, c.most, c.lease) for c in claims), strict=True))
    found = [Claimed() for _ in claims]
    for row in await db.write(SQL.claim_post, *columns, attempt_limit, pool="lanes"):
        item: int = row["item"]
        claimed = found[item - 1]
        if row["verdict"] == "leased":
            claimed.deliveries.append(_delivery(row, _lease(row)))
            claimed.lost += row["lost"]
        else:
            claimed.refused = row["verdict"]
    return found


async def read_calls(db: Database, leases: Sequence[Lease]) -> list[tuple[Delivery, CallTarget]]:
    """What was leased, in mailbox order, and where to bring it."""
    by_id = {lease.message_id: lease for lease in leases}
    calls: list[tuple[Delivery, CallTarget]] = []
    for row in await db.fetch(SQL.read_calls, list(by_id), pool="workers"):
        lease = by_id[row["message_id"]]
        target = CallTarget(workspace_id=row["workspace_id"], url=row["url"] or "", agent_card=row["agent_card"])
        calls.append((_delivery(row, lease), target))
    return calls


async def extend_work(db: Database, holds: Sequence[Hold], lease: float) -> list[Extension]:
    """Those that are still held; who is missing has lost it."""
    columns = ([h.message_id for h in holds], [h.token for h in holds], [lease] * len(holds), [h.workspace_id for h in holds])
    rows = await db.write(SQL.extend_work, *columns, [h.credential_id for h in holds], pool="reserved")
    return [Extension(message_id=row["message_id"], lease_until=row["lease_until"], cancel=row["cancel"]) for row in rows]


async def finish_work(db: Database, items: Sequence[Finish]) -> list[Written]:
    """One transaction for all of them, no two of one message; verdicts as in migration 0005, in the order of the items."""
    replies = [item.reply for item in items]
    rows = await db.write(
        SQL.finish_work,
        *_holds([item.hold for item in items]),
        [item.state.value for item in items],
        [item.reply_id for item in items],
        [reply.message if reply else None for reply in replies],
        [reply.interrupted if reply else None for reply in replies],
        [reply.upstream if reply else None for reply in replies],
        [item.error for item in items],
        [reply.usage if reply else None for reply in replies],
        [item.fingerprint for item in items],
        [item.preview for item in items],
        pool="lanes",
    )
    found = {row["message_id"]: _written(row) for row in rows}
    return [found[item.hold.message_id] for item in items]


async def return_work(db: Database, items: Sequence[Return], attempt_limit: int, backoff: float, backoff_limit: float) -> list[Written]:
    """One transaction for all of them; verdicts as in migration 0005."""
    rows = await db.write(
        SQL.return_work,
        *_holds([item.hold for item in items]),
        [item.kind.value for item in items],
        [item.error for item in items],
        attempt_limit,
        backoff,
        backoff_limit,
        pool="reserved",
    )
    return [_written(row) for row in rows]


async def cancel_work(db: Database, message: UUID, actor_kind: str, actor: UUID) -> Written:
    """Verdicts: cancelled, requested, ended, not_found."""
    return _written((await db.write(SQL.cancel_work, message, actor_kind, actor, pool="reserved"))[0])


async def reap_work(db: Database, attempt_limit: int, most: int) -> list[Written]:
    """What time ended; the verdict is its state."""
    return [_written(row) for row in await db.write(SQL.reap_work, attempt_limit, most, pool="workers")]


async def list_abandoned(db: Database) -> list[UUID]:
    """Removed workspaces that a crash left with unfinished post."""
    return [row["workspace_id"] for row in await db.fetch(SQL.list_abandoned, pool="workers")]


async def list_cancels(db: Database, workspace: UUID) -> list[UUID]:
    """Messages that the agent holds and nobody wants any more."""
    return [row["message_id"] for row in await db.fetch(SQL.list_cancels, workspace, pool="reserved")]


async def find_holding(connection: Connection, hold: Hold) -> Row | None:
    """``held``, ``cancel``, ``thread_id``, ``peer_id``; None when the message is not at work in this mailbox."""
    return await connection.fetchrow(SQL.find_holding, hold.message_id, hold.token, hold.workspace_id, hold.credential_id)


async def keep_work(db: Database, delivery: Delivery, session: UUID, lease: float) -> None:
    """The lease is the session's, if it is there still, and as long as that."""
    await db.write(SQL.keep_work, delivery.message_id, delivery.workspace_id, delivery.token, session, lease, pool="reserved")


async def extend_kept(db: Database, sessions: Sequence[Session], lease: float) -> list[UUID]:
    """Which messages the sessions hold."""
    columns = ([s.workspace_id for s in sessions], [s.id for s in sessions], [s.credential_id for s in sessions], [lease] * len(sessions))
    return [row["message_id"] for row in await db.write(SQL.extend_kept, *columns, pool="reserved")]


async def find_kept(db: Database, session: Session, message: UUID) -> int | None:
    """The token under which the session holds a message."""
    row = await db.first(SQL.find_kept, message, session.workspace_id, session.id)
    return None if row is None else row["token"]


async def list_post(db: Database, workspace: UUID, most: int, session: UUID | None, *, held: bool) -> list[Waiting]:
    """Unfinished post in its order."""
    return [_waiting(row) for row in await db.fetch(SQL.list_post, workspace, most, session, held)]


async def count_work(db: Database) -> Row:
    """``waiting``, ``due``, ``leased``."""
    return (await db.fetch(SQL.count_work, pool="workers"))[0]


async def age_work(db: Database) -> list[Row]:
    """``age`` in seconds and ``leased``."""
    return await db.fetch(SQL.age_work, pool="workers")


async def list_queues(db: Database, most: int) -> list[Row]:
    """What a ``Queue`` has, and ``oldest_of_all`` in seconds; the longest first."""
    return await db.fetch(SQL.list_queues, most)


async def list_servers(db: Database) -> list[ServerState]:
    """Servers that are running, or were a moment ago; the oldest first."""
    rows = await db.fetch(SQL.list_servers)
    return [ServerState(id=row["id"], started_at=row["started_at"], seen_at=row["seen_at"]) for row in rows]


async def repair_work(db: Database) -> int:
    """How many messages waited although there was room."""
    return sum(row["repaired"] for row in await db.write(SQL.repair_work, pool="workers"))


async def insert_server(connection: Connection, server: UUID) -> int:
    """Announce a server; returns the key of its lock."""
    return await connection.fetchval(SQL.insert_server, server)


async def hold_server(connection: Connection, lock_key: int) -> bool:
    """Hold the server's lock on this connection."""
    return await connection.fetchval(SQL.hold_server, lock_key)


async def end_holder(connection: Connection, lock_key: int) -> None:
    """End the connection that holds the lock of a server."""
    await connection.execute(SQL.end_holder, lock_key)


async def beat_server(connection: Connection, server: UUID) -> bool:
    """False when the others have taken this server for dead."""
    return await connection.fetchval(SQL.beat_server, server) is not None


async def suspect_servers(db: Database, server: UUID) -> None:
    """Mark servers whose lock is free."""
    await db.write(SQL.suspect_servers, server, pool="workers")


async def free_dead_leases(db: Database, server: UUID) -> int:
    """How many leases of dead servers became due."""
    return len(await db.write(SQL.free_dead_leases, server, pool="workers"))


async def free_own_leases(db: Database, server: UUID, known: Sequence[UUID], strange: Mapping[UUID, int]) -> tuple[dict[UUID, int], int]:
    """Leases (message and token) of a server that are not among ``known``; how many became due, being in ``strange`` too."""
    rows = await db.write(SQL.free_own_leases, server, known, list(strange), list(strange.values()), pool="workers")
    return {row["message_id"]: row["token"] for row in rows}, sum(row["freed"] for row in rows)


async def remove_server(db: Database, server: UUID) -> None:
    """A server that stops says so."""
    await db.write(SQL.remove_server, server, pool="reserved")


def _holds(holds: Sequence[Hold]) -> tuple[list[UUID], list[UUID], list[UUID | None], list[int]]:
    return (
        [hold.message_id for hold in holds],
        [hold.workspace_id for hold in holds],
        [hold.credential_id for hold in holds],
        [hold.token for hold in holds],
    )


def _lease(row: Row) -> Lease:
    known = ("message_id", "token", "attempt", "lease_until", "lost")
    return Lease(**{name: row[name] for name in known})


def _written(row: Row) -> Written:
    return Written(
        verdict=row["verdict"],
        workspace_id=row["workspace_id"],
        message_id=row["message_id"],
        promoted=row["promoted"],
        called=row["called"],
        attempts=row.get("attempts") or 0,
        ended_at=row.get("ended_at"),
        reader=row["reader"],
        reader_called=bool(row["reader_called"]),
    )


def _waiting(row: Row) -> Waiting:
    lease = Lease(message_id=row["message_id"], token=row["token"], attempt=row["attempt"], lease_until=row["lease_until"])
    delivery = replace(_delivery(row, lease), cancel=row["cancel"])
    return Waiting(delivery=delivery, accepted_at=row["accepted_at"], handed=row["leased"], held=row["held"])


def _delivery(row: Row, lease: Lease) -> Delivery:
    return Delivery(
        message_id=row["message_id"],
        workspace_id=row["workspace_id"],
        token=lease.token,
        attempt=lease.attempt,
        lease_until=lease.lease_until,
        deadline=row["deadline"],
        sender=Sender(kind=row["sender_kind"], id=row["sender_id"], name=row["sender_name"], role=row["sender_role"]),
        thread_id=row["thread_id"],
        task_id=row["task_id"],
        idempotency_key=row["idempotency_key"],
        message=addressed(row["body"], row["thread_id"], row["upstream"]),
        traceparent=row["traceparent"],
        chain=row["chain"],
        report=row["report"],
    )


def addressed(body: Json, thread: str, upstream: Json | None) -> Json:
    """The message as the agent gets it: its thread is the agent's context, and a follow-up names the agent's own task."""
    message: Json = {**body, "contextId": thread}
    message.pop("taskId", None)
    for name in ("taskId", "contextId"):
        if upstream and upstream.get(name):
            message[name] = upstream[name]
    return message
