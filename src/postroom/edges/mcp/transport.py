"""The two answers of the transport: a call, which the SDK speaks, and the stream by which an older client shows that it lives."""

import asyncio
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Final
from uuid import UUID

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from postroom.clock import monotonic
from postroom.edges.credentials import CredentialWatch
from postroom.edges.mcp.sessions import Life
from postroom.errors import PostroomError, Unauthenticated

SESSION_HEADER: Final = "mcp-session-id"
BEAT_SECONDS: Final = 15.0
"""The longest silence on a stream, as on the feeds (R43)."""
_LOOK_SECONDS: Final = 1.0
# The official client tries twice and then never again: between the two a server should have had time to start.
_RETRY_MILLISECONDS: Final = 5000


class Exchange(Response):
    """One request of the protocol, whose body was read already. ``gone`` tells that its client does not wait for the answer any more."""

    def __init__(
        self, manager: StreamableHTTPSessionManager, alive: AbstractAsyncContextManager[Life], session: UUID, body: bytes, method: Any
    ) -> None:
        super().__init__()
        self._session = session
        self._manager = manager
        self._alive = alive
        self._read = body
        self._method = method
        self.gone = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the SDK answer. A client that closes a stream on which it listened is taken for gone."""
        async with self._alive as life:
            await self._manager.handle_request(scope, self._watched(receive), self._named(send))
            life.broken = self.gone and self._method == "subscriptions/listen"

    def _watched(self, receive: Receive) -> Receive:
        given = False

        async def watched() -> Message:
            nonlocal given
            if not given:
                given = True
                return {"type": "http.request", "body": self._read, "more_body": False}
            message = await receive()
            self.gone = self.gone or message["type"] == "http.disconnect"
            return message

        return watched

    def _named(self, send: Send) -> Send:
        """An older client is given a name for its session, which any server takes; it stands for nothing but what is held under it."""

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200 and self._method == "initialize":
                message["headers"] = [*message["headers"], (SESSION_HEADER.encode(), str(self._session).encode())]
            await send(message)

        return named


class LifeStream(Response):
    """Server-sent events without any: while it is open its client lives."""

    media_type = "text/event-stream"

    def __init__(self, alive: AbstractAsyncContextManager[Life], watch: CredentialWatch, credential: UUID, draining: asyncio.Event) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._alive = alive
        self._watch = watch
        self._credential = credential
        self._draining = draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Beat until the client is gone, its token is, or the server drains."""
        with self._watch.watched(self._credential):
            async with self._alive as life:
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                await send({"type": "http.response.body", "body": b"retry: %d\n\n" % _RETRY_MILLISECONDS, "more_body": True})
                life.broken = await self._beat(Request(scope, receive), send)
        await send({"type": "http.response.body", "body": b""})

    async def _beat(self, request: Request, send: Send) -> bool:
        """Ends when the server drains or the token lets nobody in any more, and with True when the client went."""
        beaten = monotonic()
        while not await self._drains() and await self._lives():
            if await request.is_disconnected():
                return True
            if monotonic() - beaten >= BEAT_SECONDS:
                beaten = monotonic()
                await send({"type": "http.response.body", "body": b": beat\n\n", "more_body": True})
        return False

    async def _drains(self) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._draining.wait(), _LOOK_SECONDS)
        return self._draining.is_set()

    async def _lives(self) -> bool:
        try:
            await self._watch.require(self._credential)
        except Unauthenticated:
            return False
        except PostroomError:
            # Nobody can say: a question without an answer is no reason to end anything (lessons.md, L28).
            return True
        return True
