"""Everything that the server answers to, put together: the one place where the edges of one port meet."""

import asyncio
from collections.abc import Sequence

from starlette.requests import Request
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from postroom.core.services import Services
from postroom.edges import a2a, live
from postroom.edges.mcp import Mcp
from postroom.edges.mcp import paths as mcp_paths
from postroom.edges.middleware import wrap
from postroom.edges.rest import inbox
from postroom.edges.rest.api import create_api
from postroom.edges.rest.health import Collect, Health, Inspect


def build_site(
    services: Services, mcp: Mcp, *, health: Health, inspect: Inspect, collect: Collect, draining: asyncio.Event, closing: asyncio.Event
) -> ASGIApp:
    """The application of the HTTP server. Streams and claims end when ``draining`` is set, sends stop waiting when ``closing`` is."""
    routes = [*a2a.routes(services, closing), *inbox.routes(services, draining), *live.routes(services, draining), *mcp.routes()]
    extra_paths = {**a2a.paths(), **inbox.paths(), **live.paths(), **mcp_paths()}
    api = create_api(services, health=health, inspect=inspect, collect=collect, closing=closing, routes=routes, extra_paths=extra_paths)
    return wrap(_shortened(routes, api), services.settings)


def _shortened(routes: Sequence[BaseRoute], app: ASGIApp) -> ASGIApp:
    """The application with a short way to the plain routes. FastAPI's and Starlette's own layers, of which these routes need none, cost
    more than all of ours (docs/decisions/0012); whatever is not exactly one of them takes the long way and gets its 404 or 405 there."""
    plain = [route for route in routes if isinstance(route, Route)]

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        for route in plain if scope["type"] == "http" else ():
            match, found = route.matches(scope)
            if match is Match.FULL:
                scope.update(found)
                response = await route.endpoint(Request(scope, receive, send))
                await response(scope, receive, send)
                return
        await app(scope, receive, send)

    return serve
