"""A server started by root, as in many containers; and what a normal user gets, seen from a test that runs as root."""

import os
import pwd
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import asyncpg
import psutil
import pytest

from postroom.db.embedded import EmbeddedPostgres
from postroom.db.embedded.binaries import LIBRARIES, PACKAGE, find_binaries
from postroom.errors import SetupError
from tests.db.embedded.conftest import SOURCES, Owner
from tests.db.embedded.processes import postgres_below, spin_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
NOBODY = pwd.getpwnam("nobody").pw_uid


@pytest.fixture
def closed(base: Path) -> Path:
    """A directory that only root may enter, like /root or the directory that mktemp makes."""
    directory = base / "closed"
    directory.mkdir(mode=0o700)
    return directory


async def test_postgres_runs_as_another_user_and_says_so(data: Path, shared: Path) -> None:
    heard: list[str] = []
    async with EmbeddedPostgres(data, shared=shared, announce=heard.append) as postgres:
        user = psutil.Process(postgres.pid).username()
        assert user != "root"
        assert os.getgrouplist(user, 0) is not None
        assert psutil.Process(postgres.pid).uids().saved != 0
    assert any(f"runs as user {user}" in sentence for sentence in heard)
    assert stat.S_IMODE(data.stat().st_mode) == 0o710
    assert not (data / "pg").is_symlink()


async def test_below_a_closed_directory_nothing_is_opened(closed: Path, shared: Path) -> None:
    data = closed / "data"
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        connection = await asyncpg.connect(postgres.dsn)
        await connection.execute("create table kept (n integer)")
        await connection.close()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    home = (data / "pg").resolve().parent
    assert home.parent == shared / "clusters"
    assert stat.S_IMODE(home.stat().st_mode) & 0o007 == 0
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        connection = await asyncpg.connect(postgres.dsn)
        assert await connection.fetchval("select count(*) from kept") == 0
        await connection.close()
    assert len(list((shared / "clusters").iterdir())) == 1


async def test_a_killed_first_start_leaves_no_second_home(closed: Path, shared: Path, start_owner: Callable[..., Owner]) -> None:
    owner = start_owner(at=closed / "data")
    spin_until(lambda: any((shared / "clusters").glob("*/pg.new.*/PG_VERSION")))
    owner.kill(children=True)
    async with EmbeddedPostgres(closed / "data", shared=shared):
        assert len(list((shared / "clusters").iterdir())) == 1


async def test_a_new_directory_at_an_old_place_begins_anew(closed: Path, shared: Path) -> None:
    data = closed / "data"
    async with EmbeddedPostgres(data, shared=shared):
        pass
    old = (data / "pg").resolve()
    shutil.rmtree(data)
    async with EmbeddedPostgres(data, shared=shared):
        assert (data / "pg").resolve() != old
    assert old.exists(), "a cluster was deleted that nobody asked to delete"


async def test_a_lost_cluster_is_not_replaced_by_an_empty_one(closed: Path, shared: Path) -> None:
    data = closed / "data"
    async with EmbeddedPostgres(data, shared=shared):
        pass
    shutil.rmtree(shared / "clusters")
    with pytest.raises(SetupError, match="is gone"):
        async with EmbeddedPostgres(data, shared=shared):
            pass


async def test_programs_below_a_closed_directory_are_copied(
    closed: Path, data: Path, shared: Path, start_owner: Callable[..., Owner]
) -> None:
    found = find_binaries()
    site = closed / "site-packages"
    for name in (PACKAGE, LIBRARIES):
        shutil.copytree(found.site / name, site / name, symlinks=True)
    for path in site.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)  # As an installation under a narrow umask leaves it.
    (site / "postroom").symlink_to(SOURCES / "postroom")
    unfinished = shared / "postgresql-18-000000000000.new.0123abcd"
    unfinished.mkdir(parents=True)
    owner = start_owner(path=site)
    running = owner.said()
    program = Path(psutil.Process(running["pid"]).exe())
    assert program.is_relative_to(shared)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert not unfinished.exists()
    copy = next(shared.glob("postgresql-18-*"))
    assert all(path.lstat().st_uid == 0 and (path.is_symlink() or not path.stat().st_mode & 0o022) for path in (copy, *copy.rglob("*")))
    owner.end()


async def test_a_cluster_keeps_its_owner(data: Path, shared: Path) -> None:
    async with EmbeddedPostgres(data, shared=shared):
        pass
    for path in ((data / "pg"), (data / "socket"), *(data / "pg").rglob("*")):
        os.chown(path, NOBODY, pwd.getpwuid(NOBODY).pw_gid)
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        assert psutil.Process(postgres.pid).uids().real == NOBODY


async def test_a_cluster_that_root_owns_is_explained(data: Path, shared: Path) -> None:
    async with EmbeddedPostgres(data, shared=shared):
        pass
    os.chown(data / "pg", 0, 0)
    with pytest.raises(SetupError, match="belongs to root") as refusal:
        async with EmbeddedPostgres(data, shared=shared):
            pass
    assert refusal.value.advice.startswith("Run: chown -R")


@pytest.fixture
def own_site(base: Path) -> Path:
    """What a normal user has: a Postroom and binaries of their own. Ours may lie below a directory that only root may enter."""
    wheel, site = find_binaries().site, base / "site"
    for part in (PACKAGE, LIBRARIES):
        shutil.copytree(wheel / part, site / part, symlinks=True, ignore=shutil.ignore_patterns("pginstall"))
    shutil.copytree(SOURCES / "postroom", site / "postroom", ignore=shutil.ignore_patterns("__pycache__", "examples"))
    return site


async def test_a_normal_user_needs_none_of_this(base: Path, shared: Path, own_site: Path, start_owner: Callable[..., Owner]) -> None:
    home = base / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    home.chmod(0o700)
    (home / "data").mkdir()
    os.chown(home / "data", NOBODY, NOBODY)
    owner = start_owner(str(NOBODY), at=home / "data", path=own_site)
    running = owner.said()
    assert not any("root" in sentence for sentence in running["heard"])
    assert psutil.Process(running["pid"]).uids().real == NOBODY
    assert stat.S_IMODE((home / "data").stat().st_mode) == 0o700
    assert not shared.exists()
    owner.kill()
    again = start_owner(str(NOBODY), at=home / "data", path=own_site)
    assert again.said()["pid"] == running["pid"]
    again.end()
    assert not postgres_below(home)


async def test_a_normal_user_is_told_whose_the_data_is(base: Path, shared: Path, start_owner: Callable[..., Owner]) -> None:
    data = base / "data"
    async with EmbeddedPostgres(data, shared=shared):
        pass
    os.chown(data, NOBODY, NOBODY)
    data.chmod(0o700)
    assert "belongs to another user" in start_owner(str(NOBODY), at=data).said()["error"]
    (data / "postgres.lock").unlink()
    assert "belongs to user" in start_owner(str(NOBODY), at=data).said()["error"]
