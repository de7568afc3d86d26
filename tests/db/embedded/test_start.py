"""Start, stop and start again; what is in force; what a start that can not succeed says."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import psutil
import pytest

from postroom.db.embedded import EmbeddedPostgres
from postroom.db.embedded.configure import LOGS_KEPT, prune_logs
from postroom.errors import SetupError
from tests.db.embedded.conftest import Owner
from tests.db.embedded.processes import postgres_below

IN_FORCE = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "data_checksums": "on",
    "data_sync_retry": "off",
    "restart_after_crash": "on",
    "server_encoding": "UTF8",
    "password_encryption": "scram-sha-256",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "wal_compression": "pglz",
    "autovacuum_naptime": "5s",
    "jit": "off",
    "idle_in_transaction_session_timeout": "10s",
    "transaction_timeout": "15s",
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "client_connection_check_interval": "5s",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


async def test_settings_are_in_force(data: Path, shared: Path) -> None:
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        connection = await asyncpg.connect(postgres.dsn)
        found = {name: await connection.fetchval("select current_setting($1)", name) for name in IN_FORCE}
        version = connection.get_server_version()
        await connection.close()
    assert found == IN_FORCE
    assert version.major == 18


async def test_data_outlives_a_stop_and_both_are_quick(data: Path, shared: Path) -> None:
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        connection = await asyncpg.connect(postgres.dsn)
        await connection.execute("create table kept (n integer); insert into kept values (7)")
        stopping = time.monotonic()  # A session that is still open holds nothing up.
    assert time.monotonic() - stopping < 1.5
    connection.terminate()
    assert not postgres_below(data)
    starting = time.monotonic()
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        assert time.monotonic() - starting < 1.5
        assert not postgres.adopted
        connection = await asyncpg.connect(postgres.dsn)
        assert await connection.fetchval("select n from kept") == 7
        await connection.close()


async def test_the_role_owns_its_database_and_nothing_else(data: Path, shared: Path) -> None:
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        connection = await asyncpg.connect(postgres.dsn)
        role = await connection.fetchrow("select rolsuper, rolcreaterole, rolcreatedb, rolreplication from pg_roles where rolname = user")
        assert role is not None and not any(role.values())
        assert await connection.fetchval("select array_agg(datname) from pg_database where datdba = user::regrole") == ["postroom"]
        assert await connection.fetchval("select has_schema_privilege('public', 'create')")
        for statement in ("create role other", "alter system set fsync = off", "copy (select 1) to '/tmp/x'"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        await connection.close()


async def test_passwords_are_in_no_argument_and_no_log(data: Path, shared: Path) -> None:
    seen: set[str] = set()
    done = threading.Event()
    watcher = threading.Thread(target=_collect_arguments, args=(seen, done))
    watcher.start()
    async with EmbeddedPostgres(data, shared=shared):
        done.set()
        watcher.join()
    logs = "".join(log.read_text() for log in (data / "pg/log").iterdir())
    assert any("initdb" in words for words in seen), "the first start was not seen at all"
    for name in ("pg.password", "pg.superuser.password"):
        password = (data / name).read_text()
        assert len(password) >= 32
        assert (data / name).stat().st_mode & 0o777 == 0o600
        assert not any(password in words for words in seen)
        assert password not in logs


def _collect_arguments(seen: set[str], done: threading.Event) -> None:
    while not done.is_set():
        for process in psutil.process_iter(["cmdline"]):
            seen.add(" ".join(process.info["cmdline"] or []))


async def test_postgres_gets_nothing_of_our_environment(data: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_SECRET_KEY", "magpie" * 8)
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGUSER", "nobody")
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        assert "magpie" not in str(psutil.Process(postgres.pid).environ())


async def test_the_log_holds_no_statement_and_no_value(data: Path, shared: Path) -> None:
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        connection = await asyncpg.connect(postgres.dsn)
        await connection.execute("create table secret (word text primary key)")
        await connection.execute("insert into secret values ($1)", "magpie")
        for broken in ("insert into secret values ('magpie')", "select 'magpie'::integer", "select magpie"):
            with pytest.raises(asyncpg.PostgresError):
                await connection.execute(broken)
        # A process that crashes is reported with what it ran.
        psutil.Process(connection.get_server_pid()).kill()
        with pytest.raises((asyncpg.PostgresError, OSError)):
            await connection.execute("select 'magpie'")
        await connection.close()
    logs = "".join(log.read_text() for log in (data / "pg/log").iterdir())
    assert "was terminated by signal 9" in logs
    assert "magpie" not in logs


def test_only_the_newest_logs_are_kept(tmp_path: Path) -> None:
    for number in range(LOGS_KEPT + 3):
        (tmp_path / f"postgres-2026010{number}-000000.log").touch()
    prune_logs(tmp_path)
    assert sorted(log.name for log in tmp_path.iterdir()) == [f"postgres-2026010{number}-000000.log" for number in range(3, LOGS_KEPT + 3)]


async def test_a_second_server_is_refused_and_told_who_holds(data: Path, shared: Path, start_owner: Callable[..., Owner]) -> None:
    owner = start_owner()
    running = owner.said()
    with pytest.raises(SetupError) as refusal:
        async with EmbeddedPostgres(data, shared=shared):
            pass
    assert str(owner.process.pid) in refusal.value.sentence
    assert str(owner.process.pid) in refusal.value.advice
    connection = await asyncpg.connect(running["dsn"])
    await connection.close()


async def test_a_long_recovery_is_waited_for_and_announced(data: Path, shared: Path) -> None:
    async with EmbeddedPostgres(data, shared=shared):
        pass
    # Recovery that asks an archive, several times and in vain.
    (data / "pg/operator.conf").write_text("restore_command = 'sleep 0.4; false'\nhot_standby = off\n")
    (data / "pg/operator.conf").chmod(0o644)
    (data / "pg/recovery.signal").touch()
    heard: list[str] = []
    async with EmbeddedPostgres(data, shared=shared, announce=heard.append) as postgres:
        connection = await asyncpg.connect(postgres.dsn)
        await connection.close()
    assert "Waiting for PostgreSQL to start" in heard


async def test_a_start_that_fails_says_what_postgres_said(data: Path, shared: Path) -> None:
    async with EmbeddedPostgres(data, shared=shared):
        pass
    (data / "pg/operator.conf").write_text("no_such_setting = 1\n")
    (data / "pg/operator.conf").chmod(0o644)
    with pytest.raises(SetupError, match="no_such_setting") as refusal:
        async with EmbeddedPostgres(data, shared=shared):
            pass
    assert refusal.value.advice


async def test_a_failure_after_the_log_is_open_is_found_in_the_log(data: Path, shared: Path) -> None:
    async with EmbeddedPostgres(data, shared=shared):
        pass
    for segment in (data / "pg/pg_wal").glob("0*"):
        segment.write_bytes(b"")
    with pytest.raises(SetupError, match="checkpoint record") as refusal:
        async with EmbeddedPostgres(data, shared=shared):
            pass
    assert "restore a backup" in refusal.value.advice


async def test_another_version_is_refused(data: Path, shared: Path) -> None:
    async with EmbeddedPostgres(data, shared=shared):
        pass
    (data / "pg/PG_VERSION").write_text("17\n")
    with pytest.raises(SetupError, match="was made by PostgreSQL 17"):
        async with EmbeddedPostgres(data, shared=shared):
            pass


async def test_a_directory_of_others_is_not_closed(base: Path, data: Path, shared: Path) -> None:
    data.mkdir()
    data.chmod(0o755)
    (data / "letter.txt").touch()
    with pytest.raises(SetupError, match="holds other things"):
        async with EmbeddedPostgres(data, shared=shared):
            pass
    assert data.stat().st_mode & 0o777 == 0o755


async def test_lost_password_is_named(data: Path, shared: Path) -> None:
    async with EmbeddedPostgres(data, shared=shared):
        pass
    (data / "pg.password").unlink()
    with pytest.raises(SetupError, match=r"pg\.password is missing"):
        async with EmbeddedPostgres(data, shared=shared):
            pass
