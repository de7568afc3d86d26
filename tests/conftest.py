"""Fixtures that several kinds of tests share, and the crash matrix's account over a whole run.

One server process per test worker; tests keep apart by making workspaces of their own.
"""

import json
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import hypothesis
import pytest

from postroom.client import Client
from tests.crash import tracing
from tests.crash.matrix import EXPECTED
from tests.support.database import cluster
from tests.support.server import ServerProcess

hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_configure(config: pytest.Config) -> None:
    """Before any worker starts: the directory where all of them leave what the crash matrix came by."""
    if not hasattr(config, "workerinput"):
        os.environ[tracing.ROOT] = tempfile.mkdtemp(prefix="matrix-traces-")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of one group share what is dear to make, and run one after the other; pytest-xdist has lost groups without a word."""
    if config.getoption("loadgroup", False):
        alone = [item.nodeid for item in items if item.get_closest_marker("xdist_group") and "@" not in item.nodeid]
        assert not alone, "pytest-xdist does not keep groups together"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A place that no case came by fails the run: a fault that is never tried proves nothing. Judged when the whole matrix was run."""
    if not hasattr(session.config, "workerinput") and tracing.account().fails(EXPECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    account = tracing.account()
    if account.covers(EXPECTED):
        terminalreporter.section("crash matrix")
        terminalreporter.write_line(json.dumps(account.summary(), indent=2))
        if account.missing:
            terminalreporter.write_line(f"never reached: {', '.join(account.missing)}", red=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ[tracing.ROOT], ignore_errors=True)


@pytest.fixture(scope="session")
def short_directory() -> Generator[Path]:
    """A short directory that the account PostgreSQL runs as may pass through; pytest's own is closed to it when we are root."""
    directory = Path(tempfile.mkdtemp(prefix="postroom-", dir="/tmp"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def dsn(short_directory: Path) -> Generator[str]:
    """A migrated PostgreSQL for tests without a server."""
    with cluster(short_directory / "core") as found:
        yield found


@pytest.fixture(scope="session")
def server(short_directory: Path) -> Generator[ServerProcess]:
    """A running server with lively limits: short polls and pauses, so that tests need not wait for what is meant to take long."""
    process = ServerProcess(short_directory / "shared", poll_seconds="0.2", backoff_seconds="0.1", attempt_limit="4")
    try:
        yield process.start()
    finally:
        process.destroy()


@pytest.fixture
def new_server(short_directory: Path) -> Generator["NewServer"]:
    """Makes servers of a test's own, to be killed and restarted."""
    maker = NewServer(short_directory)
    yield maker
    for process in maker.made:
        process.destroy()


class NewServer:
    """Call it for a server on a fresh data directory, or on a given one."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self.made: list[ServerProcess] = []

    def __call__(self, *, data: Path | None = None, **settings: str) -> ServerProcess:
        place = data or Path(tempfile.mkdtemp(prefix="s-", dir=self._base)) / "data"
        place.parent.chmod(0o711)
        process = ServerProcess(place, **settings)
        self.made.append(process)
        return process


@pytest.fixture
async def operator(server: ServerProcess) -> AsyncGenerator[Client]:
    """The operator's client of the shared server."""
    async with server.client() as client:
        yield client
