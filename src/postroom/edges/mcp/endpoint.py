"""``/workspaces/{id}/mcp``: who may, within which limits. What passes is the official SDK's, which speaks every revision of the protocol.

Requests of the current revision stand for themselves; older ones begin with a handshake and name a session. The SDK serves both without a
memory: what is here is the name that a session goes by, and its stream, whose end tells that the client is gone.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Any, Final, cast
from uuid import UUID

import orjson
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.subscriptions import SUBSCRIPTION_ID_META_KEY
from mcp_types import (
    PARSE_ERROR,
    SubscriptionFilter,
    SubscriptionsAcknowledgedNotification,
    SubscriptionsAcknowledgedNotificationParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from postroom.core.deliveries.model import Session
from postroom.core.identity.model import Principal
from postroom.core.services import Services
from postroom.edges import strict_json
from postroom.edges.body import read_body
from postroom.edges.context import authenticate, refuse_foreign_origin, request_id_of, traceparent_of
from postroom.edges.credentials import CredentialWatch
from postroom.edges.mcp.desk import ServedDesk
from postroom.edges.mcp.sessions import Sessions
from postroom.edges.mcp.transport import SESSION_HEADER, Exchange, LifeStream
from postroom.edges.presence import Presence
from postroom.edges.problems import codes_of, problem_body, problem_headers, problem_of
from postroom.errors import Forbidden, Malformed, NotFound, PostroomError, Refused, Unavailable
from postroom.ids import new_id
from postroom.mcp.server import Context, build_server

Json = dict[str, Any]

PROTOCOL_HEADER: Final = "mcp-protocol-version"


class Mcp:
    """The edge: one for all workspaces. ``run`` owns every task that the SDK starts."""

    def __init__(self, services: Services, draining: asyncio.Event) -> None:
        # Its own lines name sessions and repeat what clients sent; what matters of them is in ours.
        logging.getLogger("mcp").setLevel(logging.ERROR)
        self._services = services
        self._draining = draining
        self._watch = CredentialWatch(services.identity)
        self._sessions = Sessions(services.keeping, Presence(services.agents), services.settings.lease_seconds)
        server = build_server(_desk_of, _fault, self._listen)
        self._manager = StreamableHTTPSessionManager(server, stateless=True, max_request_body_size=services.settings.reply_limit)
        self._running = asyncio.Event()

    def routes(self) -> list[BaseRoute]:
        """One address for all that the transport does."""
        return [Route("/workspaces/{id}/mcp", self.answer, methods=["POST", "GET", "DELETE"])]

    async def run(self) -> None:
        """Serve until cancelled."""
        async with self._manager.run(), asyncio.TaskGroup() as group:
            self._running.set()
            group.create_task(self._sessions.run())

    async def answer(self, request: Request) -> Response:
        """Answer one request; every refusal that this project makes is a JSON-RPC error with an HTTP status."""
        try:
            caller = await self._admit(request)
            match request.method:
                case "POST":
                    return await self._exchange(request, caller)
                case "GET":
                    return self._stream(request, caller)
                case "DELETE":
                    return await self._end(_session(request, caller))
                case _:
                    raise Refused("This address does not take this method.", code="method_not_allowed")
        except Exception as error:  # boundary: whatever it is, the client gets a JSON-RPC error, and problem_of logs and counts it
            return _refusal(request, error)

    async def _admit(self, request: Request) -> Principal:
        """Raises Unauthenticated, Forbidden, NotFound, Gone for a stranger, Unavailable at the drain."""
        refuse_foreign_origin(request, self._services.settings)
        caller, workspace = await authenticate(request, self._services), _workspace(request)
        if caller.workspace_id != workspace:
            await self._services.workspaces.get(caller, workspace)
            raise Forbidden("Only the workspace's own token may do this.")
        if self._draining.is_set():
            raise Unavailable("This server is stopping.", code="restart", retry_after=1.0)
        await self._running.wait()
        return caller

    async def _exchange(self, request: Request, caller: Principal) -> Response:
        settings = self._services.settings
        # A call may carry a reply, which may be larger than a request.
        raw = await read_body(request, settings.reply_limit, settings.body_seconds)
        asked = strict_json.loads(raw)
        if not isinstance(asked, dict):
            raise Refused("The body must be one JSON-RPC message: batches are not taken.", code="invalid", fields=[])
        method = cast(Json, asked).get("method")
        session = _session(request, caller, begins=method == "initialize")
        exchange = Exchange(self._manager, self._sessions.open(session), session.id, raw, method)

        async def enough() -> bool:
            return exchange.gone or self._draining.is_set()

        traceparent = traceparent_of(request)
        desk = ServedDesk(services=self._services, caller=caller, session=session, enough=enough, traceparent=traceparent)
        request.scope["state"]["desk"] = desk
        return exchange

    def _stream(self, request: Request, caller: Principal) -> Response:
        if request.headers.get(PROTOCOL_HEADER) in MODERN_PROTOCOL_VERSIONS:
            raise Refused("Clients of this revision open a stream with subscriptions/listen.", code="method_not_allowed")
        return LifeStream(self._sessions.open(_session(request, caller)), self._watch, caller.credential_id, self._draining)

    async def _listen(self, context: Context, _params: SubscriptionsListenRequestParams) -> SubscriptionsListenResult:
        """The stream of a client of the current revision: it shows that the client lives, and tells at once that nothing comes on it."""
        meta: Json = {SUBSCRIPTION_ID_META_KEY: context.request_id}
        told = SubscriptionsAcknowledgedNotificationParams(notifications=SubscriptionFilter(), _meta=meta)
        await context.session.send_notification(SubscriptionsAcknowledgedNotification(params=told), related_request_id=context.request_id)
        await self._draining.wait()
        return SubscriptionsListenResult(_meta=meta)

    async def _end(self, session: Session) -> Response:
        """The client is done: what it holds goes back at once."""
        for waiting in await self._services.keeping.held(session):
            with suppress(PostroomError):
                await self._services.keeping.give_back(await self._services.keeping.hold(session, waiting.delivery.message_id))
        return Response(status_code=204)


def paths() -> Json:
    """What OpenAPI says about it."""
    return {"/workspaces/{id}/mcp": {method: _operation(method) for method in _SUMMARIES}}


def _desk_of(context: Context) -> ServedDesk:
    return _request(context).state.desk


def _fault(context: Context, error: Exception) -> PostroomError:
    return problem_of(error, request_id_of(_request(context).scope), place="mcp")


def _request(context: Context) -> Request:
    return cast(Request, context.request)


def _workspace(request: Request) -> UUID:
    try:
        return UUID(request.path_params["id"])
    except ValueError:
        raise NotFound("There is no such workspace.", code="workspace_not_found") from None


def _session(request: Request, caller: Principal, *, begins: bool = False) -> Session:
    """The session that the client names, or a new one for a client that ``begins``; the token stands for one, where clients have none.

    Any name will do, here and at another server: what it can reach is the token's own workspace.
    """
    named = request.headers.get(SESSION_HEADER)
    try:
        id = new_id() if begins else caller.credential_id if named is None else UUID(named)
    except ValueError:
        # With 404 the client begins a new one (2025-11-25, transports, session management).
        raise NotFound("There is no such session.", code="session_not_found") from None
    return Session(id=id, workspace_id=caller.id, credential_id=caller.credential_id)


def _refusal(request: Request, raised: Exception) -> Response:
    request_id = request_id_of(request.scope)
    error = problem_of(raised, request_id, place="mcp")
    codes = codes_of(error)
    code = PARSE_ERROR if error.name == Malformed.code else codes.rpc
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": error.sentence, "data": problem_body(error, request_id)}}
    return Response(orjson.dumps(body), codes.http, problem_headers(error), media_type="application/json")


_SUMMARIES: Final = {
    "post": "Speak MCP as the agent of a workspace",
    "get": "Keep an MCP session alive",
    "delete": "End an MCP session; what it holds goes back",
}


def _operation(method: str) -> Json:
    body = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}} if method == "post" else {}
    content = {"application/json": {"schema": {"type": "object"}}, "text/event-stream": {"schema": {"type": "string"}}}
    return {
        "tags": ["Talking"],
        "summary": _SUMMARIES[method],
        "description": "Streamable HTTP of the Model Context Protocol; docs/mcp.md has the tools.",
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}},
            {"name": "MCP-Protocol-Version", "in": "header", "schema": {"type": "string"}},
            {"name": "Mcp-Session-Id", "in": "header", "schema": {"type": "string", "format": "uuid"}},
        ],
        **body,
        "responses": {
            "204" if method == "delete" else "200": {"description": "Done."}
            if method == "delete"
            else {"description": "A JSON-RPC response.", "content": content},
            "default": {
                "description": "A refusal: the HTTP status and a JSON-RPC error object.",
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
        },
    }
