"""One PostgreSQL process: found alive, started, stopped."""

import asyncio
import os
import signal
import subprocess
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import IO

import psutil

from postroom.clock import monotonic
from postroom.db.embedded.account import spawn
from postroom.db.embedded.binaries import Binaries
from postroom.db.embedded.configure import cluster_name
from postroom.db.embedded.place import Place

PID_FILE = "postmaster.pid"

# A fast stop writes a checkpoint, which a slow disk may need time for. An immediate stop loses nothing either, the next start
# recovers from the log; the postmaster itself kills what has not ended 5 s after it. Seconds.
STOPS = ((signal.SIGINT, 8.0), (signal.SIGQUIT, 6.0), (signal.SIGKILL, 2.0))

# What a start says while processes of a killed postmaster still end, or when another start was quicker.
PASSING = ("pre-existing shared memory block", "already exists")


class Postmaster:
    """The first process of a running PostgreSQL. ``child`` is None when an earlier server has started it."""

    def __init__(self, cluster: Path, process: psutil.Process, child: subprocess.Popen[bytes] | None, words: IO[bytes] | None) -> None:
        self.pid = process.pid
        self.adopted = child is None
        self._cluster = cluster
        self._process = process
        self._child = child
        self._words = words

    def alive(self) -> bool:
        """Whether the process runs; one that is dead and that nobody has waited for does not."""
        if self._child is not None:
            return self._child.poll() is None
        try:
            return self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def ready(self) -> bool:
        """Whether it says that it takes connections. Asking its file keeps the refusals of a long recovery out of its log."""
        lines = _pid_file(self._cluster)
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def socket(self) -> Path | None:
        """The directory of its socket, as far as it has told."""
        lines = _pid_file(self._cluster)
        return Path(lines[4]) if len(lines) > 4 and lines[4] else None

    def last_words(self) -> str:
        """What it said before its log was open, and the end of its newest log."""
        early = ""
        if self._words is not None:
            self._words.seek(0)
            early = self._words.read().decode(errors="replace")
        logs = sorted((self._cluster / "log").glob("postgres-*.log"))
        later = logs[-1].read_text(errors="replace")[-4000:] if logs and "redirecting log output" in early else ""
        return early + later

    def forget_words(self) -> None:
        """Close the file of its first words: it has started, or it was asked for them."""
        if self._words is not None:
            self._words.close()
            self._words = None

    async def stop(self) -> None:
        """End it: in order, then at once, then by force. At most 16 s; 0.1 s on an idle machine."""
        for sign, seconds in STOPS:
            self._signal(sign)
            if await self._ended(seconds):
                return

    def _signal(self, sign: signal.Signals) -> None:
        if self.alive():
            os.kill(self.pid, sign)

    async def _ended(self, seconds: float) -> bool:
        limit = monotonic() + seconds
        while self.alive():
            if monotonic() > limit:
                return False
            await asyncio.sleep(0.01)
        return True


def find_postmaster(cluster: Path) -> Postmaster | None:
    """The PostgreSQL that runs on the cluster. A pid file of nobody, or of another program, is removed: it would stop the start."""
    found = see_postmaster(cluster)
    if found is None:
        (cluster / PID_FILE).unlink(missing_ok=True)
    return found


def see_postmaster(cluster: Path) -> Postmaster | None:
    """The PostgreSQL that runs on the cluster; nothing is touched."""
    lines = _pid_file(cluster)
    process = _process(lines[0]) if lines else None
    return Postmaster(cluster, process, None, None) if process is not None and _runs_on(process, cluster) else None


def start_postmaster(place: Place, binaries: Binaries, sockets: Path) -> Postmaster:
    """Start PostgreSQL on the cluster. Returns at once: see ``ready`` and ``last_words``. Call when nothing was found."""
    for stale in sockets.glob(".s.PGSQL.*"):
        # Its lock file, too, may name a pid that is another program's by now.
        stale.unlink(missing_ok=True)
    words = tempfile.TemporaryFile()  # noqa: SIM115 - open until it is ready or has ended
    child = spawn([binaries.program("postgres"), "-D", place.cluster], place.account, stderr=words)
    return Postmaster(place.cluster, psutil.Process(child.pid), child, words)


def end_orphans(cluster: Path) -> None:
    """Kill what is left of a killed postmaster: it holds the memory that a new start wants, and recovery follows anyway."""
    title = f"postgres: {cluster_name(cluster)}: "
    for process in psutil.process_iter():
        try:
            # Their directory would tell as well, but in a container even root may not ask for it.
            if "".join(process.cmdline()).startswith(title):
                process.kill()
        except psutil.Error:
            continue  # Gone meanwhile, or another user's.


def _pid_file(cluster: Path) -> list[str]:
    try:
        return (cluster / PID_FILE).read_text().splitlines()
    except FileNotFoundError:
        return []


def _process(line: str) -> psutil.Process | None:
    try:
        return psutil.Process(int(line))
    except (ValueError, psutil.NoSuchProcess):
        return None


def _runs_on(process: psutil.Process, cluster: Path) -> bool:
    """Whether a process is a PostgreSQL on this cluster: pids are used again, most of all after a container's restart."""
    try:
        words = process.cmdline()
        directory = dict(pairwise(words)).get("-D", "")
        return _same(Path(directory), cluster) and Path(words[0]).name == "postgres"
    except psutil.Error:
        # It has ended, or hides its arguments: one on our cluster runs as we do, or as the account that we lent as root, and does not.
        return False


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
