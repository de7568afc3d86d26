"""Whether a PostgreSQL, embedded or not, can keep what Postroom promises. Asked at start, before anything is accepted."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg

from postroom.db.database import Database
from postroom.db.statements import load
from postroom.errors import SetupError

SQL = load("server")
OLDEST = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """What decides about durability. ``version`` is PostgreSQL's own number: 180004 is 18.4."""

    version: int
    fsync: bool
    full_page_writes: bool
    synchronous_commit: str
    data_checksums: bool
    encoding: str
    in_recovery: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """How large the database is, in bytes, and what time it is there."""

    now: datetime
    version: str
    size_bytes: int


async def measure_database(db: Database) -> Measures:
    """As it is now. Raises Unavailable."""
    return Measures(**dict((await db.fetch(SQL.measure_database))[0]))


async def check_server(connection: asyncpg.Connection) -> list[str]:
    """Sentences about what is less than good; raises SetupError for what would break the promise."""
    return judge(await fetch_state(connection))


async def fetch_state(connection: asyncpg.Connection) -> ServerState:
    """The settings in force for this connection."""
    row = await connection.fetchrow(SQL.show_server)
    if row is None:
        raise SetupError("The database does not tell its settings", advice="Connect to PostgreSQL itself, not to another server.")
    return ServerState(**dict(row))


def judge(state: ServerState) -> list[str]:
    """See ``check_server``."""
    _require(state.version >= OLDEST * 10_000, f"PostgreSQL {state.version // 10_000} is too old", f"Use PostgreSQL {OLDEST} or newer.")
    _require(not state.in_recovery, "The database is a replica or still recovers", "Connect to the primary server.")
    _require(state.fsync, "fsync is off: a power cut would lose messages", "Set fsync = on.")
    _require(state.full_page_writes, "full_page_writes is off: a power cut would damage data", "Set full_page_writes = on.")
    _require(
        state.synchronous_commit != "off",
        "synchronous_commit is off: acknowledged messages could be lost",
        "Set synchronous_commit = on for the role or the database.",
    )
    _require(state.encoding == "UTF8", f"The database stores {state.encoding}, not UTF8", "Create the database with ENCODING 'UTF8'.")
    return [] if state.data_checksums else ["Data checksums are off: damage on the disk would go unseen. See pg_checksums --enable."]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskRoom:
    """A file system, in bytes; ``free`` is what an unprivileged user may still write."""

    free: int
    total: int


def disk_room(*places: Path) -> DiskRoom:
    """The file system of these places on which least is free. Raises OSError."""
    return min((_room(place) for place in places), key=lambda room: room.free)


def _room(place: Path) -> DiskRoom:
    usage = shutil.disk_usage(place)
    return DiskRoom(free=usage.free, total=usage.total)


def _require(holds: bool, sentence: str, advice: str) -> None:
    if not holds:
        raise SetupError(sentence, advice=advice)
