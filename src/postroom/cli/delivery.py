"""One message from here to its answer.

The message is accepted first, in a call of its own: from then on it is safe and has an id, whatever happens to this process. The wait
is the same send again under the same key, which the server answers with the same message's end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from postroom.cli.exits import ExitCode
from postroom.cli.names import Workspace
from postroom.cli.output import say
from postroom.client import Client, Json, Sent
from postroom.errors import PostroomError, Unavailable
from postroom.ids import new_id

UNFINISHED = ("accepted", "handed")

# One wait of a series without end; short enough that a proxy in between does not cut it.
_WAIT_SECONDS = 50.0

EXIT_CODES: dict[str, ExitCode] = {
    "replied": ExitCode.OK,
    "input_required": ExitCode.QUESTION,
    "failed": ExitCode.NO_ANSWER,
    "cancelled": ExitCode.NO_ANSWER,
    "expired": ExitCode.NO_ANSWER,
    "accepted": ExitCode.NOT_YET,
    "handed": ExitCode.NOT_YET,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is sent, and the key under which it takes effect once. ``task`` is the question that it answers, ``files`` addresses."""

    text: str
    files: Sequence[str] = ()
    thread: str | None = None
    task: str | None = None
    key: str = field(default_factory=lambda: str(new_id()))

    @property
    def content(self) -> str | Json:
        """The text, or the A2A message where more than a text has to be said."""
        if self.task is None and not self.files:
            return self.text
        parts = [{"text": self.text}, *({"url": url} for url in self.files)]
        return {"parts": parts} if self.task is None else {"parts": parts, "taskId": self.task}


def question_in(sent: Sent) -> str | None:
    """The task to name in the next message, where the agent asked something."""
    return str(sent.task["id"]) if sent.state == "input_required" and sent.task is not None else None


async def enclose(client: Client, letter: Letter, paths: Sequence[Path]) -> Letter:
    """The letter with these files, which the server keeps from now on; the same letter again names the same ones."""
    kept = [await client.upload(path.name, path.read_bytes(), key=f"{letter.key}/{number}") for number, path in enumerate(paths)]
    return replace(letter, files=[file["url"] for file in kept])


async def accept(client: Client, workspace: Workspace, letter: Letter) -> Sent:
    """Hand it to the server. When this returns, the message is safe."""
    return await client.send(workspace["id"], letter.content, key=letter.key, thread_id=letter.thread, wait=None)


async def wait_for_end(client: Client, workspace: Workspace, letter: Letter, seconds: float) -> Sent:
    """Wait up to ``seconds`` for the end of an accepted letter; how it stands then."""
    return await client.send(workspace["id"], letter.content, key=letter.key, thread_id=letter.thread, wait=seconds, retry_for=seconds)


async def wait_for_answer(client: Client, workspace: Workspace, letter: Letter, sent: Sent, *, seconds: float) -> Sent:
    """Wait for the end of what stands as ``sent``. Trouble with the wait is told and changes nothing: the message is accepted."""
    if sent.state not in UNFINISHED or not seconds:
        return sent
    try:
        return await wait_for_end(client, workspace, letter, seconds)
    except PostroomError as error:
        say(f"The wait was cut off: {error.sentence}")
        return sent


async def wait_without_end(client: Client, workspace: Workspace, letter: Letter) -> Sent:
    """Wait for the end of an accepted letter through every outage; the server's deadline bounds it."""
    while True:
        try:
            sent = await wait_for_end(client, workspace, letter, _WAIT_SECONDS)
        except Unavailable:
            # The message is safe; the client has paused between its tries, and only the answer is late.
            continue
        if sent.state not in UNFINISHED:
            return sent
