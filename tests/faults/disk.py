"""The forgetful disk from a test's side: mounted, cut off, mounted again on what is left."""

import json
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import psutil

from tests.faults.fuse import unmount
from tests.support.server import ServerProcess, wait_for

_ROOT = Path(__file__).parents[2]


class PowerCuts:
    """A disk at ``place``. What is there already becomes its content, durable; ``mount`` must come after that."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.platter = place.with_name(f"{place.name}.platter")
        self._process: subprocess.Popen[str] | None = None
        place.rename(self.platter)
        place.mkdir(mode=0o711)

    def mount(self) -> None:
        """Mount what the platter holds."""
        command = [sys.executable, "-m", "tests.faults.forgetful", str(self.platter), str(self.place)]
        self._process = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "mounted\n"

    def cut(self, server: ServerProcess, seed: object, kept: float) -> dict[str, int]:
        """Everything stops, what was not fsynced is forgotten, nothing goes on. Returns what was forgotten."""
        users = processes_of(server)
        for user in users:
            user.suspend()
        forgotten = self.forget(seed, kept)
        for user in users:
            user.send_signal(signal.SIGKILL)
        server.kill()
        self.unmount()
        wait_for(lambda: not any(map(_lives, users)), 30, "everything that used the disk is gone")
        return forgotten

    def forget(self, seed: object, kept: float) -> dict[str, int]:
        """What a cut does to the disk; afterwards it answers nobody any more."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"cut {seed} {kept}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def unmount(self) -> None:
        """In peace when nothing was forgotten: the platter holds everything."""
        if self._process is not None:
            self._process.communicate(timeout=30)
            self._process = None
        unmount(self.place)


@contextmanager
def server_on_a_forgetful_disk(server: ServerProcess) -> Generator[PowerCuts]:
    """Make the server's first start where it is quick, then put its data directory on such a disk and start it there."""
    server.log = server.data.parent.with_name(f"{server.data.parent.name}.log")
    server.start().stop()
    disk = PowerCuts(server.data.parent)
    try:
        disk.mount()
        server.start()
        yield disk
    finally:
        server.destroy()
        disk.unmount()


def processes_of(server: ServerProcess) -> list[psutil.Process]:
    """The server, its PostgreSQL and everything below."""
    first = psutil.Process(server.pid)
    return [first, *first.children(recursive=True)]


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def seeds(count: int) -> list[tuple[int, float]]:
    """A seed and a share that survives, for so many cuts; every other one forgets all."""
    return [(number, 0.0 if number % 2 else Random(number).uniform(0.2, 0.8)) for number in range(1, count + 1)]
