"""What a PostgreSQL must be like before anything is accepted."""

from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from postroom.db.checks import ServerState, check_server, disk_room, fetch_state, judge
from postroom.db.embedded import EmbeddedPostgres
from postroom.errors import SetupError

GOOD = ServerState(
    version=180004,
    fsync=True,
    full_page_writes=True,
    synchronous_commit="on",
    data_checksums=True,
    encoding="UTF8",
    in_recovery=False,
)


async def test_the_embedded_one_passes_and_what_it_says_is_true(data: Path, shared: Path) -> None:
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        connection = await asyncpg.connect(postgres.dsn)
        assert await check_server(connection) == []
        assert await fetch_state(connection) == GOOD
        await connection.execute("set synchronous_commit = off")
        with pytest.raises(SetupError, match="synchronous_commit"):
            await check_server(connection)
        await connection.close()


async def test_settings_of_the_operator_are_checked_too(data: Path, shared: Path) -> None:
    async with EmbeddedPostgres(data, shared=shared):
        pass
    (data / "pg/operator.conf").write_text("fsync = off\n")
    (data / "pg/operator.conf").chmod(0o644)
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        connection = await asyncpg.connect(postgres.dsn)
        with pytest.raises(SetupError, match="fsync is off"):
            await check_server(connection)
        await connection.close()


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (replace(GOOD, version=150014), "PostgreSQL 15 is too old"),
        (replace(GOOD, fsync=False), "fsync is off"),
        (replace(GOOD, full_page_writes=False), "full_page_writes is off"),
        (replace(GOOD, synchronous_commit="off"), "synchronous_commit is off"),
        (replace(GOOD, in_recovery=True), "replica"),
        (replace(GOOD, encoding="SQL_ASCII"), "SQL_ASCII"),
    ],
)
def test_what_breaks_the_promise_is_refused(state: ServerState, sentence: str) -> None:
    with pytest.raises(SetupError, match=sentence) as refusal:
        judge(state)
    assert refusal.value.advice


def test_what_is_less_than_good_is_said() -> None:
    assert judge(replace(GOOD, version=160000)) == []
    assert "checksums" in judge(replace(GOOD, data_checksums=False))[0]
    assert judge(replace(GOOD, synchronous_commit="remote_apply")) == []


def test_free_disk_is_in_bytes(tmp_path: Path) -> None:
    assert disk_room(tmp_path).total >= disk_room(tmp_path).free > 1024 * 1024
    with pytest.raises(OSError, match="No such file"):
        disk_room(tmp_path, tmp_path / "missing")
