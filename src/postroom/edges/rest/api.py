"""The management surface as one FastAPI application; hot paths join it as plain routes."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from postroom import __version__
from postroom.core.services import Services
from postroom.edges.problems import handlers
from postroom.edges.rest import (
    chats,
    dead_letters,
    delegations,
    files,
    health,
    history,
    mailbox,
    page,
    parts,
    preferences,
    registry,
    sessions,
    tokens,
    workspaces,
)
from postroom.edges.rest.health import Collect, Health, Inspect

Json = dict[str, Any]

_ROUTERS = (
    workspaces.router,
    tokens.router,
    registry.router,
    history.router,
    chats.router,
    parts.router,
    mailbox.router,
    delegations.router,
    dead_letters.router,
    files.router,
    sessions.router,
    preferences.router,
    health.router,
    page.router,
)
# What a docstring's mark of a name becomes, by where it stands.
_MARKS = {"description": "`", "summary": ""}
_REFUSAL: Json = {
    "type": "object",
    "required": ["error", "code", "request_id"],
    "properties": {
        "error": {"type": "string", "description": "A sentence for a person."},
        "code": {"type": "string", "description": "A stable name."},
        "request_id": {"type": "string"},
    },
}


def create_api(
    services: Services,
    *,
    health: Health,
    inspect: Inspect,
    collect: Collect,
    closing: asyncio.Event,
    routes: Sequence[BaseRoute] = (),
    extra_paths: Mapping[str, Json] | None = None,
) -> FastAPI:
    """The application. Sends stop waiting when ``closing`` is set.

    ``routes`` are plain routes beside FastAPI's, ``extra_paths`` the OpenAPI path
    items that describe them.
    """
    app = FastAPI(title="Postroom", version=__version__, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.services, app.state.closing = services, closing
    app.state.health, app.state.inspect, app.state.collect = health, inspect, collect
    # First, because a plain route names its path whole, and the hottest ones should not wait for forty others to say no.
    app.router.routes.extend(routes)
    for router in _ROUTERS:
        app.include_router(router)
    for kind, handler in handlers().items():
        app.add_exception_handler(kind, handler)
    app.openapi = _described(app, extra_paths or {})
    return app


def _described(app: FastAPI, extra_paths: Mapping[str, Json]) -> Callable[[], Json]:
    """A function in the place of FastAPI's: the document, made when it is first asked for."""
    made: Json = {}

    def openapi() -> Json:
        if not made:
            made.update(_describe(app, extra_paths))
        return made

    return openapi


def _describe(app: FastAPI, extra_paths: Mapping[str, Json]) -> Json:
    document = get_openapi(title="Postroom", version=__version__, routes=app.routes)
    _summarise(document["paths"])
    for path, item in extra_paths.items():
        document["paths"].setdefault(path, {}).update(item)
    components = document.setdefault("components", {})
    components.setdefault("schemas", {})["Refusal"] = _REFUSAL
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "__Host-postroom"},
    }
    for path, item in document["paths"].items():
        for method, operation in item.items():
            _complete(operation, open_to_all=path == "/health" or (path, method) == ("/session", "post"))
    _mark_up(document)
    return document


def _summarise(paths: Json) -> None:
    """The first sentence of a route's docstring says more than its function's name, which FastAPI takes."""
    for item in paths.values():
        for operation in item.values():
            first, *rest = re.split(r"\.\s+", operation["description"], maxsplit=1)
            operation["summary"] = " ".join(first.rstrip(".").split())
            operation["description"] = "".join(rest)


def _mark_up(node: Any) -> None:
    """Docstrings mark names as reStructuredText does. Descriptions are CommonMark, and a summary is plain text (OpenAPI 3.1, 4.8.10)."""
    if isinstance(node, list):
        for item in cast(list[Any], node):
            _mark_up(item)
    elif isinstance(node, dict):
        texts = cast(Json, node)
        for name, value in texts.items():
            if name in _MARKS and isinstance(value, str):
                texts[name] = value.replace("``", _MARKS[name])
            else:
                _mark_up(value)


def _complete(operation: Json, *, open_to_all: bool) -> None:
    """What holds for every call: who may, and what a refusal looks like."""
    operation["security"] = [] if open_to_all else [{"bearer": []}, {"session": []}]
    refusal = {"description": "A refusal.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}}
    # FastAPI's own 422 describes a body that this server never sends.
    operation["responses"].pop("422", None)
    operation["responses"]["default"] = refusal
