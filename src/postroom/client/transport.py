"""One HTTP connection pool to one server: requests, decoded answers, errors as types."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self, TypeVar, cast
from urllib.parse import quote
from uuid import UUID

import orjson
from pyreqwest.client import Client as HttpClient
from pyreqwest.client import ClientBuilder
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.request import RequestBuilder
from pyreqwest.response import Response

from postroom.client.errors import error_from
from postroom.errors import PostroomError, Unavailable

Json = dict[str, Any]
Id = str | UUID
T = TypeVar("T")

LET_GO_SECONDS = 0.02
# A call may wait for minutes on an agent. Whether there is a server at the other end is asked after 5 s of silence, every 2 s, and known
# after 10 s without an answer (reliability.md, R83).
PROBE_SECONDS = 5.0
PROBE_GAP_SECONDS = 2.0
GONE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer (2xx). Header names are in lower case; ``body`` is decoded JSON, or None where there is none."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Transport:
    """Requests to one server with one credential.

    Redirects are not followed, so that the credential never goes anywhere else, and proxy variables of the environment are ignored: they
    would route loopback traffic away.
    """

    def __init__(self, url: str, token: str | None, *, timeout: float = 30.0) -> None:
        """``url`` is the server's base address, ``timeout`` the seconds a call has from connecting to its last byte."""
        self.url = url.rstrip("/")
        self._token = token
        self._timeout = timeout
        self._http: HttpClient = (
            ClientBuilder()
            .no_proxy()
            .follow_redirects(False)
            .connect_timeout(timedelta(seconds=min(timeout, 10.0)))
            .tcp_keepalive(timedelta(seconds=PROBE_SECONDS))
            .tcp_keepalive_interval(timedelta(seconds=PROBE_GAP_SECONDS))
            .tcp_user_timeout(timedelta(seconds=GONE_SECONDS))
            .build()
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Give up all connections. Calls that are under way fail."""
        await self._http.close()
        # pyreqwest 0.15.1 hands an error over from a thread of its own; an interpreter that ends before that thread has let go aborts.
        await asyncio.sleep(LET_GO_SECONDS)

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """Send one request, with ``json`` or with ``content`` as its body, and decode its answer. Entries of ``query`` that are None are
        left out.

        Raises the PostroomError that the server answered with, and Unavailable (``unreachable``) when there was no whole answer.
        """
        builder = self.prepare(method, path, query=query, headers=headers)
        if json is not None:
            builder = builder.header("Content-Type", "application/json").body_bytes(orjson.dumps(json))
        elif content is not None:
            builder = builder.body_bytes(content)
        response, answered = await self._exchange(builder, timeout)
        return Answer(response.status, header_map(response), _decoded(answered))

    async def fetch(self, path: str, *, timeout: float | None = None) -> Answer:
        """What lies there, the body as it is. Raises as ``request``."""
        response, content = await self._exchange(self.prepare("GET", path, headers={"Accept": "*/*"}), timeout)
        return Answer(response.status, header_map(response), content)

    async def _exchange(self, builder: RequestBuilder, timeout: float | None) -> tuple[Response, bytes]:
        """A whole answer that is 2xx."""
        builder = builder.timeout(timedelta(seconds=timeout or self._timeout))
        try:
            response = await heeding_cancel(builder.build().send())
            content = bytes(await heeding_cancel(response.bytes()))
        except PyreqwestError as error:
            raise self.unreachable(error) from error
        if not 200 <= response.status < 300:
            raise refusal(response.status, header_map(response), content)
        return response, content

    def prepare(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> RequestBuilder:
        """A request with credential, query and headers, for callers that read the body themselves."""
        builder = self._http.request(method, self.url + path).headers({"Accept": "application/json", **(headers or {})})
        if self._token:
            builder = builder.bearer_auth(self._token)
        return builder.query([(key, _query_text(value)) for key, value in (query or {}).items() if value is not None])

    def unreachable(self, error: PyreqwestError) -> Unavailable:
        """The error for a request that got no whole answer; whether the server did it is not known."""
        return Unavailable(f"cannot reach {self.url}: {error.message}", code="unreachable")


async def heeding_cancel(pending: Awaitable[T]) -> T:
    """Await something of pyreqwest. Raises CancelledError whenever the task was cancelled meanwhile.

    pyreqwest 0.15.1 swallows a cancellation that meets the answer (159 of 485 in a test that aimed at it): the task would run on as if
    nobody had asked it to stop, and a task group that stops would wait for it for ever.
    """
    before = cancel_requests()
    try:
        return await pending
    finally:
        raise_if_cancelled(before)


def cancel_requests() -> int:
    """How often the running task was asked to stop and has not heeded it yet."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def raise_if_cancelled(before: int) -> None:
    """Raise CancelledError when the running task was asked to stop since it had ``before`` requests."""
    if cancel_requests() > before:
        raise asyncio.CancelledError


def path_to(*pieces: Id) -> str:
    """Join pieces to a path, each quoted, so that no value can reach another route."""
    return "".join(f"/{quote(str(piece), safe='')}" for piece in pieces)


def given(**fields: Any) -> Json:
    """The fields that are not None, with ids as text."""
    return {key: str(value) if isinstance(value, UUID) else value for key, value in fields.items() if value is not None}


def rows(body: Any, name: str) -> list[Json]:
    """The list in an answer: bare, or under ``name`` where fields of its own stand beside it."""
    return cast(list[Json], body if isinstance(body, list) else body[name])


def refusal(status: int, headers: Mapping[str, str], content: bytes) -> PostroomError:
    """The error of an answer that is not 2xx."""
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        # A proxy's error page: the status is all there is to know. One that knows nothing there is no proxy's.
        if status in (404, 405, 501):
            return PostroomError("this is no Postroom: the answer is not JSON", code="not_postroom")
        body = None
    return error_from(status, body, _seconds(headers.get("retry-after")))


def header_map(response: Response) -> dict[str, str]:
    """All headers with names in lower case; of repeated ones the last."""
    return {name.lower(): value for name, value in response.headers.items()}


def _decoded(content: bytes) -> Any:
    try:
        return orjson.loads(content) if content else None
    except orjson.JSONDecodeError as error:
        raise PostroomError("the answer is not JSON; is this the address of a Postroom server?", code="not_postroom") from error


def _query_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _seconds(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        # The header may also hold a date (RFC 9110, section 10.2.3); the default pause does then.
        return None
