"""Real server processes: ``postroom serve`` on loopback, started, killed and started again on the same data."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil

from postroom.client import Client
from tests.support.ports import free_port

Json = dict[str, Any]
START_SECONDS = 60.0


class ServerProcess:
    """One ``postroom serve``. ``data`` is its data directory; the log is beside it."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data = data
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self.log = data.with_name(f"{data.name}.log")
        self.ready_seconds = 0.0

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def found(self) -> Json:
        """What the server says about itself in its file."""
        return json.loads((self.data / "server.json").read_text())

    @property
    def url(self) -> str:
        return self.found["url"]

    @property
    def operator_token(self) -> str:
        return self.found["operator_token"]

    def client(self, token: str | None = None) -> Client:
        return Client(self.url, token or self.operator_token)

    def start(self, *words: str, port: int = 0) -> "ServerProcess":
        """Start and wait until it is healthy."""
        began = time.perf_counter()
        self.launch(*words, port=port)
        wait_for(self._is_ready, START_SECONDS, lambda: f"the server is ready; its log:\n{self.tail()}")
        self.ready_seconds = time.perf_counter() - began
        return self

    def launch(self, *words: str, port: int = 0, environ: Mapping[str, str] | None = None) -> None:
        """Start the process and do not wait for what comes of it; ``environ`` is added to ours."""
        settings = {f"POSTROOM_{name.upper()}": value for name, value in self._settings.items()}
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "postroom.cli", "serve", "--data", str(self.data), "--port", str(port or free_port()), *words]
            self._process = subprocess.Popen(
                command, env={**os.environ, **settings, **(environ or {})}, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def ended(self) -> bool:
        """Whether the process is gone."""
        return self._process is None or self._process.poll() is not None

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-4000:]

    def _is_ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"the server ended with {self._process.returncode}:\n{self.tail()}")
        try:
            return self.found["pid"] == self.pid and self.health()["status"] == "ok"
        except (OSError, ValueError, KeyError):
            return False

    def health(self) -> Json:
        return get_json(f"{self.url}/health")

    def kill(self) -> None:
        """kill -9, as power does it; its PostgreSQL lives on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self, seconds: float = 30.0) -> float:
        """SIGTERM; returns how long it took."""
        assert self._process is not None
        began = time.perf_counter()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(seconds)
        return time.perf_counter() - began

    @property
    def port(self) -> int:
        """Where it listens; a restart that is to be found again names it."""
        return int(self.url.rpartition(":")[2])

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, and do not wait for what it does."""
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, seconds: float) -> int:
        """Wait for its end; returns the exit status."""
        assert self._process is not None
        return self._process.wait(seconds)

    def dsn(self, role: str = "postroom") -> str:
        """The embedded PostgreSQL, for looking into it; ``postgres`` is its superuser."""
        secret = "pg.password" if role == "postroom" else "pg.superuser.password"
        password = (self.data / secret).read_text().strip()
        return f"postgresql://{role}:{password}@/postroom?host={self.data / 'socket'}&port=5432"

    @property
    def database_pid(self) -> int:
        """The postmaster of the embedded PostgreSQL."""
        return int((self.data / "pg" / "postmaster.pid").read_text().split()[0])

    def kill_database(self) -> None:
        """kill -9 of the embedded PostgreSQL's postmaster."""
        os.kill(self.database_pid, signal.SIGKILL)

    def destroy(self) -> None:
        """End the server and whatever PostgreSQL it left."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        pid_file = self.data / "pg" / "postmaster.pid"
        if pid_file.exists():
            _kill_tree(int(pid_file.read_text().split()[0]))


def _kill_tree(pid: int) -> None:
    try:
        process = psutil.Process(pid)
        for child in [*process.children(recursive=True), process]:
            child.kill()
    except psutil.NoSuchProcess:
        return


def get_json(url: str, headers: Mapping[str, str] | None = None) -> Json:
    """GET; an answer that is not 200 raises OSError."""
    request = urllib.request.Request(url, headers=dict(headers or {}))  # noqa: S310 (loopback, http)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise OSError(f"{error.code} {url}") from error


def wait_for(condition: Callable[[], Any], seconds: float, what: str | Callable[[], str]) -> Any:
    """Look until the condition holds; an AssertionError names what was waited for, in words that may be found when it was in vain."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s in vain until {what if isinstance(what, str) else what()}")


async def make_agent(client: Client, name: str, **fields: Any) -> tuple[str, str]:
    """A workspace; its id and token."""
    made = await client.create_workspace(name=name, **fields)
    UUID(made["id"])
    return made["id"], made["token"]
