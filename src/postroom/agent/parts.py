"""What is said, as parts of A2A 1.0 (specification, section 4.1.6): texts, files, data.

A small file travels inside its message, as base64. What does not fit goes to the post room first, up to 25 MiB each, and the message
names it; who gets the message reads it there.
"""

import base64
import mimetypes
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from postroom.client.talk import text_of

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class File:
    """A file inside a message. Without a ``media_type`` the ending of the name decides."""

    name: str
    content: bytes
    media_type: str | None = None

    async def read(self) -> bytes:
        """Its content."""
        return self.content


ReadUrl = Callable[[str], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that a message names and the post room keeps; ``size`` is in bytes. Said on, it is named again, and nothing is copied."""

    name: str
    media_type: str
    size: int
    url: str
    _read: ReadUrl

    async def read(self) -> bytes:
        """Fetch its content. Raises Unavailable."""
        return await self._read(self.url)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer answered. The parts are in A2A 1.0 form."""

    parts: list[Json]
    _read: ReadUrl

    @property
    def text(self) -> str:
        """The text parts, joined by line ends."""
        return text_of(self.parts)

    @property
    def files(self) -> list[File | KeptFile]:
        """The files that came with it."""
        return files_in(self.parts, self._read)


Piece = str | File | KeptFile | Json
Content = Piece | Sequence[Piece]
"""What can be said: a text, a file, a part in A2A 1.0 form, or several of them."""


def parts_of(content: Content | None) -> list[Json]:
    """The parts of something said; None says nothing. Raises TypeError when it is something else."""
    match content:
        case None:
            return [{"text": ""}]
        case list() | tuple():
            return [_part(piece) for piece in cast(Sequence[Piece], content)]
        case _:
            return [_part(cast(Piece, content))]


def files_in(parts: Sequence[Json], read: ReadUrl) -> list[File | KeptFile]:
    """The files among the parts; one without a name is called ``file``. Addresses elsewhere are none of ours."""
    found = [_file_of(part, read) for part in parts]
    return [file for file in found if file is not None]


def _file_of(part: Json, read: ReadUrl) -> File | KeptFile | None:
    name, kind = part.get("filename") or "file", part.get("mediaType")
    if isinstance(part.get("raw"), str):
        return File(name, base64.b64decode(part["raw"]), kind)
    size = part.get("metadata", {}).get("postroom.size")
    if size is not None and part.get("url", "").startswith("/files/"):
        return KeptFile(name, kind or "", size, part["url"], read)
    return None


def _part(piece: Piece) -> Json:
    match piece:
        case str():
            return {"text": piece}
        case File(name, content, media_type):
            kind = media_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
            return {"raw": base64.b64encode(content).decode(), "filename": name, "mediaType": kind}
        case KeptFile():
            return {"url": piece.url}
        case dict():
            return piece
        case _:
            raise TypeError(f"what is said is a text, a File, a part, or a list of them, not {type(piece).__name__}")
