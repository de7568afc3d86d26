"""How the server is: for load balancers and `postroom doctor` (open), and in numbers and names (not open)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, cast
from uuid import UUID

import orjson
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request

from postroom import __version__
from postroom.core.deliveries.model import Queue
from postroom.db.checks import measure_database
from postroom.edges.rest.calling import Manager, Use
from postroom.edges.rest.shapes import Moment, PlaceShape, Shape
from postroom.metrics import REGISTRY

router = APIRouter(tags=["Operation"])


class LoopState(Protocol):
    """A loop as its supervisor knows it; ``age`` are the seconds since it last ended well, or since the start."""

    @property
    def name(self) -> str: ...
    @property
    def runs(self) -> int: ...
    @property
    def crashes(self) -> int: ...
    @property
    def last_error(self) -> str | None: ...
    @property
    def age(self) -> float: ...


class DiskShape(Shape):
    """The disk of the embedded database, in bytes."""

    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessState:
    """What only this process knows of itself; ``uptime`` in seconds."""

    ready: bool
    uptime: float
    loops: Sequence[LoopState]
    disk: DiskShape | None


Health = Callable[[], Awaitable[dict[str, Any]]]
Inspect = Callable[[], Awaitable[ProcessState]]
Collect = Callable[[], Awaitable[None]]


class LoopHealthShape(Shape):
    """A background loop; late when it has not run for much longer than it should."""

    age_seconds: float
    crashes: int
    last_error: str | None
    late: bool


class HealthShape(Shape):
    """The server's view of itself."""

    status: Literal["ok", "degraded"]
    ready: bool
    version: str
    database: Literal["reachable", "unreachable"]
    loops: dict[str, LoopHealthShape]
    uptime_seconds: float


class LoopShape(Shape):
    """A background loop: how often it ended well, how often not and why the last time."""

    name: str
    runs: int
    failures: int
    last_error: str | None
    last_run_at: Moment | None


class PoolShape(Shape):
    """Connections to the database: how many there may be, how many there are, and how many of these nobody uses."""

    name: str
    limit: int
    open: int
    idle: int


class QueueShape(Shape):
    """A mailbox in which post waits."""

    workspace: PlaceShape
    waiting: int
    oldest_seconds: float
    paused: bool
    unreachable_until: Moment | None


class QueuesShape(Shape):
    """Unfinished post of the whole post room, and the ten mailboxes in which most of it waits."""

    waiting: int
    handed: int
    oldest_waiting_seconds: float
    mailboxes: list[QueueShape]


class DatabaseShape(Shape):
    """PostgreSQL and how large the database is."""

    size_bytes: int
    version: str


class ServerShape(Shape):
    """A server of the post room, and when it was last seen."""

    id: UUID
    started_at: Moment
    seen_at: Moment


class DetailsShape(Shape):
    """The post room in numbers. ``version`` to ``pools``, ``listeners`` (open live feeds) and ``disk`` are of the server that answers."""

    version: str
    ready: bool
    started_at: Moment
    loops: list[LoopShape]
    pools: list[PoolShape]
    queues: QueuesShape
    dead_letters: int
    listeners: int
    database: DatabaseShape
    disk: DiskShape | None
    servers: list[ServerShape]


@router.get("/health", response_model=HealthShape)
async def health(request: Request) -> Response:
    """The server's view of itself; 503 while it can not take requests. Open, and therefore without data."""
    report = await cast(Health, request.app.state.health)()
    status = 200 if report.get("ready", True) else 503
    headers = {} if status == 200 else {"Retry-After": "2"}
    return Response(orjson.dumps(report), status, headers, media_type="application/json")


@router.get("/health/details")
async def details(request: Request, caller: Manager, services: Use) -> DetailsShape:
    """The post room in numbers, for those who run it."""
    del caller
    process = await cast(Inspect, request.app.state.inspect)()
    database = await measure_database(services.db)
    queues = await services.survey.queues()
    return DetailsShape(
        version=__version__,
        ready=process.ready,
        started_at=database.now - timedelta(seconds=process.uptime),
        loops=[_loop_shape(loop, database.now) for loop in process.loops],
        pools=[PoolShape.model_validate(pool) for pool in services.db.report()],
        queues=QueuesShape(
            waiting=queues.waiting,
            handed=queues.handed,
            oldest_waiting_seconds=queues.oldest_waiting_seconds,
            mailboxes=[_queue_shape(queue) for queue in queues.mailboxes],
        ),
        dead_letters=await services.dead_letters.count(),
        listeners=round(REGISTRY.get_sample_value("postroom_feed_listeners") or 0),
        database=DatabaseShape.model_validate(database),
        disk=process.disk,
        servers=[ServerShape.model_validate(server) for server in await services.survey.servers()],
    )


@router.get("/metrics")
async def metrics(request: Request, caller: Manager) -> Response:
    """Counters and gauges in the Prometheus text form."""
    del caller
    await cast(Collect, request.app.state.collect)()
    return Response(generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _loop_shape(loop: LoopState, now: datetime) -> LoopShape:
    last = now - timedelta(seconds=loop.age) if loop.runs else None
    return LoopShape(name=loop.name, runs=loop.runs, failures=loop.crashes, last_error=loop.last_error, last_run_at=last)


def _queue_shape(queue: Queue) -> QueueShape:
    return QueueShape(
        workspace=PlaceShape(id=queue.workspace_id, name=queue.name),
        waiting=queue.waiting,
        oldest_seconds=queue.oldest_seconds,
        paused=queue.paused,
        unreachable_until=queue.unreachable_until,
    )
