"""What the tests ask of the machine."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import psutil


def postgres_below(directory: Path) -> list[psutil.Process]:
    """The PostgreSQL processes, children included, that work below a directory."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.name() in ("postgres", "initdb") and Path(process.cwd()).is_relative_to(directory.resolve()):
                found.append(process)
        except psutil.Error:
            continue
    return found


async def until(holds: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Wait for a condition; fails the test after the limit."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.005)


def spin_until(holds: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Wait for a condition that lasts only milliseconds."""
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, "the moment never came"
