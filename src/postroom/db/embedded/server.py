"""EmbeddedPostgres: one PostgreSQL for one data directory, from the lock to the stop."""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

import asyncpg

from postroom.clock import jittered, monotonic
from postroom.db.embedded.account import choose_account
from postroom.db.embedded.binaries import Binaries, readable_binaries
from postroom.db.embedded.configure import PORT, prune_logs, write_settings
from postroom.db.embedded.create import APP_PASSWORD, ensure_cluster, failed
from postroom.db.embedded.place import CLUSTER, SHARED, Place, hold, open_data, password, settle, socket_directory
from postroom.db.embedded.postmaster import PASSING, Postmaster, end_orphans, find_postmaster, see_postmaster, start_postmaster
from postroom.db.embedded.waiting import Waiting
from postroom.errors import SetupError
from postroom.failpoints import reach

logger = logging.getLogger(__name__)

WATCH_SECONDS = 0.2
PRUNE_SECONDS = 60.0
# A PostgreSQL that has lived this long is started again without a pause when it dies. The longest pause, with its jitter, keeps
# even a server whose PostgreSQL is killed again and again within 5 s of its recovery.
STEADY_SECONDS = 10.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0

# It starts, recovers, stops, is full, or died just now: all of these end.
PASSING_REFUSALS = (asyncpg.OperatorInterventionError, asyncpg.InsufficientResourcesError, asyncpg.PostgresConnectionError, OSError)


