"""Another time of day for one process: libfaketime, loaded before everything else, reads it from a file that a test may change."""

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from postroom.db.embedded import account

_LIBRARIES = ("libfaketimeMT.so.1", "libfaketime.so.1")


class Clock:
    """The clock of whoever runs with ``environment``; at first it is right."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)

    @property
    def environment(self) -> dict[str, str]:
        return _environment(self._file)

    def set(self, seconds: int) -> None:
        """So many seconds before (below 0) or after the right time, from now on. The file is replaced at once: it is read all the time."""
        new = self._file.with_name(f"{self._file.name}.new")
        new.write_text(f"{seconds:+d}\n")
        new.chmod(0o644)
        new.replace(self._file)


@contextmanager
def of_postgres(clock: Clock) -> Generator[None]:
    """PostgreSQL that is started inside has this clock. Nothing of our environment reaches it otherwise."""
    before = dict(account.ENVIRONMENT)
    account.ENVIRONMENT.update(clock.environment)
    try:
        yield
    finally:
        account.ENVIRONMENT.clear()
        account.ENVIRONMENT.update(before)


def _environment(file: Path) -> dict[str, str]:
    # What measures spans goes on undisturbed: only the time of day is said to be another, as it is when somebody sets the clock.
    return {
        "LD_PRELOAD": _library() or "",
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }


@cache
def _library() -> str | None:
    found = [path for name in _LIBRARIES for base in ("/usr/lib", "/usr/local/lib") for path in Path(base).glob(f"**/faketime/{name}")]
    return str(found[0]) if found else None


@cache
def no_faketime() -> str | None:
    """A clock that is moved while a process reads it."""
    if sys.platform != "linux" or _library() is None:
        return "libfaketime is not installed: make fault-tools"
    file = Path(f"/tmp/faketime-{os.getpid()}")  # noqa: S108 - a number of seconds
    file.write_text("+86400\n")
    tried = subprocess.run(
        [sys.executable, "-c", "import time; print(time.time())"], env=_environment(file), capture_output=True, text=True, check=False
    )
    file.unlink()
    right = subprocess.run([sys.executable, "-c", "import time; print(time.time())"], capture_output=True, text=True, check=True)
    if tried.returncode != 0 or abs(float(tried.stdout) - float(right.stdout) - 86400) > 60:
        return f"libfaketime does not move the clock of this Python: {(tried.stdout + tried.stderr).strip()[:200]!r}"
    return None
