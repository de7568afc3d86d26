"""What happens to every request, HTTP and WebSocket, before a route sees it and after it has answered. The whole list is LAYERS."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from postroom.clock import monotonic
from postroom.edges.context import REQUEST_ID_HEADER, choose_request_id, is_secure, request_id_of
from postroom.edges.problems import codes_of, problem_of, problem_response
from postroom.errors import Forbidden, Malformed, PostroomError
from postroom.settings import Settings

log = structlog.get_logger()

Layer = Callable[[Scope, Receive, Send, ASGIApp], Awaitable[None]]

_REQUEST_ID: Final = REQUEST_ID_HEADER.encode()
_HEADERS: Final = (
    (b"content-security-policy", b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
# Heeded where the browser trusts the origin (https, the own machine) and complained of on the console everywhere else (HTML, 7.1.3).
_ALONE: Final = (b"cross-origin-opener-policy", b"same-origin")
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_NUL = re.compile(rb"%00|\x00")


def wrap(app: ASGIApp, settings: Settings) -> ASGIApp:
    """The application within all layers, the first one outermost."""
    layers: list[Layer] = [follow, answer_faults, AddHeaders(settings), check_path, HostGuard(settings)]
    for layer in reversed(layers):
        app = _within(layer, app)
    return app


def _within(layer: Layer, app: ASGIApp) -> ASGIApp:
    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await layer(scope, receive, send, app)

    return call


async def follow(scope: Scope, receive: Receive, send: Send, app: ASGIApp) -> None:
    """Give the request its id, tell it to the caller, and log how it ended. No query, header or body is logged: they hold secrets."""
    request_id = choose_request_id(Headers(scope=scope).get(REQUEST_ID_HEADER))
    scope.setdefault("state", {})["request_id"] = request_id
    began = monotonic()
    status = 0

    async def send_named(message: Message) -> None:
        nonlocal status
        if message["type"] in _STARTS:
            status = message.get("status", 101)
            _raw(message).append((_REQUEST_ID, request_id.encode()))
        await send(message)

    try:
        await app(scope, receive, send_named)
    finally:
        _log(status, path=scope["path"], method=scope.get("method", "WS"), seconds=round(monotonic() - began, 4), request_id=request_id)


_STARTS: Final = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})


def _log(status: int, **fields: Any) -> None:
    # What went well or was the caller's own mistake is for those who look for it: a line for each would cost a busy server more than the
    # request itself, and would drown what is the server's.
    tell = log.warning if status >= 500 else log.debug
    tell("request", status=status, **fields)


async def answer_faults(scope: Scope, receive: Receive, send: Send, app: ASGIApp) -> None:
    """Whatever no handler took becomes an answer in our shape, or, when one had begun, the end of the connection."""
    begun = False

    async def send_noting(message: Message) -> None:
        nonlocal begun
        begun = True
        await send(message)

    try:
        await app(scope, receive, send_noting)
    except Exception as raised:  # boundary: a fault of one request must not become the server's
        error = problem_of(raised, request_id_of(scope), place=scope["type"])
        if not begun:
            await problem_response(error, request_id_of(scope))(scope, receive, send)
        elif scope["type"] == "websocket":
            await _close(send, error)


async def _close(send: Send, error: PostroomError) -> None:
    try:
        await send({"type": "websocket.close", "code": codes_of(error).close, "reason": error.name})
    except RuntimeError:
        # It had been closed already, by us or by the other side.
        return


class AddHeaders:
    """Headers that tell a browser what not to do. Answers are not to be kept by caches unless they say otherwise."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send, app: ASGIApp) -> None:
        async def send_with(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = _raw(message)
                given = {name for name, _ in headers}
                headers += [header for header in self._headers(scope) if header[0] not in given]
            await send(message)

        await app(scope, receive, send_with)

    def _headers(self, scope: Scope) -> tuple[tuple[bytes, bytes], ...]:
        connection = HTTPConnection(scope)
        place = _split(connection.headers.get("host", ""))
        trusted = is_secure(connection, self._settings) or (place is not None and place[0] in _LOOPBACK)
        return (*_HEADERS, _ALONE) if trusted else _HEADERS


def _raw(message: MutableMapping[str, Any]) -> list[tuple[bytes, bytes]]:
    """The message's own list of headers, to be changed in place."""
    message["headers"] = list(message.get("headers", ()))
    return message["headers"]


async def check_path(scope: Scope, receive: Receive, send: Send, app: ASGIApp) -> None:
    """Refuse U+0000 in path and query, which no text of ours holds and PostgreSQL can not store."""
    if _NUL.search(scope.get("raw_path", b"") + scope["query_string"]) or "\0" in scope["path"]:
        await _refuse(Malformed("U+0000 stands in the address."), scope, receive, send)
        return
    await app(scope, receive, send)


class HostGuard:
    """Answers only to the names that are this server's: a page whose name was made to point here (DNS rebinding) is refused (S4)."""

    def __init__(self, settings: Settings) -> None:
        self._names = frozenset({*_LOOPBACK, settings.host.lower()} - {"0.0.0.0", "::"})  # noqa: S104 - left out
        given = [*settings.allowed_hosts, *([urlsplit(settings.public_url).netloc] if settings.public_url else [])]
        self._given = frozenset(place for host in given if (place := _split(host)) is not None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, app: ASGIApp) -> None:
        hosts = Headers(scope=scope).getlist("host")
        if len(hosts) != 1 or not self._knows(hosts[0], scope):
            advice = "This server does not answer to this Host. POSTROOM_ALLOWED_HOSTS names further ones."
            await _refuse(Forbidden(advice, code="host_not_allowed"), scope, receive, send)
            return
        await app(scope, receive, send)

    def _knows(self, host: str, scope: Scope) -> bool:
        place = _split(host)
        if place is None:
            return False
        name, port = place
        own = (scope.get("server") or (None, None))[1]
        default = 443 if scope["scheme"] in ("https", "wss") else 80
        # A name that is given without a port stands for every port.
        return (name in self._names and (port or default) == own) or place in self._given or (name, None) in self._given


@lru_cache(maxsize=256)
def _split(host: str) -> tuple[str, int | None] | None:
    """Name and port; None for what is no host."""
    try:
        parts = urlsplit(f"//{host}")
        name, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not name or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        return None
    return name.rstrip("."), port


async def _refuse(error: PostroomError, scope: Scope, receive: Receive, send: Send) -> None:
    await problem_response(error, request_id_of(scope))(scope, receive, send)
