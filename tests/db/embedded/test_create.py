"""A first start that is killed at any moment leaves nothing that stops the next one."""

from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from postroom.db.embedded import EmbeddedPostgres
from tests.db.embedded.conftest import Owner
from tests.db.embedded.processes import spin_until

# In the order in which they appear: the directory, initdb's first files, the bootstrap, template0, our settings, the rename.
MOMENTS = ("pg.new.*", "pg.new.*/PG_VERSION", "pg.new.*/global/pg_control", "pg.new.*/base/4", "pg.new.*/postroom.conf", "pg")


@pytest.mark.parametrize("children", [True, False], ids=["all", "server_only"])
@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_first_start(data: Path, shared: Path, start_owner: Callable[..., Owner], moment: str, children: bool) -> None:
    owner = start_owner()
    spin_until(lambda: any(data.glob(moment)))
    owner.kill(children=children)
    finished = (data / "pg").exists()
    async with EmbeddedPostgres(data, shared=shared) as postgres:
        connection = await asyncpg.connect(postgres.dsn)
        await connection.execute("create table works (n integer)")
        await connection.close()
    assert finished == (moment == "pg") or moment == "pg.new.*/postroom.conf"
    async with EmbeddedPostgres(data, shared=shared):
        assert not list(data.glob("pg.new.*"))


async def test_leftovers_are_deleted(data: Path, shared: Path) -> None:
    data.mkdir(mode=0o700)
    (data / "pg.new.0123abcd/base").mkdir(parents=True)
    async with EmbeddedPostgres(data, shared=shared):
        assert not list(data.glob("pg.new.*"))
