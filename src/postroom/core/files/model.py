"""Files: bytes that messages name. Written once, whole or not at all; a message is accepted with files that are there."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

PIECE: Final = 1024 * 1024
"""Bytes that are written, read and held at a time."""
URL: Final = "/files/"
"""How the address begins by which a message names a file."""
SIZE: Final = "postroom.size"
"""Where the metadata of a part says how many bytes it stands for."""

_NAME_BYTES = 255
_NAMELESS = "file"
# Control, format (which turns the direction of text), surrogates, private use, and what ends a line; both joiners are letters' business.
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file that is whole; ``size`` is in bytes."""

    id: UUID
    name: str
    media_type: str
    size: int
    sha256: bytes
    created_at: datetime

    @property
    def url(self) -> str:
        """How messages name it, and where it is fetched."""
        return f"{URL}{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file that somebody is about to send; ``name`` is a clean one."""

    id: UUID
    name: str
    media_type: str
    key: str | None


def clean_name(name: str) -> str:
    """The name as any file system and any page can take it: no path, nothing unseen, at most 255 bytes, never empty."""
    last = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(letter for letter in last if letter in _JOINERS or unicodedata.category(letter) not in _UNSEEN).strip()
    return _cut(seen) if seen.strip(". ") else _NAMELESS


def _cut(name: str) -> str:
    """At most so many bytes, whole characters, with the ending that tells what it is."""
    stem, dot, ending = name.rpartition(".")
    tail = dot + ending if stem and len(ending) <= 16 else ""
    head = name.removesuffix(tail).encode()[: _NAME_BYTES - len(tail.encode())].decode(errors="ignore")
    return head + tail
