"""The page's files, the description of the API, and the page that shows it."""

import hashlib
import mimetypes
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import orjson
from fastapi import APIRouter, FastAPI, Response
from starlette.requests import Request

from postroom.edges.rest.calling import Caller
from postroom.errors import NotFound

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class File:
    """A static file, read once."""

    content: bytes
    media_type: str
    tag: str


def _read(name: str, content: bytes) -> File:
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return File(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


# The whole folder, once: a name that is not among these is not there, so no path can lead out of it.
_FILES: Final = {
    entry.name: _read(entry.name, entry.read_bytes()) for entry in (files("postroom.edges.rest") / "static").iterdir() if entry.is_file()
}
# Shown to those who are let in only, like what it describes.
_CLOSED: Final = {"docs.html"}


@router.get("/")
async def index(request: Request) -> Response:
    """The page."""
    return _answer(request, _FILES["index.html"])


@router.get("/static/{name}")
async def static(request: Request, name: str) -> Response:
    """A file of the page."""
    if name not in _FILES or name in _CLOSED:
        raise NotFound("There is nothing at this address.", code="route_not_found")
    return _answer(request, _FILES[name])


@router.get("/docs")
async def docs(request: Request, caller: Caller) -> Response:
    """The API, to read."""
    del caller
    return _answer(request, _FILES["docs.html"])


@router.get("/openapi.json")
async def openapi(request: Request, caller: Caller) -> Response:
    """The API, for programs."""
    del caller
    app: FastAPI = request.app
    return Response(orjson.dumps(app.openapi()), media_type="application/json")


def _answer(request: Request, file: File) -> Response:
    headers = {"ETag": file.tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == file.tag:
        return Response(status_code=304, headers=headers)
    return Response(file.content, headers=headers, media_type=file.media_type)
