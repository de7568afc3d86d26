"""The page, as ``make page`` built it from ``web/``; the description of the API, and the page that shows it."""

import gzip
import hashlib
import mimetypes
import secrets
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import orjson
from fastapi import APIRouter, FastAPI, Response
from starlette.requests import Request

from postroom.edges.rest.calling import Caller
from postroom.errors import NotFound

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class File:
    """A static file, read once."""

    content: bytes
    media_type: str
    tag: str

    @cached_property
    def packed(self) -> bytes:
        """The content as gzip: a third of it, which counts on a phone. Made when it is first asked for."""
        return gzip.compress(self.content, mtime=0)


def _read(entry: Traversable) -> File:
    content = entry.read_bytes()
    media_type = _MEDIA_TYPES.get(entry.name.rpartition(".")[2]) or mimetypes.guess_type(entry.name)[0] or "application/octet-stream"
    # Weak, because the packed form has the same one (RFC 9110, 8.8.1).
    return File(content, media_type, f'W/"{hashlib.sha256(content).hexdigest()[:32]}"')


# Machines differ in what they know of these.
_MEDIA_TYPES: Final = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml", "webmanifest": "application/manifest+json"}
# What gets smaller by packing; pictures are packed already.
_TEXTS: Final = {"text/html", *_MEDIA_TYPES.values()}


def _folder(folder: Traversable) -> dict[str, File]:
    """All files of a folder, once: a name that is not among these is not there, so no path can lead out of it."""
    return {entry.name: _read(entry) for entry in folder.iterdir() if entry.is_file()} if folder.is_dir() else {}


_PAGE: Final = _folder(files("postroom") / "page")
_ASSETS: Final = _folder(files("postroom") / "page" / "assets")
_STATIC: Final = _folder(files("postroom.edges.rest") / "static")
# Shown to those who are let in only, like what it describes.
_CLOSED: Final = {"docs.html"}
_INDEX: Final = _PAGE.pop("index.html", _STATIC["unbuilt.html"])

# Radix and React Flow put style elements into the page. A nonce lets in these and no others; scripts come from files only.
_POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
)


@router.get("/")
@router.get("/talk")
@router.get("/team")
@router.get("/share")
@router.get("/w/{path:path}")
@router.get("/operate/{path:path}")
async def index() -> Response:
    """The page, at each of the addresses that it has itself (web/src/app/routes.tsx)."""
    nonce = secrets.token_urlsafe(18)
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": _POLICY.format(nonce=nonce)}
    return Response(_INDEX.content.replace(b"NONCE", nonce.encode()), headers=headers, media_type="text/html")


@router.get("/assets/{name}")
async def asset(request: Request, name: str) -> Response:
    """A file whose name has its hash: it never changes."""
    return _answer(request, _find(_ASSETS, name), "public, max-age=31536000, immutable")


@router.get("/static/{name}")
async def static(request: Request, name: str) -> Response:
    """A file of the page that shows the API."""
    return _answer(request, _find(_STATIC, "" if name in _CLOSED else name))


@router.get("/docs")
async def docs(request: Request, caller: Caller) -> Response:
    """The API, to read."""
    del caller
    return _answer(request, _STATIC["docs.html"])


@router.get("/openapi.json")
async def openapi(request: Request, caller: Caller) -> Response:
    """The API, for programs."""
    del caller
    app: FastAPI = request.app
    return Response(orjson.dumps(app.openapi()), media_type="application/json")


def _find(folder: dict[str, File], name: str) -> File:
    if name not in folder:
        raise NotFound("There is nothing at this address.", code="route_not_found")
    return folder[name]


def _answer(request: Request, file: File, caching: str = "no-cache") -> Response:
    headers = {"ETag": file.tag, "Cache-Control": caching, "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == file.tag:
        return Response(status_code=304, headers=headers)
    if file.media_type not in _TEXTS or "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(file.content, headers=headers, media_type=file.media_type)
    return Response(file.packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=file.media_type)


def _serve_root(name: str) -> None:
    """The few files that have to lie at the root: the service worker for its scope, the others because browsers look for them there."""

    @router.get(f"/{name}")
    async def root(request: Request) -> Response:
        return _answer(request, _PAGE[name])


for _name in _PAGE:
    _serve_root(_name)
