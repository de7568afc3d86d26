"""Feeds over a WebSocket: ``GET /ws``.

The first frame of the client says what it wants: ``{"resume": cursor or null, "workspace_id": id or null}``. Frames of the server are
events, and between them ``postroom.ready`` (where the feed begins), ``postroom.beat`` (after 15 s without an event), and as the last one
``postroom.restart`` or ``postroom.end``. The close code says what to do: 1012 connect again and resume, 4401 log in again, 4410 read the
history anew; others as in ``edges/problems.py``. A browser can not read a refused handshake, so refusals are close codes too.
"""

import asyncio
from contextlib import aclosing
from typing import Annotated, Final

import structlog
from pydantic import Field
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from postroom.edges import strict_json
from postroom.edges.body import Fields, Text, check
from postroom.edges.context import authenticate, request_id_of
from postroom.edges.live.feed import SEND_SECONDS, Feeds, Frame, Reader, workspace_id
from postroom.edges.problems import codes_of, problem_of
from postroom.errors import Malformed, PostroomError

log = structlog.get_logger()

# RFC 6455, section 7.4, as IANA lists it: "service restart".
_RESTART_CODE: Final = 1012
_TOO_SLOW_CODE: Final = 1008
_ASK_SECONDS: Final = 10.0


class Wish(Fields):
    """The first frame."""

    resume: Annotated[Text, Field(max_length=100)] | None = None
    workspace_id: Text | None = None


class FeedSockets:
    """``GET /ws``."""

    def __init__(self, feeds: Feeds) -> None:
        self._feeds = feeds

    async def serve(self, websocket: WebSocket) -> None:
        """One connection, from its handshake to its end."""
        await websocket.accept()
        try:
            reader = await self._admit(websocket)
            await self._run(websocket, reader)
        except WebSocketDisconnect:
            return
        except Exception as raised:  # boundary: problem_of logs and counts what nobody expected
            await _close(websocket, problem_of(raised, request_id_of(websocket.scope), place="live"))

    async def _admit(self, websocket: WebSocket) -> Reader:
        principal = await authenticate(websocket, self._feeds.services)
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                text = await websocket.receive_text()
        except (TimeoutError, KeyError) as error:
            raise Malformed("The first frame says where to resume.") from error
        wish = check(Wish, strict_json.loads(text.encode()))
        return await self._feeds.open(principal, workspace_id(wish.workspace_id), wish.resume, request_id_of(websocket.scope))

    async def _run(self, websocket: WebSocket, reader: Reader) -> None:
        left = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_listen(websocket, left))
            try:
                await self._send_all(websocket, reader, left)
            except TimeoutError:
                log.info("feed.too_slow", request_id=reader.request_id)
                await _say_why(websocket, _TOO_SLOW_CODE, "too_slow")
            except WebSocketDisconnect:
                # The listener is told too, and ends.
                return

    async def _send_all(self, websocket: WebSocket, reader: Reader, left: asyncio.Event) -> None:
        async with aclosing(self._feeds.spoken(reader)) as feed:
            async for frames in feed:
                for frame in frames:
                    async with asyncio.timeout(SEND_SECONDS):
                        await websocket.send_text(frame.data.decode())
                    if frame.last:
                        await _end(websocket, frame)
                if left.is_set():
                    return


async def _listen(websocket: WebSocket, left: asyncio.Event) -> None:
    """Notice that the other side left. What it says after its first frame is of no concern."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        continue
    left.set()


async def _end(websocket: WebSocket, frame: Frame) -> None:
    if frame.error is None:
        await _say_why(websocket, _RESTART_CODE, "restart")
    else:
        await _close(websocket, frame.error)


async def _close(websocket: WebSocket, error: PostroomError) -> None:
    if websocket.application_state is WebSocketState.CONNECTED:
        # RFC 6455, section 5.5: a reason has at most 123 bytes.
        await _say_why(websocket, codes_of(error).close, error.name[:123])


async def _say_why(websocket: WebSocket, code: int, reason: str) -> None:
    try:
        await websocket.close(code, reason)
    except WebSocketDisconnect:
        # It left before it could be told.
        return
