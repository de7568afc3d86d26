"""A2A over JSON-RPC, in the versions 0.3 and 1.0: the address of every workspace."""

import asyncio
from typing import Any

from starlette.routing import BaseRoute, Route

from postroom.core.services import Services
from postroom.edges.a2a.endpoint import Endpoint


def routes(services: Services, closing: asyncio.Event) -> list[BaseRoute]:
    """With and without the slash at the end: clients add one (a2a.md, section 4, 21). Sends wait for no reply once ``closing`` is set."""
    endpoint = Endpoint(services, closing)
    return [Route(path, endpoint.answer, methods=["POST"]) for path in ("/workspaces/{id}/a2a", "/workspaces/{id}/a2a/")]


def paths() -> dict[str, Any]:
    """What OpenAPI says about it."""
    return {"/workspaces/{id}/a2a": {"post": _SEND}}


_SEND: dict[str, Any] = {
    "tags": ["Talking"],
    "summary": "Speak A2A to a workspace",
    "description": "JSON-RPC 2.0 with the methods of A2A 0.3 (`message/send`, `tasks/get`, `tasks/cancel`) and 1.0 (`SendMessage`, "
    "`GetTask`, `CancelTask`; header `A2A-Version: 1.0`). A blocking send answers with the agent's reply, or with the task when the wait "
    "ends first. A bare message is wrapped.",
    "parameters": [
        {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}},
        {"name": "A2A-Version", "in": "header", "schema": {"type": "string", "enum": ["0.3", "1.0"]}},
        {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "minLength": 1, "maxLength": 255}},
        {"name": "X-Postroom-Dedupe", "in": "header", "schema": {"type": "string", "enum": ["message-id"]}},
        {"name": "X-Postroom-Deadline-Seconds", "in": "header", "schema": {"type": "number", "minimum": 1, "maximum": 2592000}},
        {"name": "X-Timeout", "in": "header", "schema": {"type": "number", "minimum": 0, "maximum": 3600}},
    ],
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
    "responses": {
        "200": {
            "description": "A JSON-RPC response: a result, or an error of A2A.",
            "headers": {
                "X-Postroom-Message-Id": {"schema": {"type": "string", "format": "uuid"}},
                "X-Postroom-Thread-Id": {"schema": {"type": "string"}},
            },
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        "default": {
            "description": "A refusal that is no error of A2A: the HTTP status and a JSON-RPC error object.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
    },
}
