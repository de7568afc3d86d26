"""How the server is: for load balancers and `postroom doctor` (open), and in numbers (not open)."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import orjson
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request

from postroom.edges.rest.calling import Manager
from postroom.metrics import REGISTRY

router = APIRouter(tags=["Operation"])

Health = Callable[[], Awaitable[dict[str, Any]]]
Collect = Callable[[], Awaitable[None]]


@router.get("/health")
async def health(request: Request) -> Response:
    """The server's view of itself; 503 while it can not take requests. Open, and therefore without data."""
    report = await cast(Health, request.app.state.health)()
    status = 200 if report.get("ready", True) else 503
    headers = {} if status == 200 else {"Retry-After": "2"}
    return Response(orjson.dumps(report), status, headers, media_type="application/json")


@router.get("/metrics")
async def metrics(request: Request, caller: Manager) -> Response:
    """Counters and gauges in the Prometheus text form."""
    del caller
    await cast(Collect, request.app.state.collect)()
    return Response(generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})
