"""The composition root: the only module that knows every part, and the one lifespan that owns every task.

    database -> key -> pools -> services -> batchers, workers, HTTP      (start, in this order; stop, in the reverse)

The stop (R90): no new connections, no new claims, accepts in flight finish, calls in flight get their grace, the streams end, then HTTP,
workers, pools and the embedded PostgreSQL. A second signal ends the process at once; nothing that was acknowledged depends on a clean stop.
"""

import asyncio
import gc
import hashlib
import os
import signal
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import structlog

from postroom import __version__
from postroom.clock import monotonic
from postroom.core.deliveries import store as delivery_store
from postroom.core.identity.secrets import make_secret
from postroom.core.identity.service import Identity
from postroom.core.services import build_services
from postroom.db.checks import check_server, disk_room
from postroom.db.database import Database
from postroom.db.embedded import EmbeddedPostgres, disk_places
from postroom.db.migrate import migrate
from postroom.db.signals import EVERYTHING, Signals
from postroom.edges.mcp import Mcp
from postroom.edges.push.addresses import AddressGuard, AddressPolicy
from postroom.edges.push.caller import PushCaller
from postroom.edges.push.connections import Connections
from postroom.edges.rest.health import DiskShape, ProcessState
from postroom.edges.server import HttpServer
from postroom.edges.site import build_site
from postroom.errors import SetupError
from postroom.failpoints import reach
from postroom.ids import new_id
from postroom.keys import read_or_make
from postroom.logs import configure_logs
from postroom.metrics import QUEUE_AGE, QUEUE_DEPTH, TASKS
from postroom.settings import Settings
from postroom.workers.deliver import Deliver
from postroom.workers.loops import CLAIMING, list_loops
from postroom.workers.supervisor import Supervisor
from postroom.workers.wake import WakeConnection

log = structlog.get_logger()

