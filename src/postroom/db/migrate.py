"""Numbered SQL migrations, each in its own transaction, under one advisory lock.

A migration is never edited after a release: its digest is kept and compared. Expand first, contract a release later, so that the old
and the new server run side by side (R84). There is no way back but a backup; nothing here ever runs a rollback (lessons.md, L29).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

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
    def digest(self) -> str:
        """SHA-256 of the text, hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def list_migrations() -> list[Migration]:
    """All migrations of this version, in order."""
    folder = files("postroom") / "sql" / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [Migration(int(name[:4]), name[5:-4], (folder / name).read_text(encoding="utf-8")) for name in names]


async def migrate(dsn: str, *, announce: Callable[[str], None] = lambda _: None) -> list[str]:
    """Bring the database to this version; returns the names of what was run.

    Raises SetupError when the database is newer than this version, or when a migration that ran was changed since.
    """
    connection: Connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute(SQL.lift_limits)
        await connection.execute(SQL.lock_migrations)
        reach("migrate.locked")
        await connection.execute(SQL.create_migration_table)
        reach("migrate.table_made")
        ran = await _run_pending(connection, announce)
        reach("migrate.done")
        return ran
    finally:
        await connection.close()


async def pending_migrations(dsn: str) -> list[str]:
    """Names of migrations that this version has and the database has not."""
    connection: Connection = await asyncpg.connect(dsn, timeout=10)
    try:
        done = await _read_done(connection) if await connection.fetchval(SQL.find_migration_table) else {}
    finally:
        await connection.close()
    return [f"{item.number:04} {item.name}" for item in list_migrations() if item.number not in done]


async def _read_done(connection: Connection) -> dict[int, str]:
    return {row["number"]: row["digest"] for row in await connection.fetch(SQL.list_migrations)}


async def _run_pending(connection: Connection, announce: Callable[[str], None]) -> list[str]:
    known = list_migrations()
    done = await _read_done(connection)
    _check(known, done)
    ran: list[str] = []
    for migration in known:
        if migration.number not in done:
            announce(f"Migrating the database: {migration.number:04} {migration.name}")
            await _run(connection, migration)
            ran.append(f"{migration.number:04} {migration.name}")
    return ran


async def _run(connection: Connection, migration: Migration) -> None:
    async with connection.transaction():
        reach("migrate.begun")
        await connection.execute(migration.text)
        reach("migrate.changed")
        await connection.execute(SQL.insert_migration, migration.number, migration.name, migration.digest)
        reach("migrate.noted")
    reach("migrate.committed")


def _check(known: list[Migration], done: dict[int, str]) -> None:
    digests = {migration.number: migration.digest for migration in known}
    for number, digest in done.items():
        if number not in digests:
            raise SetupError(
                f"The database has migration {number:04}, which this version does not know.",
                advice="It was used by a newer Postroom: run that version or a later one.",
            )
        if digests[number] != digest:
            raise SetupError(
                f"Migration {number:04} is not the one that this database was made with.",
                advice="Run the version that made it, or restore a backup.",
            )
