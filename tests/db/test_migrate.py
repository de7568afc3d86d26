"""Migrations: run once by whoever comes first, never changed, never rolled back."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from postroom.db.migrate import list_migrations, migrate, pending_migrations
from postroom.errors import SetupError
from tests.db.schema import SCHEMA, dump_schema
from tests.support.database import cluster


def test_written_schema_is_the_sum_of_the_migrations(dsn: str) -> None:
    assert dump_schema(dsn) == SCHEMA.read_text(), "run `make schema` and look at the difference"


async def _forget_everything(dsn: str) -> None:
    connection: Any = await asyncpg.connect(dsn)
    await connection.execute("drop schema public cascade; create schema public")
    await connection.close()


async def _change(dsn: str, text: str) -> None:
    connection: Any = await asyncpg.connect(dsn)
    await connection.execute(text)
    await connection.close()


async def test_each_migration_runs_once_however_many_start_at_once(short_directory: Path) -> None:
    with cluster(short_directory / "migrate") as dsn:
        await _forget_everything(dsn)
        assert len(await pending_migrations(dsn)) == len(list_migrations())
        async with asyncio.TaskGroup() as group:
            runs = [group.create_task(migrate(dsn)) for _ in range(5)]
        assert sorted(len(run.result()) for run in runs) == [0, 0, 0, 0, len(list_migrations())]
        assert await pending_migrations(dsn) == []
        await _change(dsn, "update migration set digest = 'other' where number = 1")
        with pytest.raises(SetupError, match="0001"):
            await migrate(dsn)
        await _change(dsn, "delete from migration where number = 1; insert into migration values (9999, 'from_the_future', 'x')")
        with pytest.raises(SetupError, match="9999"):
            await migrate(dsn)
        await _change(dsn, "delete from migration where number = 9999")
        with pytest.raises(SetupError, match="migration 0001 is missing"):
            await migrate(dsn)


def test_no_migration_takes_anything_back() -> None:
    """L29: a runner that ran the rollback files on every boot. There are none to run."""
    for migration in list_migrations():
        assert "drop table" not in migration.text.lower()
        assert not migration.name.startswith(("drop", "revert", "undo"))
