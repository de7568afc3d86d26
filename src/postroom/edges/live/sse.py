"""Feeds as server-sent events (WHATWG HTML, section 9.2).

Events have no ``event:`` line, so that a browser's ``onmessage`` gets every kind of them; what the server says about the feed itself has
one. ``id:`` is the cursor, which a browser sends back as ``Last-Event-ID`` by itself.
"""

import asyncio
from contextlib import aclosing
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from postroom.edges.context import authenticate, request_id_of
from postroom.edges.live.feed import SEND_SECONDS, Feeds, Frame, Reader, Spoken, workspace_id
from postroom.edges.live.frames import BEAT, READY

log = structlog.get_logger()

# nginx and others collect an answer before they pass it on, unless they are told not to.
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class EventStreams:
    """``GET /workspaces/{id}/events/stream`` and ``GET /events/stream``."""

    def __init__(self, feeds: Feeds) -> None:
        self._feeds = feeds

    async def serve(self, request: Request) -> Response:
        """Refusals come as ordinary answers, before the stream begins."""
        principal = await authenticate(request, self._feeds.services)
        workspace = workspace_id(request.path_params.get("id"))
        # The header wins: a browser that reconnects repeats the address, whose query is older.
        cursor = request.headers.get("last-event-id") or request.query_params.get("cursor") or None
        reader = await self._feeds.open(principal, workspace, cursor, request_id_of(request.scope))
        return EventStream(self._feeds, reader, request)


class EventStream(Response):
    """An answer that goes on. It runs in the request's own task, and what is sent is waited for: a slow reader slows only itself."""

    media_type = "text/event-stream"

    def __init__(self, feeds: Feeds, reader: Reader, request: Request) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._feeds = feeds
        self._reader = reader
        self._request = request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the reader leaves, takes nothing for too long, or the feed ends."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            await self._send_all(send)
        except TimeoutError:
            # Left without an end, the answer is cut by the server: the reader sees a broken connection, and resumes.
            log.info("feed.too_slow", request_id=self._reader.request_id)

    async def _send_all(self, send: Send) -> None:
        async with aclosing(self._feeds.spoken(self._reader)) as feed:
            async for frames in feed:
                if await self._request.is_disconnected():
                    return
                if frames:
                    async with asyncio.timeout(SEND_SECONDS):
                        await send({"type": "http.response.body", "body": _written(frames), "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _written(frames: Spoken) -> bytes:
    return b"".join(_lines(frame) for frame in frames)


def _lines(frame: Frame) -> bytes:
    if frame.event == BEAT:
        return b": beat\n\n"
    head = b"id: " + frame.cursor.encode() + b"\n"
    if frame.event == READY:
        # An id without data sets where to resume and shows nothing (WHATWG HTML, section 9.2.6).
        return b"retry: 1000\n" + head + b"\n"
    if frame.last:
        head += b"retry: 1000\nevent: " + frame.event.encode() + b"\n"
    return head + b"data: " + frame.data + b"\n\n"
