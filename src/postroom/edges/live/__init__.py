"""The live feed: server-sent events and a WebSocket, resumed from a cursor without a gap."""

from typing import Any

from starlette.routing import BaseRoute, Route, WebSocketRoute

from postroom.core.services import Services
from postroom.edges.live.feed import Draining, Feeds
from postroom.edges.live.socket import FeedSockets
from postroom.edges.live.sse import EventStreams


def routes(services: Services, draining: Draining) -> list[BaseRoute]:
    """The feeds of one workspace and of everything; they end when ``draining`` is set."""
    feeds = Feeds(services, draining)
    streams = EventStreams(feeds)
    return [
        Route("/workspaces/{id}/events/stream", streams.serve, methods=["GET"]),
        Route("/events/stream", streams.serve, methods=["GET"]),
        WebSocketRoute("/ws", FeedSockets(feeds).serve),
    ]


def paths() -> dict[str, Any]:
    """What OpenAPI says about it. OpenAPI has no words for the WebSocket; docs/http.md describes it."""
    workspace = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
    return {
        "/workspaces/{id}/events/stream": {"get": _operation("Follow the feed of a workspace", [workspace])},
        "/events/stream": {"get": _operation("Follow the feed of everything (operator and people)", [])},
    }


def _operation(summary: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    cursor = [
        {"name": "cursor", "in": "query", "schema": {"type": "string"}},
        {"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}},
    ]
    return {
        "tags": ["Feed"],
        "summary": summary,
        "description": "Frames `{event, workspace_id, timestamp, cursor, payload}`; without a cursor from now on. A pruned cursor: 410.",
        "parameters": [*parameters, *cursor],
        "responses": {
            "200": {"description": "Server-sent events.", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
            "default": {"description": "A refusal.", "content": {"application/json": {"schema": {"type": "object"}}}},
        },
    }