_ACCEPT_GRACE = 10.0
_COLLECT_EVERY = 50_000
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that is ready. ``login_link`` works once; what belongs to its life may run in ``task_group``."""

    url: str
    operator_token: str
    login_link: str
    task_group: asyncio.TaskGroup


OnReady = Callable[[Running], Awaitable[None]]
Tell = Callable[[str], None]


async def run(settings: Settings, *, announce: Tell = lambda _: None, tell: Tell | None = None, on_ready: OnReady | None = None) -> None:
    """Serve until SIGTERM or SIGINT. Raises SetupError when the server can not start.

    ``announce`` gets what is being done, a sentence at a time, and ``tell`` (None: the same) what a person wants to keep.
    """
    configure_logs(settings.log_level, settings.log_format)
    stop = _stop_event()
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with _database(settings, announce, tell or announce) as (dsn, embedded), Database(dsn, settings).running() as db:
        reach("start.migrated")
        await _check(db)
        reach("start.checked")
        http = HttpServer(settings)
        identity = Identity(db, settings, _secret_key(settings).encode())
        reach("start.key_made")
        await identity.prepare()
        reach("start.prepared")
        server = Server(settings, db, identity, http=http, embedded=embedded)
        try:
            await server.run(stop, on_ready)
        except* SetupError as failed:
            raise failed.exceptions[0] from None


class Server:
    """One server process: its parts, and the task group that owns all of them."""

    def __init__(
        self, settings: Settings, db: Database, identity: Identity, *, http: HttpServer, embedded: EmbeddedPostgres | None
    ) -> None:
        self._settings = settings
        self._embedded = embedded
        self._http = http
        self._started = monotonic()
        self._draining, self._closing = asyncio.Event(), asyncio.Event()
        guard = _address_guard(settings, http.port)
        signals = Signals()
        self._services = build_services(db, settings, identity=identity, addresses=guard, server=new_id(), signals=signals)
        self._connections = Connections(guard, reply_limit=settings.reply_limit)
        caller = PushCaller(self._connections, read_file=self._services.files.read, call_seconds=settings.call_seconds)
        self._deliver = Deliver(self._services, caller)
        self._services.messages.may_lend = self._deliver.may_lend
        self._services.messages.take = self._deliver.take
        self._mcp = Mcp(self._services, self._draining)
        self._wake = WakeConnection(db, signals, self._services.server)
        self._places = disk_places(settings.data) if embedded else ()
        self._supervisor = Supervisor(signals, list_loops(self._services, self._deliver, self._wake, self._places))

    async def run(self, stop: asyncio.Event, on_ready: OnReady | None) -> None:
        """Own everything in one task group until ``stop``, then drain."""
        token = await self._install_operator()
        reach("start.operator")
        try:
            async with asyncio.TaskGroup() as group:
                owned = [group.create_task(part) for part in self._parts()]
                await self._wake.connected.wait()
                await self._http.started.wait()
                _calm_collector()
                guests = group.create_task(self._receive(token, on_ready))
                await stop.wait()
                log.info("stopping")
                guests.cancel()
                await self._drain()
                for task in owned:
                    task.cancel()
        finally:
            await self._connections.close()

    def _parts(self) -> list[Coroutine[Any, Any, None]]:
        services = self._services
        events = {"draining": self._draining, "closing": self._closing}
        site = build_site(services, self._mcp, health=self._health, inspect=self._inspect, collect=self._collect, **events)
        parts: list[Coroutine[Any, Any, None]] = [
            services.identity.lookups.run(),
            services.messages.accepts.run(),
            services.messages.looks.run(),
            services.deliveries.finishes.run(),
            services.deliveries.claims.run(),
            self._deliver.run(),
            self._supervisor.run(),
            self._mcp.run(),
            self._http.serve(site),
        ]
        if self._embedded is not None:
            parts.append(self._embedded.watch())
        return parts

    async def _receive(self, token: str, on_ready: OnReady | None) -> None:
        """Tell that the server is ready, and own what then comes to live with it."""
        url = self._settings.public_url.rstrip("/") or self._http.url
        code = await self._services.identity.make_login_code()
        reach("start.ready")
        async with asyncio.TaskGroup() as guests:
            if on_ready is not None:
                await on_ready(Running(url=url, operator_token=token, login_link=f"{url}/#{code}", task_group=guests))
            await asyncio.Event().wait()

    async def _install_operator(self) -> str:
        """The operator's token: the one that is set, or one that is made on first start and kept beside the data."""
        settings = self._settings
        token = settings.admin_token or read_or_make(settings.data / "operator.token", make_secret("pro"))
        # A label per data directory: a new token there replaces the old one, and servers of one post room do not revoke each other's.
        place = hashlib.sha256(f"{socket.gethostname()} {settings.data.resolve()}".encode()).hexdigest()[:12]
        label = "POSTROOM_ADMIN_TOKEN" if settings.admin_token else f"made on first start {place}"
        await self._services.identity.install_operator(token, label)
        return token

    async def _drain(self) -> None:
        services = self._services
        self._draining.set()
        self._http.begin_drain()
        self._supervisor.stop(*CLAIMING)
        services.signals.receive(EVERYTHING)
        reach("drain.begun")
        with suppress(TimeoutError):
            async with asyncio.timeout(_ACCEPT_GRACE):
                await services.messages.accepts.drained()
        reach("drain.accepted")
        await self._deliver.drain(self._settings.drain_seconds)
        reach("drain.called")
        # Who still waits for the end of a message hears how it stands: no more ends come from here.
        self._closing.set()
        services.signals.receive(EVERYTHING)
        await self._http.close()
        reach("drain.closed")
        await services.deliveries.finishes.drained()
        reach("drain.finished")
        await self._wake.close()
        await delivery_store.remove_server(services.db, services.server)
        reach("drain.removed")

    @property
    def _ready(self) -> bool:
        return self._wake.connected.is_set() and not self._draining.is_set()

    async def _inspect(self) -> ProcessState:
        """What ``GET /health/details`` tells of this process."""
        disk = await asyncio.to_thread(disk_room, *self._places) if self._places else None
        return ProcessState(
            ready=self._ready,
            uptime=monotonic() - self._started,
            loops=self._supervisor.loops,
            disk=disk and DiskShape(free_bytes=disk.free, total_bytes=disk.total),
        )

    async def _health(self) -> dict[str, Any]:
        """What ``GET /health`` tells."""
        loops = self._supervisor.report()
        reachable, ready = self._wake.connected.is_set(), self._ready
        return {
            "status": "ok" if ready and not any(loop["late"] for loop in loops.values()) else "degraded",
            "ready": ready,
            "version": __version__,
            "database": "reachable" if reachable else "unreachable",
            "loops": loops,
            "uptime_seconds": round(monotonic() - self._started, 1),
        }

    async def _collect(self) -> None:
        """Bring the gauges that describe the whole post room up to date."""
        counts = await delivery_store.count_work(self._services.db)
        for state in ("waiting", "due", "leased"):
            QUEUE_DEPTH.labels(state).set(counts[state])
        ages = {row["leased"]: row["age"] for row in await delivery_store.age_work(self._services.db)}
        QUEUE_AGE.labels("due").set(ages.get(False, 0))
        QUEUE_AGE.labels("leased").set(ages.get(True, 0))
        TASKS.set(len(asyncio.all_tasks()))
        self._supervisor.report()


def _address_guard(settings: Settings, own_port: int) -> AddressGuard:
    policy = AddressPolicy(allowed_networks=settings.agent_networks, allow_loopback=settings.listens_on_loopback, own_port=own_port)
    return AddressGuard(policy)


@asynccontextmanager
async def _database(settings: Settings, announce: Tell, tell: Tell) -> AsyncGenerator[tuple[str, EmbeddedPostgres | None]]:
    """The external database, or the embedded one for as long as the server runs; migrated."""
    if settings.database_url:
        await migrate(settings.database_url, announce=announce)
        yield settings.database_url, None
        return
    async with EmbeddedPostgres(settings.data, announce=announce, tell=tell) as embedded:
        await migrate(embedded.dsn, data=settings.data, announce=announce)
        yield embedded.dsn, embedded


async def _check(db: Database) -> None:
    async with db.connection("requests") as connection:
        for warning in await check_server(connection):
            log.warning(warning)


def _calm_collector() -> None:
    """Look for cycles seldom, and never again among what the start-up made: at the default, of every 700 objects, the collector took a
    seventh of a busy server's time (docs/decisions/0012). What has no cycle is freed at once as ever."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY)


def _secret_key(settings: Settings) -> str:
    if settings.secret_key:
        return settings.secret_key
    if settings.database_url:
        raise SetupError(
            "A server on an external database needs POSTROOM_SECRET_KEY.",
            advice="Set the same random text of at least 32 characters for every server, and keep it: tokens are worthless without it.",
        )
    return read_or_make(settings.data / "secret.key")


def _stop_event() -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT; the second one ends the process where it stands."""
    stop = asyncio.Event()

    def on_signal() -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()

    for number in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    return stop
