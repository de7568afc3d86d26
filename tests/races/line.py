"""Many HTTP requests at the same moment: each has a connection of its own, loaded but for its last byte, and one shot lets all go.

A request whose headers are there and whose body lacks a byte has been let in already: what it does then it does with a permission that may
be gone. So half of the rounds load like that (``held``), and half send nothing before the shot.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]
ANSWER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Call:
    """A request to one of the servers."""

    url: str
    method: str
    path: str
    token: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict[str, str])

    def encode(self) -> bytes:
        content = b"" if self.body is None else json.dumps(self.body).encode()
        fields = {
            "Host": urlsplit(self.url).netloc,
            "Authorization": f"Bearer {self.token}",
            "Content-Length": str(len(content)),
            "Content-Type": "application/json",
            "Connection": "close",
            **self.headers,
        }
        if self.method == "GET":
            del fields["Content-Length"]
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"{self.method} {self.path} HTTP/1.1\r\n{head}\r\n".encode() + content


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``began`` and ``ended`` are this machine's wall clock, which is the database's too."""

    call: Call
    status: int
    headers: dict[str, str]
    content: bytes
    began: float
    ended: float

    @property
    def body(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        """The ``code`` of an error, also of one that is wrapped in JSON-RPC; empty for a success."""
        body: Json = self.body
        error: Any = body.get("error")
        if isinstance(error, str | None):
            return str(body.get("code", ""))
        # An error of the protocol has a list there.
        data: Any = error.get("data")
        return str(error["code"] if data is None or isinstance(data, list) else data["code"])

    @property
    def said(self) -> str:
        """The body, whatever the order of its fields: that is the database's, or the one in which the agent gave them."""
        return json.dumps(self.body, sort_keys=True)

    @property
    def message_id(self) -> str:
        return self.headers["x-postroom-message-id"]


class Line:
    """One connection with one request."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._data = call.encode()

    async def load(self, *, held: bool) -> None:
        """Connect; with ``held`` send everything but the last byte."""
        place = urlsplit(self._call.url)
        self._reader, self._writer = await asyncio.open_connection(place.hostname, place.port)
        if held:
            self._writer.write(self._data[:-1])
            await self._writer.drain()
            self._data = self._data[-1:]

    def fire(self) -> None:
        self._began = time.time()
        self._writer.write(self._data)

    async def answer(self) -> Answer:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                raw = await self._reader.read()
        finally:
            self._writer.close()
        return _parse(self._call, raw, self._began)


def _parse(call: Call, raw: bytes, began: float) -> Answer:
    head, _, content = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    assert first.startswith("HTTP/1.1 "), f"{call.method} {call.path}: no answer, but {raw[:200]!r}"
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return Answer(call, int(first.split()[1]), headers, content, began, time.time())


async def together(calls: Sequence[Call], *, held: bool = False, pause: tuple[int, float] = (0, 0.0)) -> list[Answer]:
    """Fire all requests in one go, in the order given; the answers in that order.

    ``pause`` gives the first so many a head start of so many seconds, for races whose parties are not equally quick.
    """
    lines = [Line(call) for call in calls]
    async with asyncio.TaskGroup() as loading:
        for line in lines:
            loading.create_task(line.load(held=held))
    first, seconds = pause
    for line in lines[:first]:
        line.fire()
    if first:
        await asyncio.sleep(seconds)
    for line in lines[first:]:
        line.fire()
    async with asyncio.TaskGroup() as answering:
        tasks = [answering.create_task(line.answer()) for line in lines]
    return [task.result() for task in tasks]
