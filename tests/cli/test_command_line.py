"""The command as a process: what it prints where, and with which code it ends."""

import http.server
import os
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from postroom import __version__
from postroom.cli.exits import ExitCode
from tests.support.ports import free_port

Ran = subprocess.CompletedProcess[str]

SERVER_SIDE = ("postroom.app", "postroom.core", "postroom.db", "postroom.edges", "postroom.workers", "asyncpg", "fastapi", "uvicorn", "a2a")


def run(*words: str, data: Path, **environ: str) -> Ran:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POSTROOM_")}
    kept |= {"POSTROOM_DATA": str(data), **environ}
    return subprocess.run([sys.executable, "-m", "postroom.cli", *words], env=kept, capture_output=True, text=True, check=False, timeout=30)


@pytest.fixture
def closed_port() -> str:
    """An address where nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


def test_help_names_every_command(tmp_path: Path) -> None:
    ran = run("--help", data=tmp_path)
    assert ran.returncode == 0
    for command in (
        "up",
        "serve",
        "workspace",
        "send",
        "chat",
        "history",
        "delegations",
        "watch",
        "agent",
        "doctor",
        "migrate",
        "login-link",
    ):
        assert f"│ {command} " in ran.stdout


def test_the_version_is_printed(tmp_path: Path) -> None:
    assert run("--version", data=tmp_path).stdout == f"postroom {__version__}\n"


def test_help_loads_nothing_of_the_server() -> None:
    ask = f"import sys, postroom.cli.program; print([name for name in {SERVER_SIDE} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True, timeout=30)
    assert loaded.stdout == "[]\n"


@pytest.mark.parametrize("words", [["sned"], ["send", "Echo"], ["send", "Echo", "hi", "--wait", "soon"], ["workspace", "add"]])
def test_a_wrong_command_line_ends_with_2(words: list[str], tmp_path: Path) -> None:
    ran = run(*words, data=tmp_path)
    assert ran.returncode == ExitCode.USAGE
    assert ran.stdout == ""


@pytest.mark.parametrize(
    "words",
    [
        ["workspace", "list"],
        ["workspace", "list", "--json"],
        ["send", "Echo", "hello"],
        ["send", "Echo", "hello", "--json"],
        ["chat", "Echo"],
        ["history", "Echo", "--json"],
        ["watch", "--json"],
        ["login-link"],
        ["agent", "run", "--name", "Echo", "--", "cat"],
    ],
)
def test_without_a_server_every_command_says_what_to_do_and_ends_with_3(words: list[str], tmp_path: Path) -> None:
    ran = run(*words, data=tmp_path)
    assert ran.returncode == ExitCode.UNREACHABLE
    assert ran.stdout == ""
    assert "Next: Start one: postroom up" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_server_that_does_not_answer_ends_with_3(tmp_path: Path, closed_port: str) -> None:
    ran = run("workspace", "list", "--url", closed_port, "--token", "t", data=tmp_path)
    assert ran.returncode == ExitCode.UNREACHABLE
    assert closed_port in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_server_without_a_credential_ends_with_4(tmp_path: Path, closed_port: str) -> None:
    ran = run("workspace", "list", "--url", closed_port, data=tmp_path)
    assert ran.returncode == ExitCode.NOT_PERMITTED
    assert "--token" in ran.stderr


def test_an_empty_message_is_not_sent(tmp_path: Path, closed_port: str) -> None:
    ran = run("send", "Echo", "  ", "--url", closed_port, "--token", "t", data=tmp_path)
    assert ran.returncode == ExitCode.USAGE


def test_bytes_that_are_no_text_are_not_sent_as_something_else(tmp_path: Path, closed_port: str) -> None:
    ran = run("send", "Echo", os.fsdecode(b"caf\xe9"), "--url", closed_port, "--token", "t", data=tmp_path)
    assert ran.returncode == ExitCode.USAGE
    assert "UTF-8" in ran.stderr


@pytest.mark.parametrize(
    ("given", "told"), [(b"a\xe9", "postroom: The input is not UTF-8 text.\n"), (b"a\0b", "postroom: The text holds a NUL")]
)
def test_a_text_from_stdin_that_can_not_be_sent_is_refused_before(given: bytes, told: str, tmp_path: Path, closed_port: str) -> None:
    command = [sys.executable, "-m", "postroom.cli", "send", "Echo", "-", "--server", closed_port, "--token", "t", "--data", str(tmp_path)]
    ran = subprocess.run(command, input=given, capture_output=True, check=False, timeout=30)
    assert ran.returncode == ExitCode.USAGE
    assert ran.stderr.decode().startswith(told)


@pytest.mark.parametrize("address", ["127.0.0.1:8080", "ftp://h", "http://"])
def test_an_address_that_is_none_ends_with_2(address: str, tmp_path: Path) -> None:
    by_option = run("workspace", "list", "--server", address, "--token", "t", data=tmp_path)
    by_environment = run("workspace", "list", data=tmp_path, POSTROOM_URL=address, POSTROOM_TOKEN="t")
    assert by_option.returncode == by_environment.returncode == ExitCode.USAGE
    assert "Next: Start it with http:// or https://." in by_option.stderr


def test_another_web_server_is_said_to_be_no_postroom(tmp_path: Path) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        Thread(target=server.serve_forever).start()
        ran = run("workspace", "list", "--server", f"http://127.0.0.1:{server.server_port}", "--token", "t", data=tmp_path)
        server.shutdown()
    assert ran.returncode == ExitCode.UNREACHABLE
    assert "this is no Postroom" in ran.stderr


def test_a_program_that_is_not_there_is_no_agent(tmp_path: Path, closed_port: str) -> None:
    ran = run("agent", "run", "--name", "N", "--url", closed_port, "--token", "t", "--", "no-such-program-here", data=tmp_path)
    assert ran.returncode == ExitCode.USAGE
    assert "no-such-program-here" in ran.stderr


def test_a_fault_is_one_sentence_and_with_debug_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "server.json").mkdir()
    plain = run("workspace", "list", data=tmp_path)
    assert plain.returncode == ExitCode.FAULT
    assert "Traceback" not in plain.stderr
    assert "POSTROOM_DEBUG=1" in plain.stderr
    assert "Traceback" in run("workspace", "list", data=tmp_path, POSTROOM_DEBUG="1").stderr


def test_the_agents_address_is_not_taken_for_the_servers(tmp_path: Path, closed_port: str) -> None:
    ran = run("workspace", "add", "N", "--url", "http://agent.invalid", "--server", closed_port, "--token", "t", data=tmp_path)
    assert closed_port in ran.stderr
    assert "No server runs" in run("workspace", "add", "N", "--url", "http://agent.invalid", "--token", "t", data=tmp_path).stderr
