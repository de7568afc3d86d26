"""The processes of a run: the small ones, the servers under test, and the load generator."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

import orjson

from benches.plan import Measured, Plan
from tests.support.database import cluster
from tests.support.server import ServerProcess

GENERATOR_SECONDS = 180.0
STOP_SECONDS = 10.0
OPERATOR = "an operator token for benches, long enough"


@contextmanager
def app(module: str, *words: str) -> Generator[str]:
    """``python -m benches.MODULE`` in a process of its own; the URL that it prints."""
    # Traces that nobody collects: the SDK writes them whenever the library is there, which here it is by chance.
    environ = {**os.environ, "OTEL_INSTRUMENTATION_A2A_SDK_ENABLED": "false"}
    process = subprocess.Popen([sys.executable, "-m", f"benches.{module}", *words], stdout=subprocess.PIPE, env=environ)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().decode().strip()
        if not url:
            raise RuntimeError(f"benches.{module} {words[0]} did not start")
        yield url
    finally:
        process.stdout.close()
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def place() -> Generator[Path]:
    """A directory for data. Directly under /tmp: the path of PostgreSQL's socket has a limit of some 100 bytes."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o711)  # PostgreSQL runs as another account when we are root
        yield Path(directory)


@contextmanager
def postroom(**settings: str) -> Generator[ServerProcess]:
    """A real server with an embedded PostgreSQL and no data yet."""
    with place() as directory:
        server = ServerProcess(directory / "data", **settings)
        try:
            yield server.start()
        finally:
            server.destroy()


@contextmanager
def database() -> Generator[str]:
    """The same PostgreSQL without a server; its DSN."""
    with place() as directory, cluster(directory / "data") as dsn:
        yield dsn


@contextmanager
def replicas(number: int) -> Generator[list[ServerProcess]]:
    """So many servers on one PostgreSQL."""
    settings = {"secret_key": "a secret key for benches, long enough", "admin_token": OPERATOR}
    with database() as dsn, place() as directory, ExitStack() as stack:
        servers = [ServerProcess(directory / f"server-{i}", database_url=dsn, **settings) for i in range(number)]
        for server in servers:
            stack.callback(server.destroy)
            server.start()
        yield servers


def generate(plan: Plan) -> Measured:
    """Run one point in a load generator of its own. Raises CalledProcessError when it breaks."""
    command = [sys.executable, "-m", "benches.load"]
    done = subprocess.run(command, input=orjson.dumps(asdict(plan)), stdout=subprocess.PIPE, check=True, timeout=GENERATOR_SECONDS)
    return Measured(**orjson.loads(done.stdout))
