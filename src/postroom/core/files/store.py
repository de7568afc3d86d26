"""Statements of the slice "files", typed."""

from collections.abc import Sequence
from uuid import UUID

from postroom.core.files.model import File, NewFile
from postroom.core.identity.model import Principal
from postroom.db.database import Connection, Database, Row
from postroom.db.statements import load

SQL = load("files")


async def insert_file(db: Database, uploader: Principal, new: NewFile) -> None:
    """A file of which no byte is there yet."""
    await db.write(SQL.insert_file, new.id, uploader.kind.value, uploader.id, new.key, new.name, new.media_type)


async def insert_chunk(db: Database, file: UUID, number: int, content: bytes) -> None:
    """One piece of it."""
    await db.write(SQL.insert_chunk, file, number, content)


async def complete_file(db: Database, file: UUID, size: int, sha256: bytes) -> File:
    """From here on it is there. Another file than this one when its key had been used before."""
    return _file((await db.write(SQL.complete_file, file, size, sha256))[0])


async def delete_file(db: Database, file: UUID) -> None:
    """One that is not whole."""
    await db.write(SQL.delete_file, file)


async def find_file(db: Database, file: UUID, principal: Principal) -> File | None:
    """None for what is not whole, and for what the principal may not see."""
    row = await db.first(SQL.find_file, file, principal.kind.value, principal.id)
    return None if row is None else _file(row)


async def keep_files(db: Database, files: Sequence[UUID], kind: str, principal: UUID) -> dict[UUID, File]:
    """Those of them that this sender may name, kept for another day."""
    return {row["id"]: _file(row) for row in await db.write(SQL.keep_files, files, kind, principal)}


async def read_chunk(db: Database, file: UUID, number: int) -> bytes:
    """Raises LookupError when it is not there."""
    row = await db.first(SQL.read_chunk, file, number)
    if row is None:
        raise LookupError(f"file {file} has no piece {number}")
    return row["content"]


async def attach_files(connection: Connection, files: Sequence[UUID], message: UUID) -> None:
    """Name them in something that is no message and belongs to one."""
    await connection.execute(SQL.attach_files, files, message)


async def prune_files(db: Database, most: int) -> int:
    """How many were looked at whose time was up."""
    return (await db.write(SQL.prune_files, most, pool="workers"))[0]["seen"]


def _file(row: Row) -> File:
    known = ("id", "name", "media_type", "size", "sha256", "created_at")
    return File(**{name: row[name] for name in known})
