"""One agent of the demo team as a child process: started, started again when it ends, and never outliving the server."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import structlog

from postroom.client.retry import pause_before
from postroom.clock import monotonic

# How long a process has after SIGTERM: an idle agent needs a moment, one at work is not waited for; its message is handed out again.
STOP_SECONDS = 3.0
# One that ran this long was in order: the next start waits as little as the first.
STEADY_SECONDS = 60.0
LONGEST_PAUSE = 30.0
LOG_LIMIT = 5 * 1024 * 1024

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoProcess:
    """What to run: ``arguments`` as the tether takes them, with ``environment`` beside the server's own, and where its output goes."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log_file: Path

    async def keep_running(self) -> None:
        """Run it for ever; cancel this to stop it. Raises nothing that would end the server that it belongs to."""
        attempt = 0
        while True:
            began = monotonic()
            try:
                status = await self._run_once()
            except OSError as error:
                log.warning("a demo agent can not be started", agent=self.name, reason=error.strerror)
            else:
                log.warning("a demo agent ended", agent=self.name, status=status, log_file=str(self.log_file))
            attempt = 0 if monotonic() - began > STEADY_SECONDS else attempt + 1
            await asyncio.sleep(pause_before(attempt, first=1.0, longest=LONGEST_PAUSE))

    async def _run_once(self) -> int:
        with self._open_log() as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "postroom.cli.tether", *self.arguments),
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=_without_settings(os.environ) | dict(self.environment),
                # Ctrl-C in the terminal is the server's to hear; it stops its agents itself.
                start_new_session=True,
            )
        try:
            return await process.wait()
        finally:
            await _stop(process)

    def _open_log(self) -> BinaryIO:
        """The log to append to; a long one makes room first, and one older is kept."""
        with contextlib.suppress(FileNotFoundError):
            if self.log_file.stat().st_size > LOG_LIMIT:
                self.log_file.replace(self.log_file.with_suffix(".old.log"))
        self.log_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.log_file.open("ab")


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ask, then kill the group: also what a program started is to be gone."""
    _signal_group(process, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    _signal_group(process, signal.SIGKILL)
    await process.wait()


def _signal_group(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The server's environment less its settings: secrets are among them."""
    return {name: value for name, value in environment.items() if not name.startswith("POSTROOM_")}
