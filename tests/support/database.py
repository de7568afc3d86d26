"""A real PostgreSQL for tests of the core: one cluster per test worker, emptied between tests."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from postroom.core.identity.model import Principal, PrincipalKind
from postroom.core.identity.service import Identity
from postroom.core.registry.model import NewWorkspace
from postroom.core.services import Services, build_services
from postroom.db.database import Database
from postroom.db.embedded import EmbeddedPostgres
from postroom.db.migrate import migrate
from postroom.db.signals import Signals
from postroom.ids import new_id
from postroom.settings import Settings, load_settings

KEY = b"a key for tests that is long enough"


@contextmanager
def cluster(data: Path) -> Generator[str]:
    """A migrated embedded PostgreSQL, watched in a thread of its own; yields its DSN."""
    ready, stop = threading.Event(), asyncio.Event()
    found: dict[str, Any] = {}

    async def live() -> None:
        found["loop"] = asyncio.get_running_loop()
        async with EmbeddedPostgres(data) as embedded:
            await migrate(embedded.dsn)
            found["dsn"] = embedded.dsn
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(live()))
    thread.start()
    assert ready.wait(30), "PostgreSQL did not start"
    try:
        yield found["dsn"]
    finally:
        found["loop"].call_soon_threadsafe(stop.set)
        thread.join(30)


async def empty(dsn: str) -> None:
    """Forget everything but the schema."""
    connection: Any = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("""
            select tablename from pg_tables where schemaname = 'public' and tablename not in ('migration', 'feed_floor')""")
        await connection.execute("truncate " + ", ".join(row["tablename"] for row in rows) + " cascade")
        await connection.execute("update feed_floor set xid = '0', id = 0")
    finally:
        await connection.close()


class House:
    """Services on a real database, with their batchers running; and callers to use them."""

    def __init__(self, services: Services, operator: Principal) -> None:
        self.services = services
        self.operator = operator
        self.db = services.db

    async def workspace(self, name: str = "agent", **fields: Any) -> Principal:
        """A new workspace, as the principal of its token."""
        made = await self.services.workspaces.create(self.operator, NewWorkspace(name=name, **fields))
        return await self.services.identity.authenticate(made.token.token)

    async def sql(self, text: str, *args: Any) -> list[Any]:
        """Look into the database, or put it into a state."""
        return await self.db.fetch(text, *args)


class AnyAddress:
    """Tests of the core register what they like; the guard has tests of its own."""

    async def check_url(self, url: str) -> None:
        del url


@asynccontextmanager
async def open_house(dsn: str, **given: Any) -> AsyncGenerator[House]:
    """Services as ``app.py`` wires them, without workers and edges."""
    settings: Settings = load_settings({}, **given)
    async with Database(dsn, settings).running() as db:
        identity = Identity(db, settings, KEY)
        async with asyncio.TaskGroup() as group:
            runs = [group.create_task(identity.lookups.run())]
            await identity.prepare()
            services = build_services(db, settings, identity=identity, addresses=AnyAddress(), server=new_id(), signals=Signals())
            batchers = (services.messages.accepts, services.messages.looks, services.deliveries.finishes, services.deliveries.claims)
            runs += [group.create_task(batcher.run()) for batcher in batchers]
            await identity.install_operator("an operator token for tests, long enough", "tests")
            operator = await identity.authenticate("an operator token for tests, long enough")
            assert operator.kind is PrincipalKind.OPERATOR
            yield House(services, operator)
            for run in runs:
                run.cancel()
