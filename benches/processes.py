"""The processes of a run: the bare ASGI ones, the server under test, and the load generator."""

import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import orjson

from benches.plan import Measured, Plan
from tests.support.server import ServerProcess

GENERATOR_SECONDS = 120.0
STOP_SECONDS = 10.0


@contextmanager
def bare(kind: str, *words: str) -> Generator[str]:
    """``benches.apps`` in a process of its own; the URL of it."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        descriptor = listener.fileno()
        process = subprocess.Popen([sys.executable, "-m", "benches.apps", kind, str(descriptor), *words], pass_fds=[descriptor])
    try:
        yield url
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def postroom(**settings: str) -> Generator[ServerProcess]:
    """A real server with an embedded PostgreSQL and no data yet."""
    # Directly under /tmp: the path of PostgreSQL's socket has a limit of some 100 bytes.
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o711)  # PostgreSQL runs as another account when we are root
        server = ServerProcess(Path(directory) / "data", **settings)
        try:
            yield server.start()
        finally:
            server.destroy()


def generate(plan: Plan) -> Measured:
    """Run one point in a load generator of its own. Raises CalledProcessError when it breaks."""
    command = [sys.executable, "-m", "benches.load"]
    done = subprocess.run(command, input=orjson.dumps(asdict(plan)), stdout=subprocess.PIPE, check=True, timeout=GENERATOR_SECONDS)
    return Measured(**orjson.loads(done.stdout))
