"""What is shown of a message while somebody waits for its answer. The answer itself never depends on it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from rich.text import Text

from postroom.cli.ages import duration
from postroom.cli.names import Workspace
from postroom.cli.safe_text import one_line
from postroom.client import Client, Frame, Json
from postroom.client.talk import text_of
from postroom.clock import monotonic
from postroom.errors import PostroomError

_NOTE_WIDTH = 80
_ENDS = ("message.replied", "message.failed", "message.cancelled", "message.expired")


class Sightings:
    """What the feed says of the messages that are under way, by message."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}

    def see(self, frame: Frame) -> None:
        """Take in an event. Messages that have ended are forgotten."""
        message_id = str(frame.payload.get("message_id"))
        if frame.event in _ENDS:
            self._states.pop(message_id, None)
        elif state := _state_of(frame):
            self._states[message_id] = state

    def of(self, message_id: str) -> str | None:
        """The last that was seen of a message; None when nothing was, or it has ended."""
        return self._states.get(message_id)


class Waiting:
    """One message being waited for. Rich draws it anew several times a second, so the elapsed time runs."""

    def __init__(self, workspace: Workspace, message_id: str, sightings: Sightings) -> None:
        self._who = one_line(str(workspace["name"]), limit=40)
        self._state = "is offline, its post waits" if workspace.get("status") == "offline" else "has it in its post"
        self._message_id = message_id
        self._sightings = sightings
        self._since = monotonic()

    def __str__(self) -> str:
        # Kept, because the sightings forget a message that has ended a moment before its answer is here.
        self._state = self._sightings.of(self._message_id) or self._state
        return f"{self._who} {one_line(self._state, limit=_NOTE_WIDTH)} · {duration(monotonic() - self._since)}"

    def __rich__(self) -> Text:
        return Text(str(self), style="dim")


@contextlib.asynccontextmanager
async def following(client: Client, workspace: Workspace) -> AsyncGenerator[Sightings]:
    """Follow the feed of a workspace for the length of the block. Errors raised in the block come out in a group."""
    sightings = Sightings()
    async with asyncio.TaskGroup() as tasks:
        follower = tasks.create_task(follow(client, workspace, sightings))
        try:
            yield sightings
        finally:
            follower.cancel()


async def follow(client: Client, workspace: Workspace, sightings: Sightings) -> None:
    """Tell ``sightings`` what happens at a workspace, until cancelled."""
    # A workspace's token may send to a peer and not read its feed; the elapsed time alone is shown then.
    with contextlib.suppress(PostroomError):
        async for frame in client.events(workspace["id"]):
            sightings.see(frame)


def _state_of(frame: Frame) -> str | None:
    match frame.event:
        case "message.handed":
            return _working(frame.payload)
        case "message.progress":
            return f"is working on it: {_progress_of(frame.payload)}"
        case "message.retrying":
            return f"could not finish, it is tried again: {_error_of(frame.payload)}"
        case "message.released":
            return "gave it back, it is handed out again"
        case _:
            return None


def _working(payload: Json) -> str:
    attempt = int(payload.get("attempt") or 1)
    return "is working on it" if attempt == 1 else f"is working on it (attempt {attempt})"


def _error_of(payload: Json) -> str:
    error: Json = payload.get("error") or {}
    return str(error.get("detail") or error.get("code") or "no reason given")


def _progress_of(payload: Json) -> str:
    parts: list[Json] = payload.get("parts") or []
    return text_of(parts) or str(payload.get("preview") or payload.get("status") or "")
