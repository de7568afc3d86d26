"""Real clusters in directories that the account PostgreSQL runs as can reach; what is left of them is killed and deleted."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.db.embedded.processes import postgres_below

OWNER = Path(__file__).with_name("owner.py")
SOURCES = Path(__file__).parents[3] / "src"


@pytest.fixture
def base() -> Generator[Path]:
    """A short directory that everyone may pass through. pytest's tmp_path is closed to the account that root lends."""
    directory = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    directory.chmod(0o711)
    yield directory
    for process in postgres_below(directory):
        process.kill()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def data(base: Path) -> Path:
    return base / "data"


@pytest.fixture
def shared(base: Path) -> Path:
    """In the place of /var/lib/postroom."""
    return base / "shared"


class Owner:
    """A process that runs ``owner.py``."""

    def __init__(self, data: Path, shared: Path, *words: str, path: Path = SOURCES) -> None:
        self.process = subprocess.Popen(
            [sys.executable, OWNER, data, shared, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(path), os.environ.get("PYTHONPATH", "")])},
        )

    def said(self) -> dict[str, Any]:
        """Its line of JSON."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def end(self) -> None:
        """Let it stop in order."""
        self.process.communicate(timeout=20)

    def kill(self, *, children: bool = False) -> None:
        """kill -9, with or without what it has started."""
        below = psutil.Process(self.process.pid).children(recursive=True) if children else []
        self.process.kill()
        for child in below:
            if child.is_running():
                child.kill()
        self.process.communicate()


@pytest.fixture
def start_owner(data: Path, shared: Path) -> Generator[Callable[..., Owner]]:
    owners: list[Owner] = []

    def start(*words: str, at: Path = data, path: Path = SOURCES) -> Owner:
        owners.append(Owner(at, shared, *words, path=path))
        return owners[-1]

    yield start
    for owner in owners:
        if owner.process.poll() is None:
            owner.kill(children=True)
        owner.process.communicate()
