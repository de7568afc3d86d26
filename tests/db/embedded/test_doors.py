"""Who gets in: over the socket, with the password, and nobody else."""

import asyncio
import os
import socket
import stat
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psutil
import pytest

from postroom.db.embedded import EmbeddedPostgres

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
STRANGER = 12_345


def door(dsn: str) -> Path:
    return Path(parse_qs(urlsplit(dsn).query)["host"][0])


async def test_directories_are_private(data: Path, shared: Path) -> None:
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        sockets = door(postgres.dsn)
        mode = stat.S_IMODE(data.stat().st_mode)
        assert mode == (0o710 if os.geteuid() == 0 else 0o700)
        assert stat.S_IMODE((data / "pg").stat().st_mode) == 0o700
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert stat.S_IMODE((sockets / ".s.PGSQL.5432").stat().st_mode) == 0o700


async def test_an_existing_data_directory_is_made_private(data: Path, shared: Path) -> None:
    data.mkdir()
    data.chmod(0o777)
    async with EmbeddedPostgres(data, shared=shared):
        assert stat.S_IMODE(data.stat().st_mode) in (0o700, 0o710)


@pytest.mark.parametrize("user", ["postroom", "postgres"])
async def test_a_wrong_password_is_refused(data: Path, shared: Path, user: str) -> None:
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        for password in ("wrong", None):
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(
                    host=str(door(postgres.dsn)), user=user, password=password, database="postroom", passfile=str(data / "none")
                )


async def test_the_superusers_password_works_and_is_another(data: Path, shared: Path) -> None:
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        password = (data / "pg.superuser.password").read_text()
        assert password not in postgres.dsn
        connection = await asyncpg.connect(host=str(door(postgres.dsn)), user="postgres", password=password, database="postgres")
        assert await connection.fetchval("select array_agg(distinct auth_method) from pg_hba_file_rules") == ["scram-sha-256"]
        await connection.close()


async def test_the_role_reaches_only_its_database(data: Path, shared: Path) -> None:
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        for database in ("postgres", "template1"):
            with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
                await asyncpg.connect(postgres.dsn, database=database)


async def test_nothing_listens_on_the_network(data: Path, shared: Path) -> None:
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        family = {postgres.pid, *(child.pid for child in psutil.Process(postgres.pid).children(recursive=True))}
        assert [found for found in psutil.net_connections("inet") if found.pid in family] == []


@as_root
async def test_another_user_can_not_connect(data: Path, shared: Path) -> None:
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        path = str(door(postgres.dsn) / ".s.PGSQL.5432")
        assert await asyncio.to_thread(_connect_as, os.geteuid(), path) == 0
        assert await asyncio.to_thread(_connect_as, STRANGER, path) == 13  # EACCES


def _connect_as(uid: int, path: str) -> int:
    """The errno of a connect in a process of that user."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            socket.socket(socket.AF_UNIX).connect(path)
            os._exit(0)
        except OSError as error:
            os._exit(error.errno or 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("name", ["x" * 120, "x" * 71, "with space, comma", 'quote\'d "twice"', "Grüße", "100%20"])
async def test_any_path_of_the_data_directory_works(base: Path, shared: Path, name: str) -> None:
    data = base / name
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        sockets = door(postgres.dsn)
        assert len(bytes(sockets)) < 100
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert not sockets.is_relative_to(data)
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        assert door(postgres.dsn) == sockets, "the short directory was not remembered"
    sockets.rmdir()


async def test_a_short_directory_that_was_opened_to_others_is_given_up(base: Path, shared: Path) -> None:
    data = base / ("x" * 120)
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        opened = door(postgres.dsn)
    opened.chmod(0o777)
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        assert door(postgres.dsn) != opened
        assert stat.S_IMODE(door(postgres.dsn).stat().st_mode) == 0o700
    door(postgres.dsn).rmdir()
    opened.rmdir()
