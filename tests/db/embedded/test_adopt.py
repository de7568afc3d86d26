"""A server that was killed leaves PostgreSQL alive; a machine that was stopped leaves a pid file that means nothing."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from postroom.db.embedded import EmbeddedPostgres
from postroom.db.embedded.postmaster import find_postmaster
from tests.db.embedded.conftest import Owner
from tests.db.embedded.processes import postgres_below, until


async def write_row(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("create table kept (n integer); insert into kept values (7)")
    await connection.close()


async def read_row(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    number = await connection.fetchval("select n from kept")
    await connection.close()
    return number


async def test_what_a_killed_server_left_is_adopted(data: Path, shared: Path, start_owner: Callable[..., Owner]) -> None:
    owner = start_owner()
    running = owner.said()
    await write_row(running["dsn"])
    owner.kill()
    assert psutil.pid_exists(running["pid"])
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        assert postgres.adopted
        assert postgres.pid == running["pid"]
        assert await read_row(postgres.dsn) == 7
    assert not postgres_below(data)


async def test_all_killed_at_once_is_recovered(data: Path, shared: Path, start_owner: Callable[..., Owner]) -> None:
    owner = start_owner()
    running = owner.said()
    await write_row(running["dsn"])
    owner.kill(children=True)
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        assert not postgres.adopted
        assert await read_row(postgres.dsn) == 7


async def test_server_and_postmaster_killed_with_a_session_still_busy(data: Path, shared: Path, start_owner: Callable[..., Owner]) -> None:
    owner = start_owner()
    running = owner.said()
    await write_row(running["dsn"])
    busy = await asyncpg.connect(running["dsn"])
    backend = psutil.Process(busy.get_server_pid())
    backend.suspend()  # It can not notice that its postmaster is gone, and keeps the shared memory.
    owner.kill()
    psutil.Process(running["pid"]).kill()
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        assert not postgres.adopted
        assert await read_row(postgres.dsn) == 7
    busy.terminate()


async def test_a_stopped_postmaster_is_waited_for(data: Path, shared: Path, start_owner: Callable[..., Owner]) -> None:
    owner = start_owner()
    running = owner.said()
    owner.kill()
    psutil.Process(running["pid"]).suspend()

    def let_it_go_on(_sentence: str) -> None:
        psutil.Process(running["pid"]).resume()

    async with EmbeddedPostgres(data, shared=shared, announce=let_it_go_on) as postgres:
        assert postgres.pid == running["pid"]


async def test_one_that_is_stopping_is_replaced(data: Path, shared: Path, start_owner: Callable[..., Owner]) -> None:
    owner = start_owner()
    running = owner.said()
    owner.kill()
    keeps_it_from_ending = await asyncpg.connect(running["dsn"])
    os.kill(running["pid"], signal.SIGTERM)  # A smart stop waits for sessions to end.
    await until(lambda: "stopping" in (data / "pg/postmaster.pid").read_text())

    def end_session(_sentence: str) -> None:
        keeps_it_from_ending.terminate()

    async with EmbeddedPostgres(data, shared=shared, announce=end_session) as postgres:
        assert postgres.pid != running["pid"]
        assert not postgres.adopted


async def test_one_whose_door_was_swept_away_is_restarted(data: Path, shared: Path, start_owner: Callable[..., Owner]) -> None:
    owner = start_owner()
    running = owner.said()
    await write_row(running["dsn"])
    owner.kill()
    shutil.rmtree(data / "socket")
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        assert postgres.pid != running["pid"]
        assert await read_row(postgres.dsn) == 7


@asynccontextmanager
async def other_program(*arguments: str) -> AsyncGenerator[int]:
    """A process that has nothing to do with PostgreSQL. Its arguments stay those of the command line until its input ends."""
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()", *arguments], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.communicate()
    assert process.returncode == 0, "somebody else's program was stopped"


async def stop_and_forge(data: Path, shared: Path, pid_file: str) -> None:
    """Leave a data directory as a power cut would, with this pid file."""
    async with EmbeddedPostgres(data, shared=shared):
        lines = (data / "pg/postmaster.pid").read_text().splitlines()
    (data / "pg/postmaster.pid").write_text("\n".join([pid_file, *lines[1:]]) if pid_file else "")
    (data / "socket/.s.PGSQL.5432.lock").write_text("\n".join([pid_file or "1", *lines[1:]]))


@pytest.mark.parametrize("arguments", [[], ["-D"]], ids=["other", "same_arguments"])
async def test_pid_of_another_program_is_not_believed(data: Path, shared: Path, arguments: list[str]) -> None:
    async with other_program(*arguments, *(str(data / "pg") for _ in arguments)) as pid:
        await stop_and_forge(data, shared, str(pid))
        async with EmbeddedPostgres(data, shared=shared) as postgres:
            assert not postgres.adopted


async def test_pid_of_another_postgres_is_not_believed(base: Path, data: Path, shared: Path) -> None:
    async with EmbeddedPostgres(base / "other", shared=shared) as other:
        await stop_and_forge(data, shared, str(other.pid))
        async with EmbeddedPostgres(data, shared=shared) as postgres:
            assert postgres.pid != other.pid
        connection = await asyncpg.connect(other.dsn)
        await connection.close()


@pytest.mark.parametrize("pid", ["", "4194303", "nonsense"])
async def test_pid_of_nobody_is_not_believed(data: Path, shared: Path, pid: str) -> None:
    await stop_and_forge(data, shared, pid)
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        assert not postgres.adopted


async def test_a_dead_one_that_nobody_waited_for_is_not_believed(data: Path, shared: Path) -> None:
    """In a container whose first process does not reap, the pid of a killed PostgreSQL stays in use for ever."""
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        process = psutil.Process(postgres.pid)
        process.kill()
        await until(lambda: process.status() == psutil.STATUS_ZOMBIE)
        assert find_postmaster(data / "pg") is None
        assert not (data / "pg/postmaster.pid").exists()


async def test_ctrl_c_at_the_server_does_not_reach_postgres(data: Path, shared: Path) -> None:
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        assert os.getsid(postgres.pid) == postgres.pid != os.getsid(0)
        descriptors = subprocess.run(["ls", "-l", f"/proc/{postgres.pid}/fd"], capture_output=True, text=True, check=False).stdout
        assert "postgres.lock" not in descriptors
