"""Who is calling, and under which names the call is followed. Every edge asks here, and nowhere else.

The caller is the one that the credential says: a bearer token, or the session cookie of a browser. A cookie is sent by the browser
whoever wrote the page, so what changes something, and every WebSocket, must also come from our own origin. The origin never lets anybody
in: it only keeps a cookie's owner from being used (lessons.md, L20 and L23).
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from starlette.requests import HTTPConnection
from starlette.types import Scope

from postroom.core.identity.model import Principal, PrincipalKind
from postroom.core.services import Services
from postroom.errors import Forbidden, OutcomeUnknown, Unauthenticated, Unavailable
from postroom.ids import new_id
from postroom.settings import Settings

LookUp = Callable[[str], Awaitable[Principal]]

REQUEST_ID_HEADER: Final = "x-request-id"

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_SAFE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
# W3C Trace Context, section 3.2.2: version 00 is exactly four fields, later versions may append more.
_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[\x21-\x7e]{1,200})?")
_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


async def authenticate(connection: HTTPConnection, services: Services) -> Principal:
    """The caller of a request or WebSocket.

    Raises Unauthenticated, Forbidden (``cross_origin``, ``wrong_workspace``), Gone for the token of a removed workspace, and Unavailable
    when the database can not say: a question without an answer is never a no (lessons.md, L28).
    """
    return await _caller(connection, services, services.identity.authenticate)


async def recognise(connection: HTTPConnection, services: Services) -> Principal:
    """The caller as last seen; for writes whose own statement decides whether the credential still counts. Raises as ``authenticate``."""
    return await _caller(connection, services, services.identity.recognise)


@asynccontextmanager
async def refusing(connection: HTTPConnection, services: Services) -> AsyncGenerator[None]:
    """Around such a write: when it finds the credential out of use, the look-up says why (401 or 410)."""
    try:
        yield
    except Unauthenticated:
        await authenticate(connection, services)
        raise


async def _caller(connection: HTTPConnection, services: Services, look_up: LookUp) -> Principal:
    token = _bearer(connection)
    if token is not None:
        principal = await _identify(token, look_up)
    else:
        principal = await _person(connection, services, look_up)
    _check_workspace_header(connection, principal)
    return principal


def cookie_name(connection: HTTPConnection, settings: Settings) -> str:
    """The session cookie's name for this connection.

    ``__Host-`` makes browsers keep to https, to this host and to the path ``/`` (RFC 6265bis, 4.1.3.2). Plain http on loopback has no such
    guard, and cookies there are shared by all ports of a host: the port in the name keeps two servers on one machine apart.
    """
    if is_secure(connection, settings):
        return "__Host-postroom"
    server: tuple[str, int | None] = connection.scope.get("server") or ("", None)
    return f"postroom_{server[1] or settings.port}"


def is_secure(connection: HTTPConnection, settings: Settings) -> bool:
    """Whether the browser speaks https: to us, or to the proxy that stands at ``public_url``."""
    if connection.scope["scheme"] in ("https", "wss"):
        return True
    public = urlsplit(settings.public_url)
    return public.scheme == "https" and _place("https", public.netloc) == _place("https", connection.headers.get("host", ""))


def request_id_of(scope: Scope) -> str:
    """The id that the middleware gave this request."""
    return scope.get("state", {}).get("request_id", "")


def choose_request_id(given: str | None) -> str:
    """The caller's own id if it is 1 to 64 characters that are safe in a log, else a new one."""
    return given if given and _SAFE_ID.fullmatch(given) else new_id().hex


def traceparent_of(connection: HTTPConnection) -> str | None:
    """The caller's ``traceparent``, or None when there is none that can be used; a bad one is ignored, as W3C Trace Context 3.3 asks."""
    return valid_traceparent(connection.headers.get("traceparent"))


def valid_traceparent(text: str | None) -> str | None:
    """The text if it is a traceparent, else None."""
    match = _TRACEPARENT.fullmatch(text or "")
    if match is None or (match[1] == "00" and match[2]):
        return None
    return match[0]


def _bearer(connection: HTTPConnection) -> str | None:
    """The bearer token, or None without an Authorization header; another scheme, or two headers, are no reason to look at the cookie."""
    given = connection.headers.getlist("authorization")
    if not given:
        return None
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("The Authorization header must be one bearer token.")
    return token.strip()


async def _person(connection: HTTPConnection, services: Services, look_up: LookUp) -> Principal:
    secret = connection.cookies.get(cookie_name(connection, services.settings))
    if secret is None:
        raise Unauthenticated("This needs a token or a browser session. `postroom login-link` lets a browser in.")
    require_same_origin(connection, services.settings)
    principal = await _identify(secret, look_up)
    if principal.kind is not PrincipalKind.PERSON:
        raise Unauthenticated("This is not a browser session.")
    return principal


async def _identify(secret: str, look_up: LookUp) -> Principal:
    try:
        return await look_up(secret)
    except OutcomeUnknown as error:
        # A look-up writes nothing, so there is no outcome to be unsure of.
        raise Unavailable("The database can not be reached.", code="database_down", retry_after=error.retry_after) from error


def require_same_origin(connection: HTTPConnection, settings: Settings) -> None:
    """Raises Forbidden (``cross_origin``) for a browser's unsafe request or WebSocket that another site's page may have made."""
    if connection.scope["type"] == "http" and connection.scope["method"] in _SAFE_METHODS:
        return
    site = connection.headers.get("sec-fetch-site")
    origin = connection.headers.get("origin")
    by_site = site in ("same-origin", "none")
    by_origin = origin is not None and _is_own_origin(origin, connection, settings)
    if (site is not None and not by_site) or (origin is not None and not by_origin) or not (by_site or by_origin):
        raise Forbidden("This request came from another site.", code="cross_origin")


def refuse_foreign_origin(connection: HTTPConnection, settings: Settings) -> None:
    """Raises Forbidden (``cross_origin``) for what a page of another site sent, with a token, too; clients that are no page name none."""
    origin = connection.headers.get("origin")
    if origin is not None and not _is_own_origin(origin, connection, settings):
        raise Forbidden("This request came from another site.", code="cross_origin")


def _is_own_origin(origin: str, connection: HTTPConnection, settings: Settings) -> bool:
    scheme = "https" if is_secure(connection, settings) else "http"
    given = urlsplit(origin)
    own = _place(scheme, connection.headers.get("host", ""))
    return given.scheme == scheme and own is not None and _place(scheme, given.netloc) == own


def _place(scheme: str, netloc: str) -> tuple[str, int] | None:
    """Host and port, with the scheme's own port where none is named; None for what can not be read."""
    try:
        parts = urlsplit(f"//{netloc}")
        return (parts.hostname.rstrip("."), parts.port or _DEFAULT_PORTS[scheme]) if parts.hostname else None
    except ValueError:
        return None


def _check_workspace_header(connection: HTTPConnection, principal: Principal) -> None:
    """Existing clients name their workspace beside the token; it must be the token's, and decides nothing."""
    named = connection.headers.get("x-workspace-id")
    if named is None or principal.workspace_id is None:
        return
    if _uuid(named) != principal.workspace_id:
        raise Forbidden("X-Workspace-ID is not the workspace of this token.", code="wrong_workspace")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
