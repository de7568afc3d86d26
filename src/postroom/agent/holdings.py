"""What this process holds, noted on disk, so that the next one need not wait for leases of a process that was killed.

One directory per process below ``held/``, locked for as long as the process lives, with one file per message that it works on. A directory
whose lock is free belongs to a dead process: its messages are given back as failed attempts (a message that kills its agent must use up its
attempts) and come again within seconds. The notes are hints: without them the lease runs out.
"""

import fcntl
import logging
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from postroom.agent.files import one_element
from postroom.client import Client, Item
from postroom.errors import PostroomError

log = logging.getLogger(__name__)

_LOCK = "lock"


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
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._mine = Path(tempfile.mkdtemp(dir=self._root))
        self._lock = os.open(self._mine / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def note(self, item: Item) -> None:
        """From now on this process works on it."""
        held = {"workspace_id": str(item.workspace_id), "message_id": item.message_id, "token": item.token}
        (self._mine / one_element(item.message_id)).write_bytes(orjson.dumps(held))

    def forget(self, item: Item) -> None:
        """It is done with, or given back."""
        (self._mine / one_element(item.message_id)).unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing is held any more."""
        shutil.rmtree(self._mine, ignore_errors=True)
        os.close(self._lock)

    async def give_back(self, client: Client) -> None:
        """Hand what dead processes held back to the post room."""
        for place in self._root.iterdir():
            if place != self._mine and (lock := _take_lock(place)) is not None:
                await _give_back_all(place, client)
                shutil.rmtree(place, ignore_errors=True)
                os.close(lock)


async def _give_back_all(place: Path, client: Client) -> None:
    for file in place.iterdir():
        if file.name != _LOCK and (held := _read(file)) is not None:
            try:
                await client.fail(held, "the agent's process ended while it worked", retry=True)
            except PostroomError as error:
                # Somebody else has it, or it has ended; if the server is away the lease runs out.
                log.info("message %s was not given back: %s", held.message_id, error)


def _take_lock(place: Path) -> int | None:
    """The lock of a process that is gone; None while it lives, or when another one is at it."""
    try:
        lock = os.open(place / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _read(file: Path) -> Held | None:
    try:
        return Held(**orjson.loads(file.read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        # Killed between making the file and filling it.
        return None
