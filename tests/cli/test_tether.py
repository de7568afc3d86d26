"""A tethered program ends with whoever started it, kill -9 included."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

STARTER = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "postroom.cli.tether", *sys.argv[1:]], stdin=subprocess.PIPE)
print(child.pid, flush=True)
time.sleep(300)
"""


def start(*arguments: str) -> tuple[subprocess.Popen[str], psutil.Process]:
    starter = subprocess.Popen([sys.executable, "-c", STARTER, *arguments], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    return starter, psutil.Process(int(starter.stdout.readline()))


def wait_for(file: Path) -> None:
    ends_at = time.monotonic() + 20
    while not file.exists():
        assert time.monotonic() < ends_at, f"{file} was never written"
        os.sched_yield()


def test_a_killed_starter_ends_its_program_cleanly(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        "import pathlib, signal, sys, time\n"
        "def stop(*_):\n    pathlib.Path(sys.argv[1], 'stopped').touch()\n    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        "pathlib.Path(sys.argv[1], 'started').touch()\n"
        "time.sleep(300)\n"
    )
    starter, program = start(str(script), str(tmp_path))
    wait_for(tmp_path / "started")
    starter.send_signal(signal.SIGKILL)
    starter.communicate()
    psutil.wait_procs([program], timeout=10)
    assert not program.is_running() or program.status() == psutil.STATUS_ZOMBIE
    assert (tmp_path / "stopped").exists()


def test_a_module_gets_its_own_arguments() -> None:
    command = [sys.executable, "-m", "postroom.cli.tether", "-m", "json.tool", "--help"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "--compact" in process.stdout.read()
        assert process.wait() == 0
