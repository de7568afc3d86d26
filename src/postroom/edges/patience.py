"""What a connection may take from the server before it has asked for anything: time, bytes and places (reliability.md, R63).

uvicorn has no deadline for a request's head, no limit on its size and none on the connections of one address. A client that sends nothing,
or a byte a second, would keep its place for as long as it likes. The deadline of a body is in ``edges/body.py``, where bodies are read.
"""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, cast

import orjson
import structlog
from starlette.types import Receive, Scope, Send
from uvicorn._types import ASGIReceiveEvent, HTTPRequestEvent
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from postroom.edges.problems import problem_response
from postroom.errors import Unavailable
from postroom.ids import new_id
from postroom.metrics import CUT
from postroom.settings import Settings

log = structlog.get_logger()

HEAD_LIMIT: Final = 64 * 1024
"""Most bytes of a request's line and headers."""
STALL_SECONDS: Final = 60.0
"""Time in which a client must read something of what waits for it."""
# Beyond the limit a connection is told 503; so many more may wait for that answer, the rest is dropped unheard.
_TOLD = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings that a connection needs. Times are seconds."""

    head_seconds: float
    connections: int
    per_address: int

    @staticmethod
    def from_settings(settings: Settings) -> "Limits":
        return Limits(settings.header_seconds, settings.connection_limit, settings.address_connection_limit)


@dataclass(slots=True)
class Timer:
    """One deadline of a connection; starting it again while it runs changes nothing."""

    handle: asyncio.TimerHandle | None = field(default=None)

    def start(self, loop: asyncio.AbstractEventLoop, seconds: float, act: Any) -> None:
        if self.handle is None:
            self.handle = loop.call_later(seconds, act)

    def stop(self) -> None:
        if self.handle is not None:
            self.handle.cancel()
            self.handle = None


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol for HTTP/1.1, with deadlines and limits."""

    def __init__(self, *args: Any, limits: Limits, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limits = limits
        self._head = Timer()
        self._stall = Timer()
        self._head_size = 0

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        excess = self._excess()
        if excess > _TOLD:
            self._cut("flood")
        elif excess > 0:
            CUT.labels("full").inc()
            self.app = cast(Any, _answer_full)
        self._head.start(self.loop, self._limits.head_seconds, self._head_is_late)

    def _excess(self) -> int:
        """By how many connections the server, or this address, is beyond its limit; 0 or less while there is room."""
        address = _address_of(self)
        neighbours = sum(1 for other in self.connections if _address_of(other) == address)
        return max(len(self.connections) - self._limits.connections, neighbours - self._limits.per_address)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._awaits_head():
            return
        self._head.start(self.loop, self._limits.head_seconds, self._head_is_late)
        self._head_size += len(data)
        if self._head_size > HEAD_LIMIT:
            CUT.labels("head_size").inc()
            self._refuse(431, "header_too_large", f"The request's headers are larger than {HEAD_LIMIT} bytes.")

    def _awaits_head(self) -> bool:
        # After an upgrade the connection is the WebSocket protocol's, and no longer among ours.
        answered = self.cycle is None or self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison]
        return answered and self in self.connections and not self.transport.is_closing()

    def on_headers_complete(self) -> None:
        self._head.stop()
        self._head_size = 0
        before = cast(object, self.cycle)
        super().on_headers_complete()
        if self.cycle is not before:
            self.cycle.receive = partial(_receive, self.cycle)

    def connection_lost(self, exc: Exception | None) -> None:
        self._head.stop()
        self._stall.stop()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        self._stall.start(self.loop, STALL_SECONDS, self._reader_stalls)
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stall.stop()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        del msg  # uvicorn's sentence, without our shape
        self._refuse(400, "malformed", "This is not an HTTP request.")

    def _head_is_late(self) -> None:
        self._cut("head_time")

    def _reader_stalls(self) -> None:
        self._cut("stall")

    def _cut(self, reason: str) -> None:
        CUT.labels(reason).inc()
        log.debug("connection.cut", reason=reason)
        self.transport.abort()

    def _refuse(self, status: int, code: str, sentence: str) -> None:
        """Answer and close, without a request that could be routed."""
        body = orjson.dumps({"error": sentence, "code": code, "request_id": new_id().hex})
        head = f"HTTP/1.1 {status} Refused\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(head.encode() + body)
        self.transport.close()


async def _receive(cycle: RequestResponseCycle) -> ASGIReceiveEvent:
    """As uvicorn's own, which forgets a request that came whole when its sender closed before anybody had read it."""
    event = await RequestResponseCycle.receive(cycle)
    if cycle.disconnected and not cycle.response_complete and cycle.body and not cycle.more_body:
        event = HTTPRequestEvent(type="http.request", body=bytes(cycle.body), more_body=False)
        cycle.body = bytearray()
    return event


def _address_of(connection: Any) -> str | None:
    return connection.client[0] if connection.client else None


async def _answer_full(scope: Scope, receive: Receive, send: Send) -> None:
    """The application of a connection that there is no room for."""
    error = Unavailable("The server has all the connections that it takes.", code="connection_limit", retry_after=2.0)
    response = problem_response(error, new_id().hex)
    response.headers["Connection"] = "close"
    await response(scope, receive, send)
