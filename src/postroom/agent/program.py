"""Any program as an agent: one process per message, text in on standard input, the reply out on standard output."""

import asyncio
import contextlib
import logging
import os
import signal
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import BinaryIO

from postroom.agent.handling import Fail, first_of
from postroom.agent.message import Message

# The server's own limit on a reply; what is longer could not be sent.
OUTPUT_LIMIT = 10 * 1024 * 1024
TIME_LIMIT = 600.0
# Of standard error, the end is what says why.
LAST_BYTES = 400
CHUNK = 65536

log = logging.getLogger(__name__)


class ProgramFailed(Fail):
    """The program gave no reply that counts; the text says why, in words for the message's history."""


class Program:
    """A command that answers messages. The whole process group of a run ends with it: what it started does not outlive the message."""

    def __init__(self, command: Sequence[str], *, time_limit: float | None = TIME_LIMIT, output_limit: int = OUTPUT_LIMIT) -> None:
        """``time_limit`` in seconds (None: none), ``output_limit`` in bytes."""
        self._command = list(command)
        self._time_limit = time_limit
        self._output_limit = output_limit

    async def answer(self, message: Message) -> str:
        """Run the command on one message. Raises ProgramFailed. Cancelling this kills the process group."""
        return await self.run(message.text, environment_of(message))

    async def run(self, text: str, environment: Mapping[str, str]) -> str:
        """Run the command on ``text`` with the given environment and return what it wrote, decoded as UTF-8 with replacement."""
        try:
            async with asyncio.timeout(self._time_limit):
                status, output, last_words = await self._run(text, environment)
        except TimeoutError as error:
            raise ProgramFailed(f"no answer within {self._time_limit:g} s") from error
        if status != 0:
            raise ProgramFailed(f"{_ending(status)}: {last_words}" if last_words else _ending(status))
        # Decoded as a whole: a character is never cut in two (L10).
        return output.decode(errors="replace")

    async def _run(self, text: str, environment: Mapping[str, str]) -> tuple[int, bytes, str]:
        # Text in a file, not in a pipe: a program may read it late, in part or not at all, and nobody has to wait for that.
        with tempfile.TemporaryFile() as given:
            given.write(text.encode())
            given.seek(0)
            async with _pipe() as (stdout, output_end), _pipe() as (stderr, error_end):
                process = await self._start(environment, given, output_end, error_end)
                try:
                    return await self._follow(process, stdout, stderr)
                finally:
                    _kill_group(process)
                    await process.wait()

    async def _start(self, environment: Mapping[str, str], *files: BinaryIO) -> asyncio.subprocess.Process:
        stdin, stdout, stderr = files
        try:
            return await asyncio.create_subprocess_exec(
                *self._command, stdin=stdin, stdout=stdout, stderr=stderr, env=environment, start_new_session=True
            )
        except OSError as error:
            raise ProgramFailed(f"{self._command[0]} can not be started: {error.strerror}") from error
        finally:
            # The child has its own now; while we hold them too, its end would not end the pipes.
            stdout.close()
            stderr.close()

    async def _follow(
        self, process: asyncio.subprocess.Process, stdout: asyncio.StreamReader, stderr: asyncio.StreamReader
    ) -> tuple[int, bytes, str]:
        try:
            async with asyncio.TaskGroup() as tasks:
                output = tasks.create_task(self._read(stdout))
                last_words = tasks.create_task(_log_lines(stderr))
                status = await process.wait()
                # The end of the program is the end of the answer: what it left behind would hold the pipes open for nobody.
                _kill_group(process)
        except* ProgramFailed as group:
            raise first_of(group) from None
        return status, output.result(), last_words.result()

    async def _read(self, stream: asyncio.StreamReader) -> bytes:
        output = bytearray()
        while chunk := await stream.read(CHUNK):
            output += chunk
            if len(output) > self._output_limit:
                raise ProgramFailed(f"the output is longer than {self._output_limit} bytes")
        return bytes(output)


def environment_of(message: Message) -> dict[str, str]:
    """What the program sees: our own variables are replaced, so that neither a token nor an operator's setting reaches it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POSTROOM_")}
    return kept | {
        "POSTROOM_MESSAGE_ID": message.id,
        "POSTROOM_THREAD_ID": message.thread_id,
        # A NUL would end the variable, and start it is not possible then at all.
        "POSTROOM_SENDER_NAME": message.sender.name.replace("\0", ""),
        "POSTROOM_ATTEMPT": str(message.attempt),
    }


@contextlib.asynccontextmanager
async def _pipe() -> AsyncGenerator[tuple[asyncio.StreamReader, BinaryIO]]:
    """A pipe: our end to read from, and the end for a child.

    Of our own making, because the wait for a process whose pipes are asyncio's returns only when the pipes are closed as well.
    """
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "wb", 0) as child_end:
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(ours, "rb", 0))
        try:
            yield reader, child_end
        finally:
            transport.close()


async def _log_lines(stream: asyncio.StreamReader) -> str:
    """Pass standard error on to the log and return its end, whole lines where they fit."""
    last = b""
    while chunk := await stream.read(CHUNK):
        log.info("program: %s", chunk.decode(errors="replace").rstrip())
        last = (last + chunk)[-LAST_BYTES:]
    return last.decode(errors="ignore").strip()


def _kill_group(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _ending(status: int) -> str:
    return f"ended by signal {-status}" if status < 0 else f"exit status {status}"
