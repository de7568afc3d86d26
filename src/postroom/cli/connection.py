"""Which server a command talks to and by what right: options, then the environment, then the file of the running server.

The file, ``server.json`` in the data directory, is written by ``postroom up`` and ``postroom serve`` while they run. It holds the
operator token, so only its owner may read it, and the token in it goes to no other address than the one beside it.
"""

import json
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from postroom.cli.exits import ExitCode, Stop
from postroom.cli.private_file import write_private
from postroom.settings import load_settings

_FILE_NAME = "server.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """An address, the token to use there, and the data directory that was looked at."""

    url: str
    token: str
    data: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """What the command line says of the server; what it leaves out is in the environment or in the file of a running one."""

    url: str | None
    token: str | None
    data: Path | None

    def connection(self) -> Connection:
        """Server and credential as they are now. Raises Stop, see ``find_connection``."""
        return find_connection(url=self.url, token=self.token, data=self.data)

    def address(self) -> str:
        """The server as it is now. Raises Stop, see ``find_server``."""
        return find_server(self.url, data_directory(self.data)).rstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFile:
    """What a running server says about itself. ``pid`` is its process."""

    url: str
    pid: int
    operator_token: str

    @property
    def alive(self) -> bool:
        """Whether the process that wrote the file may still run; a killed server leaves its file behind."""
        import psutil

        return self.pid != os.getpid() and psutil.pid_exists(self.pid)


def find_connection(*, url: str | None, token: str | None, data: Path | None, environ: Mapping[str, str] | None = None) -> Connection:
    """Find server and credential. Raises Stop that says what to do when either is missing."""
    environ = os.environ if environ is None else environ
    directory = data_directory(data, environ)
    running = read_server_file(directory)
    address = _given_address(url, environ) or _address_of(running, directory)
    credential = token or environ.get("POSTROOM_TOKEN") or environ.get("POSTROOM_ADMIN_TOKEN") or _token_for(address, running)
    return Connection(url=address.rstrip("/"), token=credential, data=directory)


def find_server(url: str | None, data: Path, environ: Mapping[str, str] | None = None) -> str:
    """The address alone, for what needs no credential. Raises Stop when none is known."""
    environ = os.environ if environ is None else environ
    return _given_address(url, environ) or _address_of(read_server_file(data), data)


def data_directory(given: Path | None, environ: Mapping[str, str] | None = None) -> Path:
    """The data directory: the option, POSTROOM_DATA, then the default. Other settings are of no concern to a client."""
    environ = os.environ if environ is None else environ
    only = {name: environ[name] for name in ("POSTROOM_DATA",) if name in environ}
    return load_settings(only, data=given).data


def data_option(data: Path) -> str:
    """What a command needs to find the server of ``data`` from any terminal; nothing for the default directory."""
    return "" if data == load_settings({}).data else f" --data {shlex.quote(str(data))}"


def read_server_file(directory: Path) -> ServerFile | None:
    """The file as it stands, or None where there is none or it does not hold what it should."""
    try:
        found = json.loads((directory / _FILE_NAME).read_bytes())
        return ServerFile(url=str(found["url"]), pid=int(found["pid"]), operator_token=str(found["operator_token"]))
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise Stop(
            f"{directory / _FILE_NAME} belongs to somebody else",
            advice="Give --url and --token, or run the command as the user who runs the server.",
            code=ExitCode.NOT_PERMITTED,
        ) from error
    except (ValueError, KeyError, TypeError):
        return None


def write_server_file(directory: Path, running: ServerFile) -> None:
    """Put the file in place at once and whole, readable by its owner alone. With an external database it may be the directory's first."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(directory / _FILE_NAME, json.dumps(asdict(running)))


def remove_server_file(directory: Path, pid: int) -> None:
    """Take the file away if it is still that of ``pid``; another server may have started meanwhile."""
    found = read_server_file(directory)
    if found is not None and found.pid == pid:
        (directory / _FILE_NAME).unlink(missing_ok=True)


def _given_address(url: str | None, environ: Mapping[str, str]) -> str | None:
    """The address that a person gave. Raises Stop for one that no request can go to."""
    address = url or environ.get("POSTROOM_URL")
    if address and not re.match(r"https?://[^/]", address, re.IGNORECASE):
        where = "--server" if url else "POSTROOM_URL"
        raise Stop(f"{where} is no address: {address}", advice="Start it with http:// or https://.", code=ExitCode.USAGE)
    return address


def _address_of(running: ServerFile | None, directory: Path) -> str:
    if running is None:
        raise _no_server(f"No server runs for {directory}")
    if not running.alive:
        raise _no_server(f"No server runs for {directory}: process {running.pid} ended without saying so")
    return running.url


def _token_for(address: str, running: ServerFile | None) -> str:
    if running is not None and running.url.rstrip("/") == address.rstrip("/"):
        return running.operator_token
    raise Stop(
        f"No credential for {address}",
        advice="Give --token, or set POSTROOM_TOKEN to the operator's or a workspace's token.",
        code=ExitCode.NOT_PERMITTED,
    )


def _no_server(sentence: str) -> Stop:
    advice = "Start one: postroom up. For a server elsewhere: --url and --token, or POSTROOM_URL and POSTROOM_TOKEN."
    return Stop(sentence, advice=advice, code=ExitCode.UNREACHABLE)
