"""What is said, as parts of A2A 1.0 (specification, section 4.1.6): texts, files, data.

A file travels inside its message, as base64, which makes it a third longer. A request to a server has 1 MiB, a reply 10 MiB: some 780 kB
and 7.8 MB of files. What is larger goes to a place that both sides can reach, and its address into the message.
"""

import base64
import mimetypes
from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer answered. The parts are in A2A 1.0 form."""

    parts: list[Json]

    @property
    def text(self) -> str:
        """The text parts, joined by line ends."""
        return text_of(self.parts)

    @property
    def files(self) -> "list[File]":
        """The files that came with it."""
        return files_in(self.parts)


Piece = str | File | Json
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


def files_in(parts: Sequence[Json]) -> list[File]:
    """The files among the parts; one without a name is called ``file``."""
    return [
        File(part.get("filename") or "file", base64.b64decode(part["raw"]), part.get("mediaType"))
        for part in parts
        if isinstance(part.get("raw"), str)
    ]


def _part(piece: Piece) -> Json:
    match piece:
        case str():
            return {"text": piece}
        case File(name, content, media_type):
            kind = media_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
            return {"raw": base64.b64encode(content).decode(), "filename": name, "mediaType": kind}
        case dict():
            return piece
        case _:
            raise TypeError(f"what is said is a text, a File, a part, or a list of them, not {type(piece).__name__}")
