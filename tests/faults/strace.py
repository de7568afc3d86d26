"""strace as a nemesis: attached to running processes, it makes their n-th system call of a kind fail, or kills them there."""

import subprocess
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support.server import wait_for

ATTACH_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Injection:
    """What happens at the ``when``-th of these calls of each thread: ``does`` is in strace's words, like ``signal=KILL``."""

    calls: str
    does: str
    when: int

    @property
    def words(self) -> list[str]:
        return ["-e", f"trace={self.calls}", "-e", f"inject={self.calls}:{self.does}:when={self.when}"]


@dataclass(frozen=True, slots=True)
class Traced:
    """A strace at work; ``trace`` is what it writes down."""

    trace: Path

    def injected(self) -> bool:
        """Whether what was asked for has happened, to any of the processes."""
        text = self.trace.read_text(errors="replace") if self.trace.exists() else ""
        return "(INJECTED)" in text or "killed by SIGKILL" in text


def backends(postmaster: int, of: str) -> list[int]:
    """The processes of a PostgreSQL whose title names this: ``walwriter``, or a role and a database."""
    return [child.pid for child in psutil.Process(postmaster).children() if f": {of}" in _title(child)]


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""  # It has ended meanwhile.


def _attached(tracer: subprocess.Popen[bytes], said: Path, count: int) -> bool:
    """Whether strace has every process, apart from those that ended before; what it was asked for may have happened already."""
    words = said.read_text(errors="replace")
    return words.count("attached") + words.count("PTRACE_SEIZE") >= count or tracer.poll() is not None


@contextmanager
def injecting(pids: Sequence[int], injection: Injection) -> Generator[Traced]:
    """Attach to the processes and all of their threads; at the end let go of those that live."""
    with tempfile.TemporaryDirectory(prefix="strace-") as place:
        traced, said = Traced(Path(place) / "trace"), Path(place) / "said"
        whom = [word for pid in pids for word in ("-p", str(pid))]
        with said.open("wb") as words:
            command = ["strace", "-f", *whom, "-o", str(traced.trace), *injection.words]
            tracer = subprocess.Popen(command, stdout=words, stderr=words)
        try:
            wait_for(lambda: _attached(tracer, said, len(pids)), ATTACH_SECONDS, f"strace is attached to {pids}: see {said}")
            yield traced
        finally:
            tracer.terminate()
            tracer.wait(ATTACH_SECONDS)
