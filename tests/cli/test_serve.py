"""What is found out before a server starts, in words that say what to do."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from postroom.cli.connection import ServerFile, write_server_file
from postroom.cli.exits import ExitCode
from postroom.cli.serve import require_free_port, require_no_other
from postroom.errors import SetupError


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Something that listens on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def port_of(server: socket.socket) -> int:
    return server.getsockname()[1]


def test_a_port_in_use_names_the_program_and_another_port(listener: socket.socket) -> None:
    with pytest.raises(SetupError) as raised:
        require_free_port("127.0.0.1", port_of(listener))
    assert f"process {os.getpid()}" in raised.value.sentence
    assert "--port" in raised.value.advice


def test_a_free_port_and_port_0_are_fine(listener: socket.socket) -> None:
    free = port_of(listener)
    listener.close()
    require_free_port("127.0.0.1", free)
    require_free_port("127.0.0.1", 0)
    require_free_port("localhost", free)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "203.0.113.7"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(SetupError) as raised:
        require_free_port(host, 0)
    assert "--host" in raised.value.advice


def test_a_second_server_on_one_data_directory_is_pointed_to_the_first(tmp_path: Path, listener: socket.socket) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        url = f"http://127.0.0.1:{port_of(listener)}"
        write_server_file(tmp_path, ServerFile(url=url, pid=other.pid, operator_token="t"))
        with pytest.raises(SetupError) as raised:
            require_no_other(tmp_path)
    assert url in raised.value.sentence
    assert "--data" in raised.value.advice


def test_what_a_killed_server_left_does_not_stop_the_next(tmp_path: Path, listener: socket.socket) -> None:
    """After a restart of the machine its pid may be another program's, ours included; then nobody listens at its address."""
    port = port_of(listener)
    listener.close()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as somebody:
        for pid in (somebody.pid, os.getpid()):
            write_server_file(tmp_path, ServerFile(url=f"http://127.0.0.1:{port}", pid=pid, operator_token="t"))
            require_no_other(tmp_path)


def test_a_killed_server_whose_port_another_program_has_taken_does_not_stop_the_next(tmp_path: Path, listener: socket.socket) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    write_server_file(tmp_path, ServerFile(url=f"http://127.0.0.1:{port_of(listener)}", pid=ended.pid, operator_token="t"))
    require_no_other(tmp_path)


def test_a_port_in_use_ends_the_command_with_78(tmp_path: Path, listener: socket.socket) -> None:
    words = [sys.executable, "-m", "postroom.cli", "serve", "--port", str(port_of(listener)), "--data", str(tmp_path / "data")]
    ran = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
    assert ran.returncode == ExitCode.SETUP
    assert "is in use" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "data").exists()
