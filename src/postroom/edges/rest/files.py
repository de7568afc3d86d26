"""``/files``: bytes in, before a message names them, and out again; never more than a piece of them in memory."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from starlette.requests import Request

from postroom.core.files.model import PIECE, NewFile, clean_name
from postroom.edges.body import read_pieces
from postroom.edges.idempotency import key_of
from postroom.edges.rest.bytes import answer_bytes, media_type_of
from postroom.edges.rest.calling import Caller, Use
from postroom.edges.rest.shapes import Json, Moment, Shape
from postroom.ids import new_id

router = APIRouter(prefix="/files", tags=["Files"])

_BYTES: Json = {"*/*": {"schema": {"type": "string", "format": "binary"}}}


class FileShape(Shape):
    """A file that is kept. A message names it with a part ``{"url": url}``."""

    id: UUID
    name: str
    media_type: str
    size: int
    sha256: str
    url: str
    created_at: Moment


@router.post("", status_code=201, openapi_extra={"requestBody": {"required": True, "content": _BYTES}})
async def upload(request: Request, caller: Caller, services: Use, *, name: Annotated[str, Query(min_length=1)]) -> FileShape:
    """Keep the bytes of the body as a file of that name. The same Idempotency-Key and bytes again are the same file."""
    settings = services.settings
    media_type, key = media_type_of(request.headers.get("content-type")), key_of(request.headers)
    new = NewFile(id=new_id(), name=clean_name(name), media_type=media_type, key=key)
    pieces = read_pieces(request, settings.file_limit, settings.upload_seconds, PIECE)
    file = await services.files.keep(caller, new, pieces)
    known = {field: getattr(file, field) for field in ("id", "name", "media_type", "size", "url", "created_at")}
    return FileShape(**known, sha256=file.sha256.hex())


@router.get("/{id}", response_class=Response, responses={200: {"content": _BYTES}})
async def download(id: UUID, request: Request, caller: Caller, services: Use) -> Response:
    """The bytes of a file, or a range of them: for those who manage, who uploaded it, and who sent or got a message that names it."""
    file = await services.files.get(caller, id)
    return answer_bytes(
        request,
        lambda start, end: services.files.read(file.id, start, end),
        name=file.name,
        media_type=file.media_type,
        size=file.size,
        tag=file.sha256.hex(),
    )
