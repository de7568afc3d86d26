"""Steps inside the server's transactions, to be stopped at. Nothing of this is in the product: triggers of the tests' own database.

A step that is armed waits for an advisory lock that the test holds, inside the transaction that it belongs to. Then the test kills what it
is to kill. Steps count how often they were reached in sequences, which no rollback takes back.
"""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

# The table, when, and for which rows; a step that ends in "committing" is the transaction's last before its commit.
STEPS = {
    "accept.message_inserted": ("message", "insert", "new.role = 'user' and new.reply_to is null"),
    "accept.work_inserted": ("work", "insert", "true"),
    "accept.number_taken": ("mailbox", "update", "new.last_seq > old.last_seq and new.open_count > old.open_count"),
    "accept.event_noted": ("event", "insert", "new.type = 'message.accepted'"),
    "accept.file_attached": ("attachment", "insert", "true"),
    "accept.committing": ("work", "insert", "true"),
    "upload.piece_inserted": ("file_chunk", "insert", "true"),
    "upload.completing": ("file", "update", "old.size is null and new.size is not null"),
    "hand.leased": ("work", "update", "new.leased and new.attempt > old.attempt"),
    "hand.event_noted": ("event", "insert", "new.type = 'message.handed'"),
    "hand.committing": ("work", "update", "new.leased and new.attempt > old.attempt"),
    "extend.committing": ("work", "update", "old.leased and new.leased and new.token = old.token and new.due_at > old.due_at"),
    "give_back.work_freed": ("work", "update", "old.leased and not new.leased"),
    "give_back.event_noted": ("event", "insert", "new.type in ('message.retrying', 'message.released')"),
    "cancel.asked_for": ("work", "update", "old.cancel_requested_at is null and new.cancel_requested_at is not null"),
    "cancel.event_noted": ("event", "insert", "new.type = 'message.cancel_requested'"),
    "end.work_removed": ("work", "delete", "true"),
    "end.mailbox_counted": ("mailbox", "update", "new.open_count < old.open_count"),
    "end.reply_inserted": ("message", "insert", "new.role = 'agent'"),
    "end.outcome_inserted": ("outcome", "insert", "true"),
    "end.event_noted": ("event", "insert", "new.type in ('message.replied', 'message.failed', 'message.cancelled', 'message.expired')"),
    "end.next_let_out": ("work", "update", "old.due_at = 'infinity' and new.due_at < 'infinity'"),
    "end.committing": ("outcome", "insert", "true"),
    "tell.message_inserted": ("message", "insert", "new.role = 'user' and new.reply_to is not null"),
    "tell.work_inserted": ("work", "insert", "crash.tells(new.message_id)"),
    "tell.event_noted": ("event", "insert", "new.type = 'message.accepted' and crash.tells(new.message_id)"),
    "tell.committing": ("message", "insert", "new.role = 'user' and new.reply_to is not null"),
}

_LOCK = 4711
_MACHINE = """
    create schema crash;
    create table crash.armed (step text primary key);
    grant usage on schema crash to postroom;
    create function crash.tells(id uuid) returns boolean language sql as $$
        select m.reply_to is not null from public.message m where m.id = $1
    $$;
    create function crash.stall() returns trigger language plpgsql security definer as $$ begin
        perform nextval(format('crash.%I', tg_argv[0]));
        if exists (select from crash.armed where step = tg_argv[0]) then
            perform pg_advisory_xact_lock(4711);
        end if;
        return null;
    end $$;"""
_WAITING = "select pid from pg_locks where locktype = 'advisory' and objid = 4711 and not granted"


def _trigger(step: str, table: str, event: str, rows: str) -> str:
    name = step.replace(".", "_")
    kind = "constraint trigger" if step.endswith(".committing") else "trigger"
    moment = "deferrable initially deferred for each row" if step.endswith(".committing") else "for each row"
    return f"""
        create sequence crash."{step}";
        create {kind} crash_{name} after {event} on public.{table} {moment} when ({rows}) execute function crash.stall('{step}');"""


@dataclass(frozen=True, slots=True)
class Steps:
    """The machine in one database; ``connection`` is the superuser's and holds the lock that stops them."""

    connection: Any

    async def install(self) -> None:
        """Once the tables are there; nothing happens where it stands already."""
        if await self.connection.fetchval("select to_regclass('crash.armed') is null"):
            await self.connection.execute(_MACHINE)
            # Each in a transaction of its own: one that holds several tables can deadlock with a server that is at work already.
            for step, where in STEPS.items():
                await self.connection.execute(_trigger(step, *where))

    async def arm(self, step: str) -> None:
        """Whoever comes by this step waits there from now on."""
        await self.connection.fetchval("select pg_advisory_lock($1)", _LOCK)
        await self.connection.execute("delete from crash.armed")
        await self.connection.execute("insert into crash.armed values ($1)", step)

    async def stopped_backend(self) -> int:
        """The process that waits at the armed step."""
        while (pid := await self.connection.fetchval(_WAITING)) is None:
            await asyncio.sleep(0.01)
        # Not by truncate, which would wait for the reader that waits for us, until PostgreSQL breaks one of the two off.
        await self.connection.execute("delete from crash.armed")
        return pid

    async def end_backend(self, pid: int) -> None:
        """Its transaction is rolled back; the others go on."""
        await self.connection.execute("select pg_terminate_backend($1, 5000)", pid)

    async def ended(self, pid: int) -> None:
        """What it was doing is done or undone."""
        while await self.connection.fetchval("select exists (select from pg_stat_activity where pid = $1)", pid):
            await asyncio.sleep(0.01)

    async def let_go(self) -> None:
        """What waits goes on."""
        await self.connection.execute("select pg_advisory_unlock_all()")

    async def reached(self) -> list[str]:
        """Steps that anybody came by, armed or not."""
        rows = await self.connection.fetch("select sequencename as step from pg_sequences where schemaname = 'crash' and last_value > 0")
        return [row["step"] for row in rows]


def kill_process(pid: int) -> None:
    """kill -9, as the out-of-memory killer does it."""
    os.kill(pid, signal.SIGKILL)


@asynccontextmanager
async def connected(superuser_dsn: str) -> AsyncGenerator[Steps]:
    connection: Any = await asyncpg.connect(superuser_dsn)
    try:
        yield Steps(connection)
    finally:
        await connection.close()
