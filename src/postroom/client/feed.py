"""The live feed over server-sent events, resumed by itself without a gap."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import orjson
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.response import Response

from postroom.client.retry import pause_before
from postroom.client.transport import Id, Json, Transport, cancel_requests, header_map, heeding_cancel, path_to, raise_if_cancelled, refusal
from postroom.errors import PostroomError, Unavailable

# The server sends something at least every 15 s (R43); three times that without a byte is a dead connection.
SILENCE_SECONDS = 45.0
# A frame holds at most one reply (10 MiB) in JSON; more than this without an end is no feed.
FRAME_LIMIT = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One event. ``cursor`` is where to resume; ``timestamp`` is RFC 3339 as the server sent it."""

    event: str
    workspace_id: str | None
    timestamp: str
    cursor: str
    payload: Json


class FeedCalls(Transport):
    """Reads of the live feed."""

    async def events(self, workspace_id: Id | None, *, cursor: str | None = None) -> AsyncGenerator[Frame]:
        """All events of one workspace, or with None of all (operator), after ``cursor``, for ever.

        Connections that break are made again from the last frame, with jittered pauses; a server that is away raises nothing.
        Raises refusals as they are: Gone when the cursor was pruned (read anew, then start without one), Unauthenticated when the
        credential ended. Who stops reading early closes it (``contextlib.aclosing``), and the connection with it.
        """
        path = "/events/stream" if workspace_id is None else path_to("workspaces", workspace_id, "events", "stream")
        attempt = 0
        while True:
            try:
                async with aclosing(self._connection(path, cursor)) as frames:
                    async for frame in frames:
                        cursor, attempt = frame.cursor, 0
                        yield frame
            except Unavailable as error:
                await asyncio.sleep(max(pause_before(attempt), 0.0 if error.name == "unreachable" else error.retry_after))
            else:
                await asyncio.sleep(pause_before(attempt))
            attempt += 1

    async def _connection(self, path: str, cursor: str | None) -> AsyncGenerator[Frame]:
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": cursor} if cursor else {})}
        before = cancel_requests()
        try:
            async with self.prepare("GET", path, headers=headers).streamed_read_buffer_limit(0).build_streamed() as response:
                await _raise_refusal(response)
                parser = FrameParser()
                while (chunk := await _next_chunk(response)) is not None:
                    for frame in parser.feed(chunk):
                        yield frame
        except PyreqwestError as error:
            raise self.unreachable(error) from error
        except TimeoutError as error:
            raise Unavailable(f"no sign of life from {self.url}", code="unreachable") from error
        finally:
            # Connecting and closing swallow a cancellation too, see heeding_cancel.
            raise_if_cancelled(before)


class FrameParser:
    """Frames out of bytes (WHATWG HTML, section 9.2.6). Lines are cut before they are decoded, so no character is ever split."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[Frame]:
        """Take the next bytes and give the frames that they complete. Raises PostroomError when a frame passes the limit."""
        # A "\r" at the end may be the first half of a line end, so it waits for the next chunk.
        text = self._rest + chunk
        held = b"\r" if text.endswith(b"\r") else b""
        *lines, rest = text.removesuffix(held).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = rest + held
        if len(self._rest) > FRAME_LIMIT:
            raise PostroomError("a frame of the feed passed the limit", code="not_postroom")
        return [frame for line in lines if (frame := self._line(line)) is not None]

    def _line(self, line: bytes) -> Frame | None:
        if line:
            name, _, value = line.partition(b":")
            if name == b"data":
                self._data.append(value.removeprefix(b" "))
            return None
        data, self._data = b"\n".join(self._data), []
        return _frame(data) if data else None


def _frame(data: bytes) -> Frame:
    body: Json = orjson.loads(data)
    return Frame(
        event=body["event"],
        workspace_id=body.get("workspace_id"),
        timestamp=body["timestamp"],
        cursor=str(body["cursor"]),
        payload=body.get("payload") or {},
    )


async def _next_chunk(response: Response) -> bytes | None:
    async with asyncio.timeout(SILENCE_SECONDS):
        chunk = await heeding_cancel(response.body_reader.read_chunk())
    return None if chunk is None else bytes(chunk)


async def _raise_refusal(response: Response) -> None:
    if response.status != 200:
        raise refusal(response.status, header_map(response), bytes(await heeding_cancel(response.bytes())))
