"""The demo team on a real server: it comes in, works together, is brought back by a later start, and never outlives its server."""

import asyncio
import fcntl
import json
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from threading import Thread

import psutil
import pytest

from postroom.agent.place import read_place
from postroom.cli.demo import DemoTeam
from postroom.cli.demo_process import DemoProcess
from postroom.client import Client
from tests.conftest import NewServer
from tests.support.server import ServerProcess, wait_for

POSTROOM = [sys.executable, "-m", "postroom.cli"]
LIVES_WITH_A_TEAM = """
import asyncio, sys
from pathlib import Path
from postroom.cli.demo import DemoTeam
async def main():
    async with asyncio.TaskGroup() as tasks:
        await DemoTeam(sys.argv[1], sys.argv[2], Path(sys.argv[3])).start(tasks)
        print("there", flush=True)
asyncio.run(main())
"""


@pytest.fixture
def home(short_directory: Path) -> Generator[Path]:
    with tempfile.TemporaryDirectory(dir=short_directory) as directory:
        yield Path(directory)


def processes_of(home: Path) -> list[psutil.Process]:
    """The demo processes that keep their state below ``home``, and what they started."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("POSTROOM_STATE", "").startswith(str(home)) and process.status() != psutil.STATUS_ZOMBIE:
                found += [process, *process.children(recursive=True)]
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@asynccontextmanager
async def running(team: DemoTeam) -> AsyncGenerator[None]:
    """The team in a task group of a server's kind: cancelled as a whole."""
    there = asyncio.Event()

    async def own() -> None:
        async with asyncio.TaskGroup() as tasks:
            await team.start(tasks)
            there.set()

    async with asyncio.timeout(60), asyncio.TaskGroup() as owner:
        owned = owner.create_task(own())
        await there.wait()
        try:
            yield
        finally:
            owned.cancel()


async def test_the_team_comes_in_works_together_and_goes(server: ServerProcess, operator: Client, home: Path) -> None:
    team = DemoTeam(server.url, server.operator_token, home)
    assert not await team.made_before()
    async with running(team):
        lead = read_place(home / "demo" / "lead.json")
        assert lead is not None
        sent = await operator.send(lead.workspace_id, "2 apples and 3 pears", wait=30)
        assert len(processes_of(home)) >= 4
    assert sent.text == "Echo:\n2 apples and 3 pears\n\nClerk:\nlines: 1\nwords: 5\nnumbers: 2, sum 5\n"
    assert processes_of(home) == []
    assert await team.made_before()


async def test_a_later_start_takes_the_same_places_and_leaves_out_who_was_removed(
    server: ServerProcess, operator: Client, home: Path
) -> None:
    team = DemoTeam(server.url, server.operator_token, home)
    lead, first_url = await _start_and_stop(team, home, operator)
    slow = json.loads((home / "demo" / "slow.json").read_text())["workspace_id"]
    echo = json.loads((home / "demo" / "echo.json").read_text())["workspace_id"]
    await operator.remove_workspace(slow)
    for token in await operator.tokens(echo):
        await operator.revoke_token(echo, token["id"])

    same_lead, second_url = await _start_and_stop(team, home, operator)

    assert same_lead == lead
    # Still online from before as far as the server knows, so a start that believed it would be through before Echo is there.
    assert second_url != first_url
    names = [row["name"] for row in await operator.workspaces() if row["parent_id"] == lead]
    assert sorted(names) == ["Clerk", "Echo"]
    files = [file for file in (home / "demo").glob("*.json") if file.is_file()]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


