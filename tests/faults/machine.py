"""What this machine lets the fault suites do. Each check tries the thing itself and says, when it fails, exactly what is missing."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.faults.fuse import mount, unmount


def skip_unless(check: Callable[[], str | None]) -> pytest.MarkDecorator:
    """A mark for tests that need what the check looks for; it gives the reason why not, or None."""
    reason = check()
    return pytest.mark.skipif(reason is not None, reason=reason or "")


@cache
def no_fuse() -> str | None:
    """Mounting over /dev/fuse."""
    if sys.platform != "linux":
        return f"FUSE is spoken to a Linux kernel, this is {sys.platform}"
    if os.geteuid() != 0:
        return "mounting a file system for other users needs root"
    if not Path("/dev/fuse").exists():
        return "there is no /dev/fuse"
    with tempfile.TemporaryDirectory() as place:
        try:
            door = mount(Path(place))
        except OSError as error:
            return f"mounting over /dev/fuse: {error.strerror}: {os.strerror(error.errno or 0)}"
        unmount(Path(place))
        os.close(door)
    return None


@cache
def no_tmpfs() -> str | None:
    """Mounting a small file system in memory."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "mounting a tmpfs needs root on Linux"
    with tempfile.TemporaryDirectory() as place:
        tried = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, text=True, check=False)
        if tried.returncode != 0:
            return f"mounting a tmpfs: {tried.stderr.strip()}"
        subprocess.run(["umount", place], check=True)
    return None


@cache
def no_strace() -> str | None:
    """strace with injection, of processes of other users."""
    if os.geteuid() != 0:
        return "tracing PostgreSQL and the server needs root"
    if shutil.which("strace") is None:
        return "strace is not installed: make fault-tools"
    command = ["strace", "-f", "-qq", "-e", "trace=write", "-e", "inject=write:signal=KILL:when=1", "sh", "-c", "echo"]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    if tried.returncode != -9:
        return f"strace does not inject here: it ended with {tried.returncode}, {tried.stderr.strip()[:200]!r}"
    return None
