"""Secrets that live in files of the data directory, 0600, made on first start."""

import os
import secrets
from pathlib import Path


def read_or_make(path: Path, make: str | None = None) -> str:
    """The secret in a file; made, when there is none, by writing a new file and linking it into place: two starters agree on one."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write((make or secrets.token_urlsafe(48)) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(fresh)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_text(encoding="ascii").strip()