async def test_a_team_whose_starter_is_killed_goes_by_itself(server: ServerProcess, home: Path) -> None:
    arguments = [sys.executable, "-c", LIVES_WITH_A_TEAM, server.url, server.operator_token, str(home)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        assert await asyncio.to_thread(starter.stdout.readline) == "there\n"
        assert len(processes_of(home)) >= 4
        starter.kill()
    await asyncio.to_thread(wait_for, lambda: not processes_of(home), 15, "the demo processes are gone")


async def test_an_agent_that_dies_is_started_again(server: ServerProcess, home: Path) -> None:
    team = DemoTeam(server.url, server.operator_token, home)
    async with running(team):
        slow = next(process for process in processes_of(home) if "slow.py" in " ".join(process.cmdline()))
        slow.kill()
        await asyncio.to_thread(wait_for, lambda: _slow_but(slow.pid, home), 20, "another Slow runs")


async def test_a_server_that_stops_takes_its_team_along_and_what_it_has_shown_works(new_server: NewServer) -> None:
    server = new_server()
    words = ["up", "--data", str(server.data), "--port", "0", "--no-open", "--demo"]
    with terminal() as (screen, shown), subprocess.Popen([*POSTROOM, *words], stdout=screen, stderr=screen, start_new_session=True) as up:
        await asyncio.to_thread(wait_for, lambda: "Log in here" in plain(shown), 60, lambda: f"up is ready: {plain(shown)}")
        assert len(processes_of(server.data)) >= 4
        [suggested] = re.findall(r"postroom (send .*Echo hello)", plain(shown))
        asked = [*POSTROOM, *shlex.split(suggested)]
        sent = await asyncio.to_thread(subprocess.run, asked, capture_output=True, text=True, check=True, timeout=30)
        up.terminate()
        up.wait(20)
    assert sent.stdout == "hello\n"
    assert processes_of(server.data) == []
    if os.geteuid() == 0:
        assert f"its files are in {(server.data / 'pg').resolve()}" in plain(shown), "whole, though the terminal is narrow"


@contextmanager
def terminal() -> Generator[tuple[int, bytearray]]:
    """A terminal of 80 columns for a program to write to, and what it has written there so far."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    written = bytearray()

    def read() -> None:
        # Reading fails once nobody has the other end any more.
        with suppress(OSError):
            while chunk := os.read(ours, 65536):
                written.extend(chunk)

    reader = Thread(target=read)
    reader.start()
    try:
        yield theirs, written
    finally:
        os.close(theirs)
        reader.join(30)
        os.close(ours)


def plain(written: bytearray) -> str:
    """Without colours and movements of the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode(errors="replace")).replace("\r\n", "\n")


async def test_a_long_log_makes_room_and_is_for_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.cli.demo_process.LOG_LIMIT", 10)
    (tmp_path / "program.py").write_text("print('x' * 20)")
    process = DemoProcess(name="P", arguments=(str(tmp_path / "program.py"),), environment={}, log_file=tmp_path / "logs" / "p.log")
    async with asyncio.TaskGroup() as tasks:
        kept = tasks.create_task(process.keep_running())
        await asyncio.to_thread(wait_for, (tmp_path / "logs" / "p.old.log").exists, 20, "the log was put aside")
        kept.cancel()
    assert (tmp_path / "logs").stat().st_mode & 0o777 == 0o700


async def test_the_servers_secrets_do_not_reach_an_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_ADMIN_TOKEN", "s3cret" * 8)
    (tmp_path / "program.py").write_text("import os; print([name for name in os.environ if name.startswith('POSTROOM')], flush=True)")
    log_file = tmp_path / "p.log"
    process = DemoProcess(name="P", arguments=(str(tmp_path / "program.py"),), environment={"POSTROOM_URL": "u"}, log_file=log_file)
    async with asyncio.TaskGroup() as tasks:
        kept = tasks.create_task(process.keep_running())
        await asyncio.to_thread(wait_for, lambda: log_file.exists() and log_file.read_text().endswith("]\n"), 20, "it has printed")
        kept.cancel()
    assert log_file.read_text().splitlines()[0] == "['POSTROOM_URL']"


def _slow_but(pid: int, home: Path) -> bool:
    return any("slow.py" in " ".join(process.cmdline()) and process.pid != pid for process in processes_of(home))


async def _start_and_stop(team: DemoTeam, home: Path, operator: Client) -> tuple[str, str]:
    """The id of Lead, and the address of Echo at the moment when the start was through."""
    async with running(team):
        echo = await operator.workspace(json.loads((home / "demo" / "echo.json").read_text())["workspace_id"])
        return echo["parent_id"], echo["url"]
