"""Bytes that lie within a message: told by an address instead, and answered there. A page of pictures is not read through JSON."""

from base64 import urlsafe_b64decode
from collections.abc import AsyncGenerator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response
from starlette.requests import Request

from postroom.core.files.model import SIZE, clean_name
from postroom.edges.rest.bytes import ANY_TYPE, answer_bytes, media_type_of
from postroom.edges.rest.calling import Caller, Use
from postroom.edges.rest.shapes import Json, Part
from postroom.errors import NotFound, Refused

router = APIRouter(prefix="/workspaces/{id}/messages/{message_id}/parts", tags=["Talking"])


@router.get("/{number}", response_class=Response)
async def part(
    id: UUID, message_id: UUID, request: Request, caller: Caller, services: Use, *, number: Annotated[int, Path(ge=0, lt=2**31)]
) -> Response:
    """The bytes of one part of a message, as of a file."""
    found = await services.reading.part(caller, id, message_id, number)
    if "raw" not in found:
        raise NotFound("This part holds no bytes.")
    content = _bytes_of(found["raw"])

    async def read(start: int, end: int) -> AsyncGenerator[bytes]:
        yield content[start:end]

    name = clean_name(found.get("filename") or "")
    return answer_bytes(request, read, name=name, media_type=_media_type(found), size=len(content), tag=f"{message_id}-{number}")


def with_addresses(parts: list[Part], workspace: UUID, message: UUID) -> list[Part]:
    """The parts, with the address of their bytes in the place of these."""
    place = f"/workspaces/{workspace}/messages/{message}/parts"
    return [_with_address(part, part["raw"], f"{place}/{number}") if "raw" in part else part for number, part in enumerate(parts)]


def _with_address(part: Part, raw: str, url: str) -> Part:
    told: Part = {**part, "url": url, "metadata": {**part.get("metadata", {}), SIZE: len(raw.rstrip("=")) * 3 // 4}}
    del told["raw"]
    return told


def _bytes_of(raw: str) -> bytes:
    # Either alphabet, padded or not, as ``edges/wire.py`` lets it in.
    text = raw.rstrip("=").replace("+", "-").replace("/", "_")
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _media_type(part: Json) -> str:
    """As whoever said it has it, if that is one."""
    try:
        return media_type_of(part.get("mediaType"))
    except Refused:
        return ANY_TYPE
