"""Where the parts of one embedded PostgreSQL lie, who may enter, and who holds it.

<data>/             0700; when root lends an account: owned by root, 0710, so that the account's group may pass through
    postgres.lock   flock of the server that uses this directory; holds its process id
    pg.password     of the role ``postroom``, which the server uses
    pg.superuser.password  of the role ``postgres``, for the operator
    pg/             the cluster; a link to <shared>/clusters/<name>/pg when the account can not reach <data>
    socket/         0700, the only door; elsewhere when the path is too long, which ``pg.socket`` then remembers
"""

import asyncio
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import socket
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from postroom.clock import monotonic
from postroom.db.embedded.account import Account, choose_account, give, may_enter
from postroom.errors import SetupError

LOCK = "postgres.lock"
CLUSTER = "pg"
SHARED = Path("/var/lib/postroom")
LOCK_SECONDS = 0.5

# A socket's path is limited to 107 bytes (Linux) or 103 (macOS), and PostgreSQL adds "/.s.PGSQL.5432.lock".
SOCKET_DIRECTORY_BYTES = 80
# Characters that need no quoting in a connection URL and in a list of directories.
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")


@dataclass(frozen=True, slots=True)
class Place:
    """One data directory. ``home`` holds the cluster: ``data`` itself, or a directory that the account can reach."""

    data: Path
    home: Path
    account: Account

    @property
    def cluster(self) -> Path:
        return self.home / CLUSTER

    @property
    def logs(self) -> Path:
        return self.cluster / "log"


def open_data(data: Path) -> None:
    """Make the data directory, or make an existing one private.

    Raises SetupError instead of closing a directory that holds other things and that others may use, like ``/tmp``.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        shared = stat.S_IMODE(data.stat().st_mode) & 0o067
        if shared and any(data.iterdir()) and not (data / LOCK).exists():
            raise SetupError(f"{data} is open to other users and holds other things", advice="Choose an empty or new directory.")
        if shared:
            data.chmod(0o700)
    except OSError as error:
        raise SetupError(f"{data} can not be used: {error.strerror}", advice="Choose another data directory.") from error


async def hold(data: Path) -> int:
    """Hold the data directory against other servers, until the returned descriptor is closed or the process ends in any way.

    Raises SetupError that names the holder, after LOCK_SECONDS.
    """
    try:
        descriptor = os.open(data / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise SetupError(f"{data / LOCK} belongs to another user", advice="Start the server as the user who owns it.") from error
    try:
        await _lock(descriptor, data)
    except (SetupError, asyncio.CancelledError):
        os.close(descriptor)
        raise
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


async def _lock(descriptor: int, data: Path) -> None:
    """Take the lock. A server that was killed while it started a program leaves it for milliseconds to the half-started child."""
    limit = monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if monotonic() > limit:
                raise _in_use(data, os.pread(descriptor, 20, 0).decode(errors="replace") or "(unknown)") from error
            await asyncio.sleep(0.01)
        else:
            return


def _in_use(data: Path, holder: str) -> SetupError:
    return SetupError(
        f"Another server uses {data}: process {holder}",
        advice=f"Stop process {holder} first, or start this server with another data directory.",
    )


def settle(data: Path, shared: Path) -> Place:
    """Decide on account and home, make them fit, and clear what an interrupted first start left. Call while it is held.

    Raises SetupError.
    """
    link = data / CLUSTER
    if link.is_symlink() and not link.exists():
        raise SetupError(
            f"The database of {data} is gone: it was in {link.readlink()}",
            advice=f"Bring that directory back. To give up everything in it and begin anew, delete {link}.",
        )
    account = choose_account(link)
    home = _choose_home(data, account, shared)
    if home == data.resolve() or shared in home.parents:
        _let_in(home, account)
    if account.lent and not may_enter(home, account):
        raise SetupError(
            f"User {account.name}, as which PostgreSQL runs, can not reach {home}",
            advice="Move it to where all directories above let others pass (chmod o+x), for example below /srv.",
        )
    for leftover in home.glob(f"{CLUSTER}.new.*"):
        # What a dying initdb still writes while we delete goes with the next start: its name is never used again.
        shutil.rmtree(leftover, ignore_errors=True)
    return Place(data, home, account)


def _choose_home(data: Path, account: Account, shared: Path) -> Path:
    if (data / CLUSTER).exists():
        return (data / CLUSTER).resolve().parent
    if not account.lent or may_enter(data.resolve().parent, account):
        return data.resolve()
    clusters = shared / "clusters"
    clusters.mkdir(mode=0o755, parents=True, exist_ok=True)
    prefix = hashlib.sha256(bytes(data.resolve())).hexdigest()[:12]
    _clear_unfinished(clusters, prefix)
    home = clusters / f"{prefix}-{secrets.token_hex(4)}"
    home.mkdir(mode=0o700)
    return home


def _clear_unfinished(clusters: Path, prefix: str) -> None:
    """Delete homes of this data directory that never got a cluster. One that has a cluster is never deleted."""
    for home in clusters.glob(f"{prefix}-*"):
        if not (home / CLUSTER).exists():
            shutil.rmtree(home, ignore_errors=True)


def _let_in(home: Path, account: Account) -> None:
    """Root keeps the directory, so that nothing the account puts there can mislead root; the account's group passes through."""
    if account.lent:
        os.chown(home, 0, account.gid)
        home.chmod(0o710)


