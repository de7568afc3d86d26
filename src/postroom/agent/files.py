"""Files that an agent must not lose and nobody else may read."""

import os
import tempfile
from pathlib import Path
from urllib.parse import quote

from postroom.failpoints import reach


def state_root() -> Path:
    """Where agents on this machine keep their state: POSTROOM_STATE, or ``~/.postroom/agents``."""
    return Path(os.environ.get("POSTROOM_STATE") or "~/.postroom/agents").expanduser().absolute()


def one_element(text: str) -> str:
    """One element of a path, whatever the text holds; ids and names come from outside."""
    return quote(text, safe="").replace(".", "%2E")


def write_whole(path: Path, content: bytes) -> None:
    """Put a file in place at once and whole, mode 0600; on return it is on the disk. Raises OSError."""
    # mkstemp gives a name of its own, so that two processes that write the same file do not mix.
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, suffix=".unfinished")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    reach("agent.file_written")
    Path(unfinished).replace(path)
    reach("agent.file_named")
    _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    """Make a rename durable. Windows can not open directories, and writes their entries through."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
