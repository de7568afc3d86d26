"""Which user PostgreSQL runs as. It refuses root, so a server that was started by root lends it another account."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from postroom.errors import SetupError

# ``initdb`` looks its user up by name, so a bare uid without an account does not do. ``nobody`` is on every system, but other
# programs may run as it, too: whoever minds adds a user ``postroom``.
CANDIDATES = ("postroom", "postgres", "nobody")

# Nothing of our environment reaches PostgreSQL: it may hold secrets, and PG* variables would change what the programs do.
# The start reads messages, so they must be in English.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine. ``lent``: we are root and PostgreSQL is to run as this user."""

    uid: int
    gid: int
    name: str
    lent: bool


def choose_account(cluster: Path) -> Account:
    """The owner of an existing cluster; for a new one ourselves or, when we are root, the first candidate there is.

    Raises SetupError when the cluster belongs to a user that we can not be, or when there is no candidate.
    """
    ours = os.geteuid()
    owner = cluster.stat().st_uid if cluster.exists() else None
    if ours == 0:
        return _lend(cluster, owner)
    if owner not in (None, ours):
        raise SetupError(f"{cluster} belongs to user {_name(owner)}", advice=f"Start the server as root or as user {_name(owner)}.")
    return Account(ours, os.getegid(), _name(ours), lent=False)


def _lend(cluster: Path, owner: int | None) -> Account:
    if owner is None:
        entry = _first_candidate()
        return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, lent=True)
    if owner == 0:
        name = _first_candidate().pw_name
        raise SetupError(f"{cluster} belongs to root, and PostgreSQL does not run as root", advice=f"Run: chown -R {name} {cluster}/")
    return Account(owner, cluster.stat().st_gid, _name(owner), lent=True)


def _first_candidate() -> pwd.struct_passwd:
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in CANDIDATES:
        if name in known and known[name].pw_uid != 0:
            return known[name]
    raise SetupError("PostgreSQL does not run as root", advice="Start the server as a normal user, or run: useradd --system postroom")


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def may_enter(directory: Path, account: Account) -> bool:
    """Whether the account may pass through a directory and everything above it.

    Judged by owner, group and mode. Access that only an ACL grants is not seen: files are then copied without need.
    """
    return all(_passes(path.stat(), account) for path in (directory, *directory.parents))


def _passes(status: os.stat_result, account: Account) -> bool:
    shift = 6 if status.st_uid == account.uid else 3 if status.st_gid == account.gid else 0
    return bool(status.st_mode >> shift & 0o1)


def give(path: Path, account: Account, mode: int) -> None:
    """Make the account owner of a file or directory of ours, with these permissions."""
    if account.lent:
        os.chown(path, account.uid, account.gid)
    path.chmod(mode)


def spawn(
    command: Sequence[str | Path],
    account: Account,
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a program as the account, in its own session: Ctrl-C at our terminal must not reach it, we stop it in order."""
    return subprocess.Popen(
        command,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        cwd="/",
        env=ENVIRONMENT,
        umask=0o077,
        start_new_session=True,
        user=account.uid if account.lent else None,
        group=account.gid if account.lent else None,
        extra_groups=[] if account.lent else None,
    )


def run(command: Sequence[str | Path], account: Account, *, text: str = "") -> tuple[int, str]:
    """Run a program to its end with ``text`` as its input. Returns its exit code and all that it printed."""
    with spawn(command, account, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        printed, _ = process.communicate(text.encode())
        return process.returncode, printed.decode(errors="replace")
