"""T5: the disk answers PostgreSQL with an error. It panics and recovers, the server says 503 meanwhile, and nothing is lost."""

import asyncio
import time
from pathlib import Path

import asyncpg
import pytest

from tests.conftest import NewServer
from tests.crash.checker import judge
from tests.crash.form import LONG, report
from tests.crash.load import House, at_rest, called_mailbox, fetched_mailbox, until
from tests.faults.machine import no_strace, skip_unless
from tests.faults.strace import Injection, backends, injecting
from tests.support.server import ServerProcess

LIMIT_SECONDS = 40.0
SENDERS = 6
# Whom it hits, and what: a commit that is not flushed or not written, hints that are not, a file that is not at a checkpoint.
SHORT = [
    ("postroom postroom", Injection("fdatasync", "error=EIO", 1)),
    ("postroom postroom", Injection("pwrite64", "error=ENOSPC", 2)),
    ("checkpointer", Injection("fsync", "error=EIO", 1)),
]
FAULTS = SHORT + [
    (whom, Injection(calls, f"error={error}", when))
    for whom, calls in (("postroom postroom", "fdatasync"), ("postroom postroom", "pwrite64"), ("walwriter", "fdatasync"))
    for error in ("EIO", "ENOSPC")
    for when in (1, 3, 7)
]

pytestmark = [skip_unless(no_strace), pytest.mark.timeout(1800 if LONG else 180)]


async def test_an_error_of_the_disk_loses_nothing_and_is_told_as_unknown(new_server: NewServer) -> None:
    server = await asyncio.to_thread(new_server().start)
    house = House([server.url], server.operator_token)
    async with called_mailbox(house, "called") as called, fetched_mailbox(house, "fetching") as fetched:
        async with asyncio.TaskGroup() as senders:
            for _ in range(SENDERS):
                senders.create_task(house.keep_sending([called, fetched], pause=0.03))
            for whom, injection in FAULTS if LONG else SHORT:
                await _bear(server, house, whom, injection)
            house.stopped = True
        await at_rest(server.dsn(), [called.id, fetched.id])
    verdict = await judge(house.journal, server.dsn(), [called.id, fetched.id])
    report("errors of the disk", panics=panics(server), told=dict(house.journal.retried), **verdict.counts, faults=verdict.faults)
    assert verdict.faults == {} and house.journal.refused == []
    assert house.journal.retried.keys() <= {"503"}, "the server itself was there all the time"


async def _bear(server: ServerProcess, house: House, whom: str, injection: Injection) -> None:
    """Let it happen once post moves, and wait for the panic and until post moves again."""
    await _moves(house)
    before, began = panics(server), time.monotonic()
    with injecting(await _find(server, whom), injection):
        if whom == "checkpointer":
            await _checkpoint(server)
        await until(lambda: panics(server) > before, LIMIT_SECONDS, f"PostgreSQL panics: {whom} {injection}")
    await _moves(house)
    print(f"{whom}, {injection.does} at {injection.calls} {injection.when}: post moved {time.monotonic() - began:.2f} s after strace began")


async def _moves(house: House) -> None:
    acks, seen = len(house.journal.acks), len(house.journal.seen)
    await until(lambda: len(house.journal.acks) > acks + 10 and len(house.journal.seen) > seen + 10, LIMIT_SECONDS, "post moves")


async def _checkpoint(server: ServerProcess) -> None:
    """Ask for one, which fails: its files can not be made durable."""
    connection = await asyncpg.connect(server.dsn("postgres"))
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await connection.execute("checkpoint")
    connection.terminate()


async def _find(server: ServerProcess, whom: str) -> list[int]:
    """Its processes with this in their title, as soon as there are some."""
    await until(lambda: bool(backends(server.database_pid, whom)), LIMIT_SECONDS, f"there is a {whom}")
    return backends(server.database_pid, whom)


def panics(server: ServerProcess) -> int:
    """How often PostgreSQL said that it panics; five of its logs are kept, one start of it makes one."""
    logs: list[Path] = list((server.data / "pg" / "log").glob("postgres-*.log"))
    return sum(log.read_text(errors="replace").count("PANIC:") for log in logs)
