"""Checks of the database: reachable, with settings that keep the promise, at this version's schema."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from postroom.cli.checkup import Finding, fail, ok, warn
from postroom.db.checks import check_server
from postroom.db.database import Database
from postroom.db.embedded import CLUSTER, visit
from postroom.db.migrate import pending_migrations
from postroom.errors import SetupError
from postroom.settings import Settings

_TIMEOUT = 15.0


async def look(settings: Settings) -> list[Finding]:
    """All checks of the database; an embedded one that does not run is started for as long as they take."""
    if not settings.database_url and not _is_made(settings.data):
        return [ok("database", f"embedded; it is made in {settings.data} at the first start")]
    try:
        async with asyncio.timeout(_TIMEOUT), _address(settings) as dsn:
            return [await _check_settings(dsn, settings), await _check_migrations(dsn, settings)]
    except SetupError as error:
        return [fail("database", error.sentence, error.advice)]
    except Exception as error:  # boundary: whatever keeps a check from its answer is what the check found
        # The words of a driver may hold parts of the address, and that holds a password.
        found = f"can not be asked: {type(error).__name__}"
        return [fail("database", found, _advice(settings))]


def _is_made(data: Path) -> bool:
    """Also where the link to the cluster leads nowhere: that is to be found."""
    return os.path.lexists(data / CLUSTER)


@asynccontextmanager
async def _address(settings: Settings) -> AsyncGenerator[str]:
    if settings.database_url:
        yield settings.database_url
        return
    async with visit(settings.data) as dsn:
        yield dsn


def _advice(settings: Settings) -> str:
    if settings.database_url:
        return "Check POSTROOM_DATABASE_URL, and that PostgreSQL runs and lets this machine in."
    return f"Look into its log: {settings.data / CLUSTER / 'log'}"


async def _check_settings(dsn: str, settings: Settings) -> Finding:
    connection = await Database(dsn, settings).connect()
    try:
        concerns = await check_server(connection)
    finally:
        await connection.close()
    kind = "reachable" if settings.database_url else f"embedded in {settings.data}"
    if concerns:
        return warn("database", kind, " ".join(concerns))
    return ok("database", f"{kind}, with settings that keep what is acknowledged")


async def _check_migrations(dsn: str, settings: Settings) -> Finding:
    try:
        pending = await pending_migrations(dsn, data=None if settings.database_url else settings.data)
    except SetupError as error:
        return fail("migrations", error.sentence, error.advice)
    if pending:
        return warn("migrations", f"{len(pending)} not run yet, the next is {pending[0]}", "postroom migrate, or start the server.")
    return ok("migrations", "up to date")
