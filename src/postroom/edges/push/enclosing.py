"""Files in what is sent to an agent that is called: it has no token to fetch them with, so their bytes stand where their address stood.

The bytes are read while they are sent. A request of 50 MiB in files holds as much memory as any other, and two pieces.
"""

from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from dataclasses import dataclass
from itertools import zip_longest
from secrets import token_hex
from typing import Any
from uuid import UUID

from postroom.core.files.model import SIZE, URL

Json = dict[str, Any]

ReadFile = Callable[[UUID, int, int], AsyncIterable[bytes]]
"""The bytes of a file from a place on, to before another."""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that goes along; ``size`` is in bytes."""

    file: UUID
    size: int

    @property
    def length(self) -> int:
        """Of its base64."""
        return -(-self.size // 3) * 4


@dataclass(frozen=True, slots=True)
class Parcel:
    """A body with files in it: ``texts`` and between each two of them a file."""

    texts: list[bytes]
    files: list[Enclosure]
    read: ReadFile

    @property
    def length(self) -> int:
        """Bytes on the wire."""
        return sum(map(len, self.texts)) + sum(file.length for file in self.files)

    async def pieces(self) -> AsyncGenerator[bytes]:
        """The body as it is sent. Raises what reading a file raises."""
        for text, file in zip_longest(self.texts, self.files):
            yield text
            if file is not None:
                async for piece in _base64(self.read(file.file, 0, file.size)):
                    yield piece


class Enclosed:
    """The files of one message, and the message as it is sent with them."""

    def __init__(self, message: Json, read: ReadFile) -> None:
        self._read = read
        # What no message can hold by design or by chance, in the place of the bytes until the body is written.
        self._mark = f"postroom-{token_hex(16)}"
        self._files: list[Enclosure] = []
        self.message = message | {"parts": [self._with_bytes(part) if _is_file(part) else part for part in message["parts"]]}

    def _with_bytes(self, part: Json) -> Json:
        self._files.append(Enclosure(UUID(part["url"].removeprefix(URL)), part["metadata"][SIZE]))
        return {name: value for name, value in part.items() if name != "url"} | {"raw": self._mark}

    def within(self, body: bytes) -> bytes | Parcel:
        """A body that was made of the message, with the bytes of its files."""
        return Parcel(body.split(self._mark.encode()), self._files, self._read) if self._files else body


def _is_file(part: Json) -> bool:
    """Whatever else a url says, those that begin so were looked at when the message was accepted."""
    return part.get("url", "").startswith(URL) and SIZE in part.get("metadata", {})


async def _base64(pieces: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    rest = b""
    async for piece in pieces:
        joined = rest + piece
        cut = len(joined) - len(joined) % 3
        rest = joined[cut:]
        yield b64encode(joined[:cut])
    yield b64encode(rest)
