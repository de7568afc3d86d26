"""The HTTP server: uvicorn, set up in code, on sockets that are ours before anything else starts."""

import asyncio
import errno
import ipaddress
import logging
import socket
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, cast

import uvicorn
from starlette.types import ASGIApp

from postroom.edges.patience import Limits, PatientProtocol
from postroom.errors import SetupError
from postroom.settings import Settings

_KEEP_ALIVE_SECONDS: Final = 30
_PING_SECONDS: Final = 20.0
# Taken over by every connection: a client whose host or network is gone is noticed some 11 s later (R83), also while it waits.
_PROBES: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 2), ("TCP_KEEPCNT", 3))
        if hasattr(socket, name)
    ),
)
# What close() gives to requests that are still being answered; what may take longer has been drained before.
_CLOSE_SECONDS: Final = 3


class HttpServer:
    """One server on its own sockets. Whoever makes it decides when it stops: it listens to no signal."""

    def __init__(self, settings: Settings) -> None:
        """Take the port. Raises SetupError when that can not be done."""
        self._settings = settings
        self._sockets = open_sockets(settings.host, settings.port)
        self._server: _Server | None = None
        self.port: int = self._sockets[0].getsockname()[1]
        self.started = asyncio.Event()

    @property
    def url(self) -> str:
        """The address for a client on this machine."""
        return f"http://{_named(self._settings.host)}:{self.port}"

    async def serve(self, app: ASGIApp) -> None:
        """Answer until ``close``, or until cancelled."""
        self._server = _Server(_configure(app, self._settings), self.started)
        try:
            await self._server.serve(sockets=self._sockets)
        finally:
            self._server.drop()

    def begin_drain(self) -> None:
        """Take no new connection, and let each one go after the answer that it waits for. Streams end by themselves."""
        if self._server is not None:
            self._server.begin_drain()
        for listener in self._sockets:
            listener.close()

    async def close(self) -> None:
        """End the server: what is still being answered has a few seconds."""
        self.begin_drain()
        if self._server is not None:
            self._server.should_exit = True
            await self._server.finished.wait()


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, which would take the process' stop out of our hands."""

    def __init__(self, config: uvicorn.Config, started: asyncio.Event) -> None:
        super().__init__(config)
        self._told = started
        self.finished = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._told.set()

    def begin_drain(self) -> None:
        self._stop_listening()
        for connection in list(self.server_state.connections):
            if isinstance(connection, PatientProtocol):
                connection.shutdown()

    def drop(self) -> None:
        """Whatever is left ends here."""
        self._stop_listening()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        self.finished.set()

    def _stop_listening(self) -> None:
        # Not there before the start-up is over.
        for listener in getattr(self, "servers", ()):
            listener.close()


def _configure(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    # Its own lines would go past our log's form, and anybody could fill the log with its warnings about bad requests.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    return uvicorn.Config(
        cast(Any, app),
        http=cast(Any, partial(PatientProtocol, limits=Limits.from_settings(settings))),
        ws="websockets-sansio",
        ws_max_size=settings.reply_limit,
        ws_ping_interval=_PING_SECONDS,
        ws_ping_timeout=_PING_SECONDS,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_CLOSE_SECONDS,
    )


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Listening sockets on every address of ``host``, all on one port; port 0 takes a free one. Raises SetupError."""
    opened: list[socket.socket] = []
    try:
        for family, address in _addresses(host, port):
            listener = _listen(family, address, port, optional=bool(opened))
            if listener is not None:
                opened.append(listener)
                port = listener.getsockname()[1]
    except OSError as error:
        for listener in opened:
            listener.close()
        raise _can_not_listen(host, port, error) from error
    return opened


def _listen(family: socket.AddressFamily, address: str, port: int, *, optional: bool) -> socket.socket | None:
    try:
        listener = socket.create_server((address, port), family=family, backlog=2048)
        for level, option, value in _PROBES:
            listener.setsockopt(level, option, value)
        return listener
    except OSError as error:
        # A name such as localhost may stand for ::1 on a machine without IPv6.
        if optional and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            return None
        raise


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_ADDRCONFIG)
    return list(dict.fromkeys((item[0], str(item[4][0])) for item in found))


def _can_not_listen(host: str, port: int, error: OSError) -> SetupError:
    if error.errno == errno.EADDRINUSE:
        return SetupError(f"Port {port} is in use.", advice=f"Stop what uses it, or take another port: POSTROOM_PORT={port + 1}")
    if error.errno == errno.EACCES:
        return SetupError(f"This user may not listen on port {port}.", advice="Take a port from 1024 up: POSTROOM_PORT=8080")
    return SetupError(f"Can not listen on {host} port {port}.", advice="Give an address of this machine: POSTROOM_HOST=127.0.0.1")


def _named(host: str) -> str:
    """The host as it stands in a URL; a server on every address is reached by loopback."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return f"[{address}]" if address.version == 6 else str(address)
