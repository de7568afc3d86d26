"""Replies on disk: written before they are sent, kept until they are taken, and long enough after that to answer a redelivery.

One file per reply, below one directory per workspace::

    waiting/<message id>.json     not taken yet: sent until it is
    settled/<message id>.json     taken, or its lease counts no longer: kept to answer a redelivery

A file gets its name by a rename after its bytes were synced, and the directory is synced after that: a reply survives kill -9 and power
loss from the moment that ``put`` has returned, and is never seen half. The calls block for these syncs; an agent makes one per message.
"""

import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from postroom.agent.files import one_element, state_root, write_whole
from postroom.errors import SetupError
from postroom.failpoints import reach

Json = dict[str, Any]

log = logging.getLogger(__name__)

# A message can come again for as long as it lives (deadline, 24 h by default) or is replayed by hand; a week covers both.
KEEP_SECONDS = 7 * 86400
# What a killed process left half written: no writer takes this long.
UNFINISHED_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A reply on disk. ``token`` is the lease that it was computed under; ``fields`` are those of the reply call."""

    workspace_id: str
    message_id: str
    token: Any
    fields: Json


class ReplyStore:
    """The replies of one workspace. Several processes may share the directory."""

    def __init__(self, directory: Path) -> None:
        """Open or make the directory, for its owner's eyes only. Raises SetupError when that is not possible."""
        self._waiting = directory / "waiting"
        self._settled = directory / "settled"
        try:
            for folder in (self._waiting, self._settled):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._forget_old()
        except OSError as error:
            advice = "Name another directory with POSTROOM_STATE, or make this one writable."
            raise SetupError(f"replies can not be kept in {directory}: {error.strerror}", advice=advice) from error

    def put(self, kept: Kept) -> None:
        """Write the reply; on return it is on the disk. Raises OSError when it can not be."""
        # Both names at once do no harm after a crash in between: what waits is what counts.
        write_whole(self._waiting / _name(kept.message_id), orjson.dumps(asdict(kept)))
        (self._settled / _name(kept.message_id)).unlink(missing_ok=True)
        reach("agent.stored")

    def kept(self, message_id: str) -> Kept | None:
        """The reply that was computed for this message, whether it was taken or not."""
        found = (_read(folder / _name(message_id)) for folder in (self._waiting, self._settled))
        return next((kept for kept in found if kept is not None), None)

    def waiting(self) -> list[Kept]:
        """The replies that nobody has taken yet, oldest first."""
        files = sorted(self._waiting.glob("*.json"), key=_age, reverse=True)
        return [kept for file in files if (kept := _read(file)) is not None]

    def settle(self, kept: Kept) -> None:
        """Send it no more. A reply that was put again under a newer lease meanwhile goes on waiting."""
        file = self._waiting / _name(kept.message_id)
        if _read(file) == kept:
            file.replace(self._settled / file.name)

    def drop(self, kept: Kept) -> None:
        """Forget it, so that the message would be handled anew if it came again."""
        for folder in (self._waiting, self._settled):
            (folder / _name(kept.message_id)).unlink(missing_ok=True)

    def _forget_old(self) -> None:
        old = [file for file in self._settled.glob("*.json") if _age(file) > KEEP_SECONDS]
        unfinished = [file for file in self._waiting.glob("*.unfinished") if _age(file) > UNFINISHED_SECONDS]
        for file in old + unfinished:
            file.unlink(missing_ok=True)


def state_directory(workspace_id: str) -> Path:
    """Where the replies of one workspace are kept when nobody says otherwise."""
    return state_root() / one_element(workspace_id)


def _name(message_id: str) -> str:
    return f"{one_element(message_id)}.json"


def _read(path: Path) -> Kept | None:
    try:
        return Kept(**orjson.loads(path.read_bytes()))
    except FileNotFoundError:
        # Another process of the same agent settled it between listing and reading.
        return None
    except (ValueError, TypeError):
        # A damaged disk, or somebody's editor: put aside, it stops nothing else and can be looked at.
        log.exception("%s holds no reply", path)
        path.replace(path.with_suffix(".broken"))
        return None


def _age(path: Path) -> float:
    """Seconds since the file was written; 0 when another process has moved it away meanwhile."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