class EmbeddedPostgres:
    """An async context: inside it PostgreSQL runs, answers and is ours; after it, it is stopped.

    ``data`` is the data directory; ``announce`` gets what is being done, one sentence for people at a time, and ``tell`` (None: the
    same) what stays worth knowing; ``shared`` is where root puts what the lent account can not reach elsewhere. Entering raises
    SetupError when the start can not succeed, and waits without a limit for a recovery. When this process is killed, PostgreSQL
    lives on and the next start adopts it.
    """

    def __init__(
        self, data: Path, *, announce: Callable[[str], None] = logger.info, tell: Callable[[str], None] | None = None, shared: Path = SHARED
    ) -> None:
        self.restarts = 0
        self._data = data
        self._announce = announce
        self._tell = tell or announce
        self._shared = shared
        self._postmaster: Postmaster | None = None

    @property
    def dsn(self) -> str:
        """Where the server connects: as the role ``postroom``, with its password. It stays the same over restarts."""
        return self._dsn

    @property
    def pid(self) -> int:
        """The process id of PostgreSQL; changes with a restart."""
        return self._running.pid

    @property
    def adopted(self) -> bool:
        """Whether an earlier server, that was killed, has started this PostgreSQL."""
        return self._running.adopted

    @property
    def _running(self) -> Postmaster:
        if self._postmaster is None:
            raise RuntimeError("PostgreSQL has not been started")
        return self._postmaster

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await asyncio.to_thread(open_data, self._data)
            stack.callback(os.close, await hold(self._data))
            self._place, self._binaries, self._sockets = await self._prepared()
            self._tell_account()
            stack.push_async_callback(self._stop)
            await self._bring_up()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._stack.aclose()

    async def watch(self) -> NoReturn:
        """Run for ever beside the server: start PostgreSQL again when it dies, and keep its logs small. Raises nothing."""
        pause = 0.0
        while True:
            born = monotonic()
            await self._death()
            pause = 0.0 if monotonic() - born > STEADY_SECONDS else min(max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE)
            await asyncio.sleep(jittered(pause))
            await self._revive()

    async def _prepared(self) -> tuple[Place, Binaries, Path]:
        try:
            with Waiting(self._announce, "Waiting for the database to be set up, for the first start only"):
                return await asyncio.to_thread(self._prepare)
        except OSError as error:
            raise SetupError(f"{self._data} can not be prepared: {error}", advice="Check its free space and its owner.") from error

    def _prepare(self) -> tuple[Place, Binaries, Path]:
        place = settle(self._data, self._shared)
        reach("create.settled")
        binaries = readable_binaries(place.account, self._shared)
        sockets = socket_directory(place)
        ensure_cluster(place, binaries, sockets)
        self._dsn = _address(place, sockets)
        return place, binaries, sockets

    def _tell_account(self) -> None:
        account = self._place.account
        if account.lent:
            self._tell(f"PostgreSQL does not run as root: it runs as user {account.name}, its files are in {self._place.cluster}")

    async def _bring_up(self) -> None:
        """Find or start PostgreSQL until one takes connections. Raises SetupError for a reason that waiting does not remove."""
        with Waiting(self._announce, "Waiting for PostgreSQL to start") as waiting:
            while True:
                self._postmaster = await asyncio.to_thread(self._find_or_start)
                if await self._settles(self._postmaster, waiting):
                    return
                self._judge_end(self._postmaster)
                waiting.sentence = "Waiting for the last processes of a killed PostgreSQL to end"
                await asyncio.to_thread(end_orphans, self._place.cluster)
                await asyncio.sleep(0.05)

    def _find_or_start(self) -> Postmaster:
        place = self._place
        prune_logs(place.logs)
        found = find_postmaster(place.cluster)
        if found is not None:
            return found
        write_settings(place.cluster, self._sockets, place.account)
        started = start_postmaster(place, self._binaries, self._sockets)
        reach("database.started")
        return started

    async def _settles(self, postmaster: Postmaster, waiting: Waiting) -> bool:
        """Wait until PostgreSQL takes connections. False when it ended before that."""
        while postmaster.alive():
            if not postmaster.ready():
                await asyncio.sleep(0.01)
            elif not self._has_door(postmaster):
                await postmaster.stop()
            elif await self._answers():
                postmaster.forget_words()
                reach("database.ready")
                return True
            else:
                waiting.sentence = "Waiting for PostgreSQL to recover"
                await asyncio.sleep(0.1)  # Each refusal is a line in its log.
        return False

    def _has_door(self, postmaster: Postmaster) -> bool:
        """Whether its socket is where we look. An adopted one whose directory was moved or swept away can never be reached."""
        return postmaster.socket() == self._sockets and (self._sockets / f".s.PGSQL.{PORT}").exists()

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self._dsn, timeout=5.0, ssl=False)
        except PASSING_REFUSALS:
            return False
        except asyncpg.PostgresError as error:
            raise SetupError(f"PostgreSQL refuses the server: {error}", advice=f"Is {self._data} complete? Restore a backup.") from error
        await connection.close()
        return True

    def _judge_end(self, postmaster: Postmaster) -> None:
        """Raise SetupError when a PostgreSQL of ours ended for a reason that stays."""
        if postmaster.adopted:
            return
        words = postmaster.last_words()
        postmaster.forget_words()
        if words and not any(passing in words for passing in PASSING):
            raise failed("PostgreSQL does not start", words)

    async def _death(self) -> None:
        prune_at = monotonic() + PRUNE_SECONDS
        while self._running.alive():
            await asyncio.sleep(WATCH_SECONDS)
            if monotonic() > prune_at:
                prune_logs(self._place.logs)
                prune_at = monotonic() + PRUNE_SECONDS

    async def _revive(self) -> None:
        self.restarts += 1
        self._tell("PostgreSQL has died; starting it again")
        try:
            await self._bring_up()
        except (SetupError, OSError) as error:
            self._tell(f"PostgreSQL can not be started yet: {error}")

    async def _stop(self) -> None:
        if self._postmaster is not None:
            await self._postmaster.stop()
            self._postmaster.forget_words()


@asynccontextmanager
async def visit(data: Path) -> AsyncGenerator[str]:
    """The address of the database that is in ``data``: it runs there, or it is started for the length of the block. Raises SetupError."""
    link = data / CLUSTER
    place = Place(data, link.resolve().parent, choose_account(link))
    running = see_postmaster(place.cluster)
    if running is not None and (sockets := running.socket()) is not None:
        yield _address(place, sockets)
        return
    async with EmbeddedPostgres(data) as postgres:
        yield postgres.dsn


def _address(place: Place, sockets: Path) -> str:
    return f"postgresql://postroom:{password(place, APP_PASSWORD)}@/postroom?host={sockets}&port={PORT}"
