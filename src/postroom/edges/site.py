"""Everything that the server answers to, put together: the one place where the edges of one port meet."""

import asyncio

from starlette.types import ASGIApp

from postroom.core.services import Services
from postroom.edges import a2a, live
from postroom.edges.middleware import wrap
from postroom.edges.rest import inbox
from postroom.edges.rest.api import create_api
from postroom.edges.rest.health import Collect, Health


def build_site(services: Services, *, health: Health, collect: Collect, draining: asyncio.Event, closing: asyncio.Event) -> ASGIApp:
    """The application of the HTTP server. Streams and claims end when ``draining`` is set, sends stop waiting when ``closing`` is."""
    api = create_api(
        services,
        health=health,
        collect=collect,
        routes=[*a2a.routes(services, closing), *inbox.routes(services, draining), *live.routes(services, draining)],
        extra_paths={**a2a.paths(), **inbox.paths(), **live.paths()},
    )
    return wrap(api, services.settings)
