"""``postroom migrate`` and the database checks of ``postroom doctor``, on a real PostgreSQL."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from postroom.cli.exits import ExitCode
from postroom.db.embedded import EmbeddedPostgres, visit
from postroom.db.migrate import list_migrations

Ran = subprocess.CompletedProcess[str]

# Nobody listens on port 1 (tcpmux); the password must not be shown.
NOWHERE = "postgresql://somebody:pAssw0rd@127.0.0.1:1/postroom"


@pytest.fixture
async def database_url(tmp_path: Path) -> AsyncIterator[str]:
    """An empty database, as an external one."""
    async with EmbeddedPostgres(tmp_path / "external") as postgres:
        yield postgres.dsn


def run(*words: str, data: Path, database_url: str = "") -> Ran:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POSTROOM_")}
    kept |= {"POSTROOM_DATA": str(data), "POSTROOM_DATABASE_URL": database_url}
    return subprocess.run([sys.executable, "-m", "postroom.cli", *words], env=kept, capture_output=True, text=True, check=False, timeout=50)


async def execute(dsn: str, statement: str) -> None:
    connection: Any = await asyncpg.connect(dsn)
    await connection.execute(statement)
    await connection.close()


def verdicts(ran: Ran) -> dict[str, str]:
    return {finding["subject"]: finding["verdict"] for finding in json.loads(ran.stdout)}


async def test_doctor_sees_what_migrate_has_done(tmp_path: Path, database_url: str) -> None:
    before = run("doctor", "--json", data=tmp_path / "data", database_url=database_url)
    assert verdicts(before)["migrations"] == "warn"
    first = run("migrate", "--json", data=tmp_path / "data", database_url=database_url)
    assert len(json.loads(first.stdout)["migrations"]) == len(list_migrations())
    again = run("migrate", "--json", data=tmp_path / "data", database_url=database_url)
    assert json.loads(again.stdout) == {"migrations": []}
    after = run("doctor", "--json", data=tmp_path / "data", database_url=database_url)
    assert verdicts(after)["migrations"] == "ok"
    assert verdicts(after)["database"] != "fail"
    assert after.returncode == ExitCode.OK
    socket = parse_qs(urlsplit(database_url).query)["host"][0]
    await execute(database_url, "update migration set digest = 'other' where number = 3")
    other = run("doctor", "--json", data=tmp_path / "data", database_url=database_url)
    assert misfit(other) == misfit_of(f"at {socket}/postroom"), "where it is, and no password"
    assert not (tmp_path / "data").exists()


async def test_migrate_without_an_address_takes_the_embedded_database_and_stops_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    ran = run("migrate", data=data)
    assert ran.returncode == ExitCode.OK
    assert f"{len(list_migrations())} migrations were run" in ran.stderr
    assert verdicts(run("doctor", "--json", data=data))["migrations"] == "ok"
    async with visit(data) as dsn:
        await execute(dsn, "update migration set digest = 'other' where number = 3")
        assert misfit(run("doctor", "--json", data=data)) == misfit_of(f"in {data}"), "while it runs"
    assert misfit(run("doctor", "--json", data=data)) == misfit_of(f"in {data}"), "while it does not run"
    refused = run("migrate", data=data)
    assert refused.returncode == ExitCode.SETUP
    assert misfit_of(f"in {data}") in refused.stderr
    assert "begin anew in another directory: --data DIR" in refused.stderr


def misfit_of(place: str) -> str:
    return f"The database {place} is another version's: its migration 0003 is not the one of this version"


def misfit(doctor: Ran) -> str:
    """What it finds at the migrations, which fail."""
    assert doctor.returncode == ExitCode.NO_ANSWER
    [found] = [finding for finding in json.loads(doctor.stdout) if finding["subject"] == "migrations"]
    assert (found["verdict"], "restore a backup" in found["advice"]) == ("fail", True)
    return found["found"]


def test_a_database_that_can_not_be_reached_is_said_without_its_password(tmp_path: Path) -> None:
    looked = run("doctor", "--json", data=tmp_path, database_url=NOWHERE)
    assert (looked.returncode, verdicts(looked)["database"]) == (ExitCode.NO_ANSWER, "fail")
    migrated = run("migrate", data=tmp_path, database_url=NOWHERE)
    assert migrated.returncode == ExitCode.SETUP
    for ran in (looked, migrated):
        assert "pAssw0rd" not in ran.stdout + ran.stderr
        assert "Traceback" not in ran.stderr
