"""Bytes that somebody else made, answered so that no browser takes them for something of ours."""

import re
from collections.abc import AsyncIterable, Callable
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from postroom.edges.context import request_id_of
from postroom.edges.problems import problem_response
from postroom.errors import Refused

# What a browser shows without running anything that is in it; SVG, HTML and PDF are programs. Everything else is saved and not shown.
_HARMLESS: Final = frozenset(
    {f"image/{kind}" for kind in ("png", "jpeg", "gif", "webp", "avif", "bmp")}
    | {f"audio/{kind}" for kind in ("mpeg", "mp4", "aac", "ogg", "wav", "webm", "flac")}
    | {f"video/{kind}" for kind in ("mp4", "webm", "ogg")}
)
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
ANY_TYPE: Final = "application/octet-stream"

Span = tuple[int, int]


def media_type_of(given: str | None) -> str:
    """``type/subtype`` in lower case, without parameters; of nothing, bytes of any type. Raises Refused (``bad_media_type``)."""
    essence = (given or ANY_TYPE).partition(";")[0].strip().lower()
    if not _MEDIA_TYPE.fullmatch(essence) or essence.startswith("multipart/"):
        raise Refused("Content-Type must be the media type of the file, and the body its bytes and nothing else.", code="bad_media_type")
    return essence


def answer_bytes(
    request: Request, read: Callable[[int, int], AsyncIterable[bytes]], *, name: str, media_type: str, size: int, tag: str
) -> Response:
    """The bytes, or the range of them that is asked for. ``read`` is given where it begins and where it ends (before that); ``tag``
    changes when they do."""
    headers = _headers(request, name, media_type) | {"ETag": f'"{tag}"', "Accept-Ranges": "bytes"}
    if f'"{tag}"' in re.split(r"\s*,\s*", request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    asked = _asked(request, tag)
    span = (0, size) if asked is None else _span(asked, size)
    if span is None:
        error = Refused(f"There are {size} bytes.", code="range_not_satisfiable", size=size)
        response = problem_response(error, request_id_of(request.scope))
        response.headers["Content-Range"] = f"bytes */{size}"
        return response
    start, end = span
    # Who asked for a range of all of it gets that as a range: players take anything else for a server that has none.
    partial = {} if asked is None else {"Content-Range": f"bytes {start}-{end - 1}/{size}"}
    sized = headers | partial | {"Content-Length": str(end - start)}
    return StreamingResponse(read(start, end), 206 if partial else 200, headers=sized, media_type=media_type)


def _headers(request: Request, name: str, media_type: str) -> dict[str, str]:
    shown = "inline" if request.query_params.get("inline") == "1" and media_type in _HARMLESS else "attachment"
    return {
        "Content-Disposition": f"{shown}; filename=\"{_plain(name)}\"; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        # Whatever way a browser comes to take it for a document: it runs nothing and has no origin.
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "private, no-cache",
    }


def _plain(name: str) -> str:
    """For clients that do not know ``filename*`` (RFC 6266, appendix D)."""
    return re.sub(r"[^A-Za-z0-9 ._()+-]", "_", name)


def _asked(request: Request, tag: str) -> tuple[str, str] | None:
    """The first and the last byte, either of which may be left out. What is no single range counts as none (RFC 9110, 14.2)."""
    match = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if match is None or not any(match.groups()) or request.headers.get("if-range", f'"{tag}"') != f'"{tag}"':
        return None
    first, last = match.groups()
    return None if first and last and int(last) < int(first) else (first, last)


def _span(asked: tuple[str, str], size: int) -> Span | None:
    """Where to begin and end; None for a range that lies outside."""
    first, last = asked
    if not first:
        return (max(size - int(last), 0), size) if int(last) else None
    return (int(first), min(int(last) + 1, size) if last else size) if int(first) < size else None
