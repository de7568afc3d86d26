"""The first start: a whole cluster under its final name, or none.

``initdb`` killed at a bad moment leaves a directory that looks like a cluster and never works (8 of 8 moments tried). So all is
made under another name, reaches the disk, and is renamed; whatever has the other name at the next start is deleted.
"""

import secrets
from importlib.resources import files
from pathlib import Path

from postroom.db.embedded.account import give, run
from postroom.db.embedded.binaries import MAJOR, Binaries
from postroom.db.embedded.configure import write_settings
from postroom.db.embedded.place import CLUSTER, Place, link_cluster, password, sync_directory
from postroom.errors import SetupError
from postroom.failpoints import reach

APP_PASSWORD = "pg"  # noqa: S105 - names of files: pg.password, pg.superuser.password
SUPERUSER_PASSWORD = "pg.superuser"  # noqa: S105

ADVICE = (
    ("No space left on device", "Free some disk space and start again; nothing is lost."),
    ("could not look up effective user ID", "Give the user that the server runs as an entry in /etc/passwd."),
    ("Permission denied", "Let the user that PostgreSQL runs as own the files named above."),
    ("shared memory", "Free some memory, or raise the limit of the container, and start again."),
    ("Unix", "Make room for the socket: see pg.socket in the data directory."),
    ("incompatible with server", "Start with the release of Postroom that made this data directory."),
    ("checkpoint record", "The files are damaged: restore a backup. Delete nothing below pg_wal."),
)


def ensure_cluster(place: Place, binaries: Binaries, sockets: Path) -> None:
    """Make the cluster unless there is one, and check that these programs can read it. Raises SetupError."""
    if not place.cluster.exists():
        _create(place, binaries, sockets)
    link_cluster(place)
    reach("create.linked")
    version = place.cluster / "PG_VERSION"
    made_by = version.read_text().strip() if version.exists() else "(PG_VERSION is missing)"
    if made_by != str(MAJOR):
        raise SetupError(
            f"{place.cluster} was made by PostgreSQL {made_by}, this is PostgreSQL {MAJOR}",
            advice="Start with the release of Postroom that made it, dump the database there and restore it here.",
        )


def _create(place: Place, binaries: Binaries, sockets: Path) -> None:
    new = place.home / f"{CLUSTER}.new.{secrets.token_hex(4)}"
    new.mkdir(mode=0o700)
    give(new, place.account, 0o700)
    reach("create.directory")
    _initdb(place, binaries, new)
    reach("create.initdb")
    write_settings(new, sockets, place.account)
    reach("create.settings")
    _add_role_and_database(place, binaries, new)
    reach("create.roles")
    _do(place, [binaries.program("initdb"), "--sync-only", "-D", new])
    reach("create.synced")
    new.rename(place.cluster)
    reach("create.renamed")
    sync_directory(place.home)


def _initdb(place: Place, binaries: Binaries, new: Path) -> None:
    # Nothing syncs until --sync-only does it for the whole tree at once. Nobody can connect with what initdb writes (reject):
    # the passwords come with the roles.
    options = ["--no-sync", "--no-instructions", "--data-checksums", "--username=postgres", "--auth=reject"]
    # The builtin provider sorts the same on every machine and in every release of the C library.
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    _do(place, [binaries.program("initdb"), "-D", new, *options, *locale])


def _add_role_and_database(place: Place, binaries: Binaries, new: Path) -> None:
    """Run create.sql in a server of one process without any connection. Its input is a pipe: no password is in an argument."""
    statements = files("postroom").joinpath("sql/cluster/create.sql").read_text()
    text = statements.format(app=password(place, APP_PASSWORD), superuser=password(place, SUPERUSER_PASSWORD))
    options = ["--single", "-F", "-j", "-c", "exit_on_error=true", "-c", "log_checkpoints=off"]
    _do(place, [binaries.program("postgres"), *options, "-D", new, "postgres"], text=text)


def _do(place: Place, command: list[str | Path], *, text: str = "") -> None:
    code, printed = run(command, place.account, text=text)
    if code != 0:
        raise failed("The database could not be made", printed)


def failed(sentence: str, log: str) -> SetupError:
    """A SetupError with the last lines that PostgreSQL had to say, and the advice that fits them."""
    last = "\n".join(log.strip().splitlines()[-8:]) or "(PostgreSQL gave no reason)"
    advice = next((advice for words, advice in ADVICE if words in last), "Read the last lines of PostgreSQL above.")
    return SetupError(f"{sentence}:\n{last}", advice=advice)
