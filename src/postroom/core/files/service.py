"""Use cases of files: keep one, see one, read it, name it in a message, and forget what nobody names.

No step holds a transaction while it waits for a client: a piece is written when it is whole, and read when it is wanted.
"""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from typing import Any
from uuid import UUID

from postroom.core.files import store
from postroom.core.files.model import PIECE, SIZE, URL, File, NewFile
from postroom.core.identity.model import Principal
from postroom.db.database import Connection, Database
from postroom.errors import KeyReused, NotFound, PostroomError, Refused, Unavailable
from postroom.failpoints import reach
from postroom.settings import Settings

Json = dict[str, Any]

_PRUNED_AT_ONCE = 50


class Files:
    """The files of the post room."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db = db
        self._settings = settings
        # Plugged in by the watch over the disk; None while there is room.
        self.no_room: Callable[[], Unavailable | None] = lambda: None

    async def keep(self, uploader: Principal, new: NewFile, pieces: AsyncIterable[bytes]) -> File:
        """Write the pieces (each of PIECE bytes, the last one of less) and return the file when all of it is on the disk.

        Under a key that was used before: the file of that time. Raises Refused (``file_empty``), KeyReused, Unavailable, OutcomeUnknown,
        and what ``pieces`` raises; then nothing is left of it.
        """
        await store.insert_file(self._db, uploader, new)
        reach("upload.begun")
        try:
            size, digest = await self._write(new.id, pieces)
        except PostroomError:
            await store.delete_file(self._db, new.id)
            raise
        reach("upload.whole")
        found = await store.complete_file(self._db, new.id, size, digest)
        reach("upload.completed")
        if found.id != new.id:
            await store.delete_file(self._db, new.id)
            if (found.name, found.media_type, found.sha256) != (new.name, new.media_type, digest):
                raise KeyReused("This key was used for another file.", file_id=str(found.id))
        return found

    async def _write(self, file: UUID, pieces: AsyncIterable[bytes]) -> tuple[int, bytes]:
        """How many bytes there are, and their SHA-256."""
        digest, size, number = hashlib.sha256(), 0, 0
        async for piece in pieces:
            if (full := self.no_room()) is not None:
                raise full
            await store.insert_chunk(self._db, file, number, piece)
            reach("upload.kept")
            digest.update(piece)
            size, number = size + len(piece), number + 1
        if size == 0:
            raise Refused("The file is empty.", code="file_empty")
        return size, digest.digest()

    async def get(self, principal: Principal, file: UUID) -> File:
        """Raises NotFound (``file_not_found``), also for what the caller may not see."""
        found = await store.find_file(self._db, file, principal)
        if found is None:
            raise NotFound("There is no such file.", code="file_not_found")
        return found

    async def read(self, file: UUID, start: int, end: int) -> AsyncGenerator[bytes]:
        """The bytes from ``start`` to before ``end``, a piece at a time; between two of them nothing is held."""
        for number in range(start // PIECE, -(-end // PIECE)):
            piece = await store.read_chunk(self._db, file, number)
            first = number * PIECE
            yield piece[max(start - first, 0) : end - first]

    async def name_in(self, message: Json, kind: str, sender: UUID) -> Json:
        """The message (or whatever has ``parts``) with what is known of the files that it names; they are kept until it is written.

        Raises Refused: ``file_unknown`` for one that is not whole or that the sender may not see, ``files_too_large``.
        """
        named = _named_in(message)
        if not named:
            return message
        found = await store.keep_files(self._db, named, kind, sender)
        for file in named:
            if file not in found:
                raise Refused("The message names a file that is not there.", code="file_unknown", url=f"{URL}{file}")
        # One that is named twice counts twice: an agent that is called gets it twice.
        self._check_size(sum(found[file].size for file in named))
        return message | {"parts": [_described(part, found) if _is_ours(part) else part for part in message["parts"]]}

    def _check_size(self, size: int) -> None:
        limit = self._settings.message_files_limit
        if size > limit:
            raise Refused(f"The files of one message have at most {limit} bytes together.", code="files_too_large", limit=limit, size=size)

    async def attach(self, connection: Connection, content: Json, message: UUID) -> None:
        """What ``content`` names belongs to that message; for parts that are no message, which attaches its own."""
        if named := _named_in(content):
            await store.attach_files(connection, named, message)

    async def prune(self) -> bool:
        """Forget files that no message has named for a day, and uploads that came to nothing. Returns whether there may be more."""
        return await store.prune_files(self._db, _PRUNED_AT_ONCE) == _PRUNED_AT_ONCE


def _named_in(content: Json) -> list[UUID]:
    return [_named(part["url"]) for part in content.get("parts") or () if _is_ours(part)]


def _is_ours(part: Json) -> bool:
    return part.get("url", "").startswith(URL)


def _named(url: str) -> UUID:
    try:
        return UUID(url.removeprefix(URL))
    except ValueError:
        raise Refused("The message names a file that is not there.", code="file_unknown", url=url) from None


def _described(part: Json, found: dict[UUID, File]) -> Json:
    file = found[_named(part["url"])]
    metadata: Json = part.get("metadata") or {}
    known = {"url": file.url, "filename": file.name, "mediaType": file.media_type}
    return part | known | {"metadata": metadata | {SIZE: file.size}}
