"""``postroom migrate`` and the database checks of ``postroom doctor``, on a real PostgreSQL."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postroom.cli.exits import ExitCode
from postroom.db.embedded import EmbeddedPostgres
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
    assert not (tmp_path / "data").exists()


def test_migrate_without_an_address_takes_the_embedded_database_and_stops_it(tmp_path: Path) -> None:
    ran = run("migrate", data=tmp_path / "data")
    assert ran.returncode == ExitCode.OK
    assert f"{len(list_migrations())} migrations were run" in ran.stderr
    assert "was up to date" in run("migrate", data=tmp_path / "data").stderr


def test_a_database_that_can_not_be_reached_is_said_without_its_password(tmp_path: Path) -> None:
    looked = run("doctor", "--json", data=tmp_path, database_url=NOWHERE)
    assert (looked.returncode, verdicts(looked)["database"]) == (ExitCode.NO_ANSWER, "fail")
    migrated = run("migrate", data=tmp_path, database_url=NOWHERE)
    assert migrated.returncode == ExitCode.SETUP
    for ran in (looked, migrated):
        assert "pAssw0rd" not in ran.stdout + ran.stderr
        assert "Traceback" not in ran.stderr
