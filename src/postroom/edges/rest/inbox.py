"""``/workspaces/{id}/inbox``: the post of an agent that fetches, over HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from postroom.core.services import Services
from postroom.edges import strict_json
from postroom.edges.body import read_body
from postroom.edges.context import authenticate, recognise, refusing
from postroom.edges.rest.inbox_stream import InboxStream
from postroom.edges.rest.inbox_verbs import InboxVerbs, message_of, workspace_of
from postroom.errors import Refused

Json = dict[str, Any]


def routes(services: Services, draining: asyncio.Event) -> list[BaseRoute]:
    """The claim, the verbs about one hand-out, and the stream. A claim waits no longer once ``draining`` is set."""
    verbs = InboxVerbs(services)
    inbox = "/workspaces/{id}/inbox"
    return [
        Route(f"{inbox}/claim", _claim(services, verbs, draining), methods=["POST"]),
        *(Route(f"{inbox}/{{message_id}}/{verb}", _say(services, verbs, verb), methods=["POST"]) for verb in verbs.names),
        WebSocketRoute(f"{inbox}/stream", InboxStream(services, verbs).serve),
    ]


def _claim(services: Services, verbs: InboxVerbs, draining: asyncio.Event) -> Callable[[Request], Awaitable[Response]]:
    async def claim(request: Request) -> Response:
        principal = await recognise(request, services)
        workspace = workspace_of(request.path_params)
        body = await _body(request, services, services.settings.request_limit)
        async with refusing(request, services):
            return _json(await verbs.claim(principal, workspace, body, request.is_disconnected, stopping=draining.is_set))

    return claim


def _say(services: Services, verbs: InboxVerbs, verb: str) -> Callable[[Request], Awaitable[Response]]:
    settings = services.settings
    limit = settings.reply_limit if verb == "reply" else settings.request_limit

    # As the claim does, what ends or gives back a hand-out looks at the credential in its own statement; the others do not.
    identify = recognise if verb in ("reply", "fail", "release") else authenticate

    async def say(request: Request) -> Response:
        principal = await identify(request, services)
        workspace, message = workspace_of(request.path_params), message_of(request.path_params.get("message_id"))
        body = await _body(request, services, limit)
        async with refusing(request, services):
            return _json(await verbs.say(verb, principal, workspace, message, body))

    return say


async def _body(request: Request, services: Services, limit: int) -> Json:
    data = await read_body(request, limit, services.settings.body_seconds)
    value: Any = strict_json.loads(data) if data else {}
    if not isinstance(value, dict):
        raise Refused("The body must be a JSON object.", code="invalid", fields=[])
    return cast(Json, value)


def _json(body: Json) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")


_TOKEN: Json = {"token": {"type": "integer"}}
_LEASE: Json = {"type": "number", "minimum": 10, "maximum": 3600}
_PARTS: Json = {"type": "array", "items": {"type": "object"}}
_FIELDS: dict[str, Json] = {
    "extend": _TOKEN | {"lease": _LEASE},
    "progress": _TOKEN | {"parts": _PARTS, "text": {"type": "string"}, "status": {"type": "string", "maxLength": 255}},
    "reply": _TOKEN
    | {
        "parts": _PARTS,
        "message": {"type": "object"},
        "task": {"type": "object"},
        "text": {"type": "string"},
        "usage": {"type": "object"},
    },
    "fail": _TOKEN | {"error": {"type": "string", "minLength": 1, "maxLength": 10_000}, "retry": {"type": "boolean"}},
    "release": _TOKEN,
}
_SUMMARIES = {
    "extend": "Keep a message for longer; tells whether its sender wants to cancel",
    "progress": "Show how far the work is",
    "reply": "End a message with its answer: exactly one of parts, message, task and text",
    "fail": "End an attempt without an answer",
    "release": "Give a message back at once",
}


def paths() -> Json:
    """What OpenAPI says about it. OpenAPI has no words for the WebSocket; docs/http.md describes it."""
    inbox = "/workspaces/{id}/inbox"
    claim: Json = {
        "max": {"type": "integer", "minimum": 1, "maximum": 32, "default": 1},
        "wait": {"type": "number", "minimum": 0, "maximum": 60, "default": 0},
        "lease": _LEASE,
    }
    told = {f"{inbox}/claim": {"post": _operation("Fetch post, waiting for it", claim, [], ["id"])}}
    for verb, fields in _FIELDS.items():
        told[f"{inbox}/{{message_id}}/{verb}"] = {"post": _operation(_SUMMARIES[verb], fields, ["token"], ["id", "message_id"])}
    return told


def _operation(summary: str, fields: Json, required: list[str], path: list[str]) -> Json:
    schema: Json = {"type": "object", "properties": fields} | ({"required": required} if required else {})
    answer = {"application/json": {"schema": {"type": "object"}}}
    return {
        "tags": ["Inbox"],
        "summary": summary,
        "parameters": [{"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}} for name in path],
        "requestBody": {"required": bool(required), "content": {"application/json": {"schema": schema}}},
        "responses": {"200": {"description": "Done.", "content": answer}, "default": {"description": "A refusal.", "content": answer}},
    }
