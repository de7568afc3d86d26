"""Which server and which credential a command uses, and to whom a credential is never told."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from postroom.cli.connection import ServerFile, find_connection, read_server_file, remove_server_file, write_server_file
from postroom.cli.exits import ExitCode, Stop

URL = "http://127.0.0.1:8080"
OTHER = "http://127.0.0.1:9090"


@pytest.fixture
def living() -> Iterator[int]:
    """A process that runs and is not this one."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid


@pytest.fixture
def running(tmp_path: Path, living: int) -> ServerFile:
    """A server that says that it runs in ``tmp_path``."""
    found = ServerFile(url=URL, pid=living, operator_token="from-the-file")
    write_server_file(tmp_path, found)
    return found


def found(data: Path, url: str | None = None, token: str | None = None, **environ: str) -> tuple[str, str]:
    connection = find_connection(url=url, token=token, data=data, environ=environ)
    return connection.url, connection.token


def refusal(data: Path, **environ: str) -> Stop:
    with pytest.raises(Stop) as raised:
        find_connection(url=None, token=None, data=data, environ=environ)
    return raised.value


def test_the_running_server_is_found_by_its_file(tmp_path: Path, running: ServerFile) -> None:
    assert found(tmp_path) == (URL, "from-the-file")


def test_the_data_directory_of_the_environment_is_searched(tmp_path: Path, running: ServerFile) -> None:
    connection = find_connection(url=None, token=None, data=None, environ={"POSTROOM_DATA": str(tmp_path)})
    assert (connection.url, connection.data) == (URL, tmp_path)


def test_the_environment_wins_over_the_file_and_options_over_both(tmp_path: Path, running: ServerFile) -> None:
    environ = {"POSTROOM_URL": OTHER, "POSTROOM_TOKEN": "from-the-environment"}
    assert found(tmp_path, **environ) == (OTHER, "from-the-environment")
    assert found(tmp_path, "http://a", "b", **environ) == ("http://a", "b")


def test_the_admin_token_serves_where_no_other_is_given(tmp_path: Path, running: ServerFile) -> None:
    assert found(tmp_path, POSTROOM_ADMIN_TOKEN="admin") == (URL, "admin")
    assert found(tmp_path, POSTROOM_ADMIN_TOKEN="admin", POSTROOM_TOKEN="own") == (URL, "own")


def test_l24_the_token_of_the_file_goes_to_no_other_address(tmp_path: Path, running: ServerFile) -> None:
    stop = refusal(tmp_path, POSTROOM_URL=OTHER)
    assert stop.code == ExitCode.NOT_PERMITTED
    assert OTHER in stop.sentence


def test_the_address_of_the_file_may_be_named(tmp_path: Path, running: ServerFile) -> None:
    assert found(tmp_path, url=URL + "/") == (URL, "from-the-file")


def test_without_a_server_the_next_step_is_named(tmp_path: Path) -> None:
    stop = refusal(tmp_path)
    assert stop.code == ExitCode.UNREACHABLE
    assert "postroom up" in stop.advice


def test_the_file_of_a_killed_server_does_not_count(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    write_server_file(tmp_path, ServerFile(url=URL, pid=process.pid, operator_token="t"))
    assert refusal(tmp_path).code == ExitCode.UNREACHABLE


def test_a_damaged_file_counts_as_none(tmp_path: Path) -> None:
    for content in ("", "{", "[]", '{"url": 1}', '{"url": "x", "pid": "y", "operator_token": "z"}'):
        (tmp_path / "server.json").write_text(content)
        assert read_server_file(tmp_path) is None


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_only_the_owner_may_read_the_file_whatever_the_umask_and_whatever_lay_there(tmp_path: Path) -> None:
    (tmp_path / "server.json").touch(mode=0o666)
    before = os.umask(0)
    try:
        write_server_file(tmp_path, ServerFile(url=URL, pid=1, operator_token="t"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "server.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["server.json"]
    assert json.loads((tmp_path / "server.json").read_text())["url"] == URL


def test_the_directory_is_made_where_nothing_else_has_made_it(tmp_path: Path) -> None:
    write_server_file(tmp_path / "new", ServerFile(url=URL, pid=1, operator_token="t"))
    assert read_server_file(tmp_path / "new") is not None


def test_a_server_that_ends_leaves_the_file_of_its_successor(tmp_path: Path, running: ServerFile) -> None:
    remove_server_file(tmp_path, pid=running.pid + 1)
    assert read_server_file(tmp_path) == running
    remove_server_file(tmp_path, pid=running.pid)
    assert read_server_file(tmp_path) is None
    remove_server_file(tmp_path, pid=running.pid)


def test_other_settings_that_can_not_be_read_do_not_stop_a_client(tmp_path: Path, running: ServerFile) -> None:
    assert found(tmp_path, POSTROOM_PORT="no number") == (URL, "from-the-file")