def link_cluster(place: Place) -> None:
    """Note in the data directory where its cluster lies. Atomic; it is what ends a first start away from the data directory."""
    link = place.data / CLUSTER
    if not link.exists():
        link.symlink_to(place.cluster)
        sync_directory(place.data)


def disk_places(data: Path) -> tuple[Path, ...]:
    """What lies on file systems that may fill up: the data directory, its cluster and the cluster's log. Each may be a link."""
    return (data, data / CLUSTER, data / CLUSTER / "pg_wal")


def password(place: Place, name: str) -> str:
    """Read a password of this data directory. It is made, 0600, when there is no cluster yet; raises SetupError otherwise."""
    path = place.data / f"{name}.password"
    if not path.exists():
        if place.cluster.exists():
            raise SetupError(f"{path} is missing", advice="Restore it from a backup: the database was made with what is in it.")
        write_private(path, secrets.token_hex(24))
    return path.read_text().strip()


def write_private(path: Path, text: str, account: Account | None = None) -> None:
    """Write a file whole or not at all, 0600, for ourselves or for the account."""
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        _fill(descriptor, new, text, account)
        new.replace(path)
    except OSError:
        # A full disk is tried again and again: each try would leave a file.
        new.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def _fill(descriptor: int, new: Path, text: str, account: Account | None) -> None:
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        if account is not None:
            give(new, account, 0o600)
        file.flush()
        os.fsync(descriptor)


def sync_directory(directory: Path) -> None:
    """Make names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def socket_directory(place: Place) -> Path:
    """The private directory of the socket: in the home, or a short one elsewhere that the data directory remembers."""
    near = place.home / "socket"
    if _suits(near):
        near.mkdir(mode=0o700, exist_ok=True)
        give(near, place.account, 0o700)
        return near
    note = place.data / "pg.socket"
    if note.exists() and _is_private(Path(note.read_text()), place.account):
        return Path(note.read_text())
    short = Path(tempfile.mkdtemp(prefix="postroom-", dir=_short_parent(place.account)))
    give(short, place.account, 0o700)
    write_private(note, str(short))
    return short


def _suits(directory: Path) -> bool:
    """Whether a socket can be there. Some network and container file systems do not know sockets, so one is tried."""
    if len(bytes(directory)) > SOCKET_DIRECTORY_BYTES or not PLAIN_PATH.fullmatch(str(directory)):
        return False
    trial = directory.with_name(f"socket.{secrets.token_hex(4)}")
    try:
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(str(trial))
        trial.unlink()
    except OSError:
        return False
    return True


def _short_parent(account: Account) -> str:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    fits = len(os.fsencode(runtime)) < SOCKET_DIRECTORY_BYTES - 20 and PLAIN_PATH.fullmatch(runtime) and Path(runtime).is_dir()
    return runtime if fits and not account.lent else "/tmp"  # noqa: S108 - mkdtemp makes a directory of its own, 0700


def _is_private(directory: Path, account: Account) -> bool:
    """Whether a remembered directory is still ours alone; anyone may have put something in its place below /tmp."""
    try:
        status = directory.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o700 and status.st_uid == account.uid
