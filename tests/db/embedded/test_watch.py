"""PostgreSQL dies while the server runs: watch() brings it back."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import psutil

from postroom.db.embedded import EmbeddedPostgres
from tests.db.embedded.processes import until


@asynccontextmanager
async def watched(postgres: EmbeddedPostgres) -> AsyncGenerator[None]:
    async with postgres, asyncio.TaskGroup() as group:
        watch = group.create_task(postgres.watch())
        yield
        watch.cancel()


async def connects(dsn: str) -> bool:
    try:
        connection = await asyncpg.connect(dsn)
    except (asyncpg.PostgresError, OSError):
        return False
    await connection.close()
    return True


async def until_it_connects(dsn: str) -> None:
    async with asyncio.timeout(10):
        while not await connects(dsn):
            await asyncio.sleep(0.01)


async def test_a_killed_postmaster_is_started_again_with_all_that_was_committed(data: Path, shared: Path) -> None:
    postgres = EmbeddedPostgres(data, shared=shared)
    async with watched(postgres):
        dsn = postgres.dsn
        idle = [await asyncpg.connect(dsn) for _ in range(5)]
        await idle[0].execute("create table kept (n integer)")
        for number in range(3):
            writer = await asyncpg.connect(dsn)
            await writer.execute("insert into kept values ($1)", number)
            killed = postgres.pid
            psutil.Process(killed).kill()
            died = time.monotonic()
            await until(lambda killed=killed: postgres.pid != killed)
            await until_it_connects(dsn)
            assert time.monotonic() - died < 5
            writer.terminate()
        reader = await asyncpg.connect(dsn)
        assert await reader.fetchval("select array_agg(n order by n) from kept") == [0, 1, 2]
        await reader.close()
        for connection in idle:
            connection.terminate()
    assert postgres.restarts == 3
    assert postgres.dsn == dsn


async def test_a_restart_that_fails_is_tried_until_it_succeeds(data: Path, shared: Path) -> None:
    heard: list[str] = []
    postgres = EmbeddedPostgres(data, shared=shared, announce=heard.append)
    async with watched(postgres):
        operators = data / "pg/operator.conf"
        operators.write_text("no_such_setting = 1\n")
        operators.chmod(0o644)
        psutil.Process(postgres.pid).kill()
        await until(lambda: sum("can not be started yet" in sentence for sentence in heard) >= 2)
        operators.unlink()
        await until_it_connects(postgres.dsn)
    assert any("no_such_setting" in sentence for sentence in heard)


async def test_watch_leaves_a_healthy_one_alone(data: Path, shared: Path) -> None:
    postgres = EmbeddedPostgres(data, shared=shared)
    async with watched(postgres):
        pid = postgres.pid
        # A backend that crashes is PostgreSQL's own affair: it starts itself again.
        connection = await asyncpg.connect(postgres.dsn)
        psutil.Process(connection.get_server_pid()).kill()
        connection.terminate()
        await until_it_connects(postgres.dsn)
        assert postgres.pid == pid
    assert postgres.restarts == 0
