"""``postroom up`` and ``postroom serve``: start a server, say where it is, and leave its address for the other commands."""

import asyncio
import errno
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from postroom.cli.connection import ServerFile, data_option, read_server_file, remove_server_file, write_server_file
from postroom.cli.output import at_terminal, say
from postroom.errors import SetupError
from postroom.settings import Settings, load_settings

if TYPE_CHECKING:
    from postroom.app import Running

Host = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Address to listen on; 127.0.0.1 unless set.")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 8080 unless set, 0 takes a free one.")]
Data = Annotated[Path | None, typer.Option(metavar="DIR", help="Directory of the database, the key and local state.")]
OnReady = Callable[["Running"], Awaitable[None]]
Tell = Callable[[str], None]

_CONNECT_SECONDS = 0.5


def up(
    *,
    host: Host = None,
    port: Port = None,
    data: Data = None,
    demo: Annotated[bool | None, typer.Option("--demo/--no-demo", help="A small team to try; by default in a new post room.")] = None,
    open_page: Annotated[bool | None, typer.Option("--open/--no-open", help="Open the page in a browser.")] = None,
) -> None:
    """Start everything on this machine and show how to begin. Ctrl-C stops it in order, twice at once."""
    from postroom.cli.ready import Welcome

    settings = load_settings(host=host, port=port, data=data)
    welcome = Welcome(settings, demo=demo, open_page=open_page)
    with welcome:
        _serve(settings, welcome.announce, welcome.tell, welcome.show)
    # Only here is it true: whoever stops at once, by a second Ctrl-C or by an error, does not come this far.
    say("Stopped. Unfinished messages go on at the next start.")


def serve(*, host: Host = None, port: Port = None, data: Data = None) -> None:
    """Start a server for others: no demo, no browser, logs only. The database is POSTROOM_DATABASE_URL or the embedded one."""

    settings = load_settings(host=host, port=port, data=data)

    async def ready(running: "Running") -> None:
        say(f"Ready at {running.url}. A login link: postroom login-link{data_option(settings.data)}")

    _serve(settings, say, say, ready)


def _serve(settings: Settings, announce: Tell, tell: Tell, on_ready: OnReady) -> None:
    """Run the server until it is told to stop. Raises SetupError when it can not start."""
    require_no_other(settings.data)
    require_free_port(settings.host, settings.port)
    from postroom import app

    async def ready(running: "Running") -> None:
        found = ServerFile(url=running.url, pid=os.getpid(), operator_token=running.operator_token)
        write_server_file(settings.data, found)
        await on_ready(running)

    with _left_behind(settings.data), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(app.run(settings, announce=announce, tell=tell, on_ready=ready))


@contextmanager
def _left_behind(data: Path) -> Generator[None]:
    """Take the server's file away at the end, so that other commands do not look for a server that is gone."""
    try:
        yield
    finally:
        remove_server_file(data, os.getpid())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


def require_no_other(data: Path) -> None:
    """Two servers in one data directory would fight for one database. A file left by a killed server does not count."""
    other = read_server_file(data)
    if other is not None and other.alive and _answers(other.url):
        raise SetupError(
            f"A server runs in {data} already: {other.url}, process {other.pid}",
            advice="Use it (postroom login-link), stop it, or give this one a directory of its own: --data DIR",
        )


def _answers(url: str) -> bool:
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=_CONNECT_SECONDS):
            return True
    except OSError:
        return False


def require_free_port(host: str, port: int) -> None:
    """Find out before the database starts. The server's own bind decides; this one only makes the usual case quick and clear."""
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.create_server(address[4][:2], family=address[0]):
            return
    except socket.gaierror as error:
        raise SetupError(f"{host} is no address of this machine", advice="Give another one: --host 127.0.0.1") from error
    except OSError as error:
        raise _can_not_listen(host, port, error) from error


def _can_not_listen(host: str, port: int, error: OSError) -> SetupError:
    if error.errno == errno.EADDRINUSE:
        holder = _program_at(port)
        by = f" by {holder}" if holder else ""
        return SetupError(f"Port {port} is in use{by}", advice=f"Stop that, or take another port: --port {port + 1} (0 takes a free one)")
    if error.errno == errno.EACCES:
        return SetupError(f"This user may not listen on port {port}", advice="Take a port from 1024 up: --port 8080")
    return SetupError(f"Can not listen on {host} port {port}: {error.strerror}", advice="Give an address of this machine: --host 127.0.0.1")


def _program_at(port: int) -> str | None:
    """The program that listens there, if this user may see it."""
    import psutil

    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (port,) and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        # Another user's process, or one that has just ended: then the port alone is named.
        return None
    return None


def at_screen() -> bool:
    """Whether somebody sits at this terminal, with a browser at hand."""
    if not at_terminal(sys.stdout) or "SSH_CONNECTION" in os.environ:
        return False
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
