"""Checks of this machine: Python, the settings, the data directory, the disk."""

import os
import platform
import sys
from pathlib import Path

from postroom.cli.checkup import Finding, fail, ok, warn
from postroom.db.checks import disk_room
from postroom.errors import SetupError
from postroom.settings import Settings, load_settings

_OLDEST_PYTHON = (3, 11)
# Below four reserves the disk fills within days of steady use, so it is worth a word before messages are refused.
_RESERVES_TO_WARN = 4
# All but the passing through that the account of the embedded PostgreSQL needs when the server runs as root.
_OPEN = 0o067
_MIB = 1024 * 1024


def read_settings(data: Path | None) -> tuple[Settings, list[Finding]]:
    """The settings of the environment; the defaults where they can not be read, so that the other checks still run."""
    try:
        return load_settings(data=data), [ok("settings", "can be read")]
    except SetupError as error:
        return load_settings({}, data=data), [fail("settings", error.sentence, error.advice)]


def look(settings: Settings) -> list[Finding]:
    """All checks of the machine."""
    return [check_python(sys.version_info[:2]), check_directory(settings.data), check_disk(settings.data, settings.disk_reserve)]


def check_python(version: tuple[int, int]) -> Finding:
    """Old ones lack task groups."""
    if version < _OLDEST_PYTHON:
        return fail("python", platform.python_version(), "Install Python 3.11 or newer.")
    return ok("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def check_directory(data: Path) -> Finding:
    """The directory holds keys and all messages: it must be usable, and closed to others."""
    subject = "data directory"
    if not data.exists():
        return ok(subject, f"{data} is made at the first start")
    if not data.is_dir() or not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        return fail(subject, f"{data} can not be written", "Change its owner, or name another one: POSTROOM_DATA")
    if os.name == "posix" and data.stat().st_mode & _OPEN:
        return warn(subject, f"{data} is open to other users", f"chmod 700 {data}")
    return ok(subject, str(data))


def check_disk(data: Path, reserve: int) -> Finding:
    """New messages are refused when the free space falls below the reserve."""
    existing = next(path for path in (data, *data.parents) if path.exists())
    free = disk_room(existing).free
    found = f"{free // _MIB:,} MiB free"
    if free < reserve:
        return fail("disk", f"{found}, under the reserve of {reserve // _MIB} MiB: new messages are refused", "Free some space.")
    if free < _RESERVES_TO_WARN * reserve:
        return warn("disk", found, f"Free some space: below {reserve // _MIB} MiB new messages are refused.")
    return ok("disk", found)
