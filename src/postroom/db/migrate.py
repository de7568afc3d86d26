"""Numbered SQL migrations, each in its own transaction, under one advisory lock.

A migration is never edited after a release: its digest is kept and compared. Expand first, contract a release later, so that the old
and the new server run side by side (R84). There is no way back but a backup; nothing here ever runs a rollback (lessons.md, L29).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg

from postroom.db.database import Connection
from postroom.db.statements import load
from postroom.errors import SetupError
from postroom.failpoints import reach

SQL = load("migrations")


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of ``sql/migrations``."""

    number: int
    name: str
    text: str

    @property
    def title(self) -> str:
        """Number and name, for people."""
        return f"{self.number:04} {self.name}"

    @property
    def digest(self) -> str:
        """SHA-256 of the text, hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def list_migrations() -> list[Migration]:
    """All migrations of this version, in order."""
    folder = files("postroom") / "sql" / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [Migration(int(name[:4]), name[5:-4], (folder / name).read_text(encoding="utf-8")) for name in names]


async def migrate(dsn: str, *, data: Path | None = None, announce: Callable[[str], None] = lambda _: None) -> list[str]:
    """Bring the database to this version; returns the names of what was run. ``data``: the directory of an embedded one.

    Raises SetupError when it is another version's: newer, or with a migration that was changed or left out.
    """
    connection: Connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute(SQL.lift_limits)
        await connection.execute(SQL.lock_migrations)
        reach("migrate.locked")
        await connection.execute(SQL.create_migration_table)
        reach("migrate.table_made")
        pending = await _read_pending(connection, dsn, data)
        ran = await _run_all(connection, pending, announce)
        reach("migrate.done")
        return ran
    finally:
        await connection.close()


async def pending_migrations(dsn: str, *, data: Path | None = None) -> list[str]:
    """Names of migrations that this version has and the database has not. Raises as ``migrate``, and changes nothing."""
    connection: Connection = await asyncpg.connect(dsn, timeout=10)
    try:
        bare = not await connection.fetchval(SQL.find_migration_table)
        pending = list_migrations() if bare else await _read_pending(connection, dsn, data)
    finally:
        await connection.close()
    return [migration.title for migration in pending]


async def _read_pending(connection: Connection, dsn: str, data: Path | None) -> list[Migration]:
    """What is to be run, in order. Raises SetupError when what was run there is not what this version would have run."""
    known = list_migrations()
    done = {row["number"]: row["digest"] for row in await connection.fetch(SQL.list_migrations)}
    misfit = _find_misfit(known, done)
    if misfit is not None:
        raise _refusal(misfit, dsn, data)
    return [migration for migration in known if migration.number not in done]


async def _run_all(connection: Connection, pending: list[Migration], announce: Callable[[str], None]) -> list[str]:
    for migration in pending:
        announce(f"Migrating the database: {migration.title}")
        await _run(connection, migration)
    return [migration.title for migration in pending]


async def _run(connection: Connection, migration: Migration) -> None:
    async with connection.transaction():
        reach("migrate.begun")
        await connection.execute(migration.text)
        reach("migrate.changed")
        await connection.execute(SQL.insert_migration, migration.number, migration.name, migration.digest)
        reach("migrate.noted")
    reach("migrate.committed")


def _find_misfit(known: list[Migration], done: dict[int, str]) -> str | None:
    """What of the migrations that were run does not fit to those of this version."""
    digests = {migration.number: migration.digest for migration in known}
    if unknown := done.keys() - digests:
        return f"it has migration {min(unknown):04}, which this one does not know"
    if changed := [number for number in sorted(done) if done[number] != digests[number]]:
        return f"its migration {changed[0]:04} is not the one of this version"
    if missing := [number for number in digests if number not in done and number < max(done, default=0)]:
        return f"migration {missing[0]:04} is missing, though later ones were run"
    return None


def _refusal(misfit: str, dsn: str, data: Path | None) -> SetupError:
    place = f"at {_without_password(dsn)}" if data is None else f"in {data}"
    anew = "" if data is None else ", or begin anew in another directory: --data DIR (or POSTROOM_DATA)"
    advice = f"Run the version that used it last, restore a backup{anew}."
    return SetupError(f"The database {place} is another version's: {misfit}", advice=advice)


def _without_password(dsn: str) -> str:
    """Host and name of an external database."""
    parts = urlsplit(dsn)
    host = parts.netloc.rpartition("@")[2] or ",".join(parse_qs(parts.query).get("host", []))
    return f"{host}/{parts.path.lstrip('/')}"
