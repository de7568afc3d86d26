"""What this process holds, noted on disk, so that the next one need not wait for leases of a process that was killed.

One directory per process below ``held/``, named after its pid and the time it began, with one file per message that it works on. What a
dead process held is given back as failed attempts (a message that kills its agent must use up its attempts) and comes again within
seconds. The notes are hints: without them the lease runs out.
"""

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psutil

from postroom.agent.files import one_element
from postroom.client import Client, Item
from postroom.errors import PostroomError
from postroom.failpoints import reach

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A lease of a process that is gone."""

    workspace_id: str
    message_id: str
    token: Any


class Holdings:
    """The notes of this process; ``directory`` is shared by all processes of one workspace."""

    def __init__(self, directory: Path) -> None:
        self._root = directory / "held"
        self._mine = self._root / _name(psutil.Process())
        self._mine.mkdir(mode=0o700, parents=True, exist_ok=True)

    def note(self, item: Item) -> None:
        """From now on this process works on it."""
        held = {"workspace_id": str(item.workspace_id), "message_id": item.message_id, "token": item.token}
        (self._mine / one_element(item.message_id)).write_bytes(orjson.dumps(held))

    def forget(self, item: Item) -> None:
        """It is done with, or given back."""
        (self._mine / one_element(item.message_id)).unlink(missing_ok=True)

    def close(self) -> None:
        """The end of this process. What the server could not be told stays noted for the next one."""
        if not any(self._mine.iterdir()):
            self._mine.rmdir()

    async def give_back(self, client: Client) -> None:
        """Hand what dead processes held back to the post room."""
        for place in self._root.iterdir():
            if not _lives(place.name):
                reach("agent.left_behind")
                await _give_back_all(place, client)
                reach("agent.given_back")
                shutil.rmtree(place, ignore_errors=True)


def _name(process: psutil.Process) -> str:
    return f"{process.pid}-{process.create_time()}"


def _lives(name: str) -> bool:
    """Whether the process that bears this name is there; its pid may belong to another one by now."""
    pid = name.partition("-")[0]
    try:
        return pid.isdecimal() and _name(psutil.Process(int(pid))) == name
    except psutil.NoSuchProcess:
        return False


async def _give_back_all(place: Path, client: Client) -> None:
    for held in _read_all(place):
        try:
            await client.fail(held, "the agent's process ended while it worked", retry=True)
        except PostroomError as error:
            # Somebody else has it, or it has ended; if the server is away the lease runs out.
            log.info("message %s was not given back: %s", held.message_id, error)


def _read_all(place: Path) -> list[Held]:
    return [held for file in place.iterdir() if (held := _read(file)) is not None]


def _read(file: Path) -> Held | None:
    try:
        return Held(**orjson.loads(file.read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        # Killed between making the file and filling it.
        return None
