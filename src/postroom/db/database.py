"""Connections to PostgreSQL, and the one rule by which a transaction is run again.

Pools (R60): ``requests`` for reads and rare writes of callers, ``workers`` for loops, ``reserved`` for what must pass when all else is
full (extend, heartbeat, drain), ``lanes`` for batches. No connection is held while anything but the database is waited for.

A commit that fails, times out or is cut is *unknown*, not *no* (reliability.md, finding 1). Every write of Postroom may therefore be run
again with the same ids, and ``write`` does so; when the fate stays unknown it raises OutcomeUnknown, never a refusal.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import asyncpg
import orjson

from postroom.clock import jittered, monotonic
from postroom.db.lineage import Lineage
from postroom.errors import OutcomeUnknown, SetupError, Unavailable
from postroom.metrics import POOL_WAIT_SECONDS, RETRIED
from postroom.settings import Settings

Connection: TypeAlias = asyncpg.Connection
Row: TypeAlias = asyncpg.Record
T = TypeVar("T")

# R61: serialisation, deadlock, lock timeout, shutdown and crash of the server, too many connections, connection faults; read only, which
# a server is that was made a replica.
_RETRIED_STATES = ("40001", "40P01", "55P03", "57P01", "57P02", "57P03", "53300", "57014", "25P03", "25006")
_AWAY = ("connection", "08", "57P", "53300", "25006")
_UNKNOWN_AFTER = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.ConnectionDoesNotExistError, EOFError)
_TRY_SECONDS = 5.0
_LEAST_TRY_SECONDS = 0.5
# Longer than a statement may take, so that PostgreSQL is the one to end it; what is silent for longer has been cut off (T8: 15 s).
_SILENCE_SECONDS = 10.0
_BEAT_SILENCE_SECONDS = 6.0

# Generic plans: planning cost more than running (design.md). A generic plan made while a table is empty would be a sequential scan that
# stays; every statement here is keyed, so sequential scans are left as the last resort only.
_SESSION = {
    "application_name": "postroom",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "statement_timeout": "9s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
    "client_connection_check_interval": "5s",
    # R83: a server that vanished behind a broken network leaves no locks and no used places for longer than this.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10s",
}
# The connection that proves that a server lives speaks every second. Through a proxy PostgreSQL sees no keep-alive fail.
_BEATING = {**_SESSION, "idle_session_timeout": "15s"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolState:
    """Connections of one pool: how many there may be, how many there are, and how many of these nobody uses."""

    name: str
    limit: int
    open: int
    idle: int


class Database:
    """The pools, and reading and writing through them."""

    def __init__(self, dsn: str, settings: Settings) -> None:
        self.dsn = dsn
        self._settings = settings
        self._pools: dict[str, asyncpg.Pool[Any]] = {}
        self._waits = {name: POOL_WAIT_SECONDS.labels(name) for name in ("requests", "workers", "reserved", "lanes")}
        self._away_since: float | None = None
        self.lineage = Lineage()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["Database"]:
        """Open the pools; close them at the end. Raises SetupError when the server can not be reached."""
        sizes = {
            "requests": self._settings.pool_size,
            "workers": max(2, self._settings.pool_size // 3),
            "reserved": 2,
            "lanes": self._settings.lanes * 2 + 3,
        }
        async with AsyncExitStack() as stack:
            for name, size in sizes.items():
                self._pools[name] = await stack.enter_async_context(self._pool(size))
            yield self

    @asynccontextmanager
    async def _pool(self, size: int) -> AsyncGenerator["asyncpg.Pool[Any]"]:
        try:
            pool = await asyncpg.create_pool(
                self.dsn,
                min_size=1,
                max_size=size,
                init=self._prepare,
                reset=_keep_session,
                server_settings=_SESSION,
                timeout=_SILENCE_SECONDS,
                command_timeout=_SILENCE_SECONDS,
            )
        except (OSError, asyncpg.PostgresError) as error:
            advice = "Check POSTROOM_DATABASE_URL and that the server is running; `postroom doctor` looks closer."
            raise SetupError(f"The database can not be reached: {type(error).__name__}", advice=advice) from error
        try:
            yield pool
        finally:
            pool.terminate()

    def report(self) -> list[PoolState]:
        """How the pools stand."""
        return [
            PoolState(name=name, limit=pool.get_max_size(), open=pool.get_size(), idle=pool.get_idle_size())
            for name, pool in self._pools.items()
        ]

    async def connect(self) -> Connection:
        """A connection of its own, for LISTEN and locks; the caller closes it."""
        connection: Connection = await asyncpg.connect(self.dsn, server_settings=_BEATING, timeout=5, command_timeout=_BEAT_SILENCE_SECONDS)
        try:
            await self._prepare(connection)
        except BaseException:  # boundary: whatever it is, nobody else will close it
            connection.terminate()
            raise
        return connection

    async def _prepare(self, connection: Connection) -> None:
        """Of every new connection. Raises Unavailable when it leads to another or an older database."""
        await prepare_session(connection)
        await self.lineage.check(connection)

    @asynccontextmanager
    async def connection(self, pool: str) -> AsyncGenerator[Connection]:
        """Borrow a connection. Raises Unavailable, before anything has begun, when none is free in time."""
        started = time.perf_counter()
        try:
            borrowed = await self._pools[pool].acquire(timeout=self._settings.pool_seconds)
        except TimeoutError as error:
            if self._away_since is not None:
                raise _given_up(unknown=False) from error
            raise Unavailable("The server is busy.", code="busy", retry_after=1.0) from error
        except asyncpg.PostgresError as error:
            if retry_reason(error) is not None:
                raise
            # It answers, and lets this server in no more: a role, a password, a rule. Nothing that a caller could mend.
            raise Unavailable("The database does not let this server in.", code="database_down", retry_after=2.0) from error
        self._waits[pool].observe(time.perf_counter() - started)
        try:
            yield borrowed  # pyright: ignore[reportReturnType]
        except (asyncpg.InternalClientError, asyncio.CancelledError):
            # PostgreSQL has ended it and the driver has not seen its end yet: in this state it can do nothing any more. Or nobody waits
            # for the answer any more: it may never come.
            borrowed.terminate()
            raise
        except TimeoutError:
            # PostgreSQL or the way to it is silent, on every connection: the next ones need not find that out one after the other.
            borrowed.terminate()
            await self._forget_connections()
            raise
        finally:
            await self._pools[pool].release(borrowed)

    async def _forget_connections(self) -> None:
        """Let no call begin on a connection that was made before now."""
        for pool in self._pools.values():
            await pool.expire_connections()

    async def fetch(self, statement: str, *args: Any, pool: str = "requests") -> list[Row]:
        """Run a statement that reads, again if the connection was lost. There is no outcome that could be unknown."""
        return await self._again(_statement(statement, args), pool, writes=False)

    async def first(self, statement: str, *args: Any, pool: str = "requests") -> Row | None:
        """The first row, or None."""
        rows = await self.fetch(statement, *args, pool=pool)
        return rows[0] if rows else None

    async def write(self, statement: str, *args: Any, pool: str = "requests") -> list[Row]:
        """Run one statement as one transaction. It must be safe to run again."""
        return await self._again(_statement(statement, args), pool)

    async def transaction(self, act: Callable[[Connection], Awaitable[T]], *, pool: str = "requests") -> T:
        """Run ``act`` in one transaction. It must be safe to run again as a whole."""

        async def run(connection: Connection) -> T:
            async with connection.transaction():
                try:
                    return await act(connection)
                except (TimeoutError, asyncio.CancelledError):
                    # Or the roll-back would be waited for as long again.
                    connection.terminate()
                    raise

        return await self._again(run, pool)

    async def _again(self, act: Callable[[Connection], Awaitable[T]], pool: str, *, writes: bool = True) -> T:
        give_up = monotonic() + self._patience()
        pause = 0.05
        unknown = False
        cancelled = _cancellations()
        while True:
            try:
                async with self.connection(pool) as connection:
                    found = await act(connection)
                self._away_since = None
                return found
            except asyncpg.DiskFullError as error:
                raise (_given_up(unknown) if unknown else _no_room()) from error
            except (asyncpg.PostgresError, *_UNKNOWN_AFTER, TimeoutError) as error:
                if _cancellations() > cancelled:
                    # What the driver raises while it lets go of a connection hides that nobody waits any more.
                    raise asyncio.CancelledError from error
                reason = retry_reason(error)
                if reason is None:
                    raise
                unknown = writes and (unknown or not isinstance(error, ConnectionRefusedError))
                RETRIED.labels(reason).inc()
                if reason.startswith(_AWAY):
                    self._away_since = self._away_since or monotonic()
                if monotonic() > give_up:
                    raise _given_up(unknown) from error
            await asyncio.sleep(jittered(pause))
            pause = min(pause * 2, 1.0)

    def _patience(self) -> float:
        """Seconds that a call goes on trying. What an outage has lasted already is not waited for again by each caller and each layer."""
        if self._away_since is None:
            return _TRY_SECONDS
        return max(_LEAST_TRY_SECONDS, _TRY_SECONDS - (monotonic() - self._away_since))


def _statement(text: str, args: Sequence[Any]) -> Callable[[Connection], Awaitable[list[Row]]]:
    async def run(connection: Connection) -> list[Row]:
        return await connection.fetch(text, *args)

    return run


def _cancellations() -> int:
    """How often the running task was asked to stop."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def retry_reason(error: BaseException) -> str | None:
    """Why a transaction that failed like this may be run again; None when it may not."""
    if isinstance(error, asyncpg.PostgresError):
        state: str = getattr(error, "sqlstate", None) or ""
        return state if state in _RETRIED_STATES or state.startswith("08") else None
    if isinstance(error, TimeoutError | OSError | asyncpg.InternalClientError):
        return "connection"
    if isinstance(error, asyncpg.InterfaceError | EOFError):
        # asyncpg raises InterfaceError for lost connections and for wrong arguments alike; only DataError is surely ours.
        return None if isinstance(error, ValueError) else "connection"
    return None


def is_away(error: Exception) -> bool:
    """Whether an error of ours says that the database could not be reached: no fault of what it was asked."""
    cause = error.__cause__ if isinstance(error, Unavailable) else None
    reason = None if cause is None else retry_reason(cause)
    return reason is not None and reason.startswith(_AWAY)


def _no_room() -> Unavailable:
    return Unavailable("The database has no room for this: its disk is full.", code="disk_low", retry_after=30)


def _given_up(unknown: bool) -> Unavailable:
    if unknown:
        return OutcomeUnknown("The database did not say whether this was kept. Send it again with the same key.", retry_after=2.0)
    return Unavailable("The database can not be reached.", code="database_down", retry_after=2.0)


async def prepare_session(connection: Connection) -> None:
    """JSON goes in and out as Python values."""
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(kind, encoder=_dump, decoder=orjson.loads, schema="pg_catalog")


async def _keep_session(_connection: Connection) -> None:
    """Nothing to reset: no statement changes the session, and the round trip costs 0.2 to 0.4 ms (design.md)."""


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()
