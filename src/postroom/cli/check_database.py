"""Checks of the database: reachable, with settings that keep the promise, at this version's schema."""

import asyncio

from postroom.cli.checkup import Finding, fail, ok, warn
from postroom.db.checks import check_server
from postroom.db.database import Database
from postroom.db.migrate import pending_migrations
from postroom.errors import SetupError
from postroom.settings import Settings

_TIMEOUT = 15.0


async def look(settings: Settings) -> list[Finding]:
    """All checks of an external database. The embedded one is checked by its server, at every start and while it runs."""
    if not settings.database_url:
        return [ok("database", f"embedded in {settings.data}; the server starts it and watches over it")]
    try:
        async with asyncio.timeout(_TIMEOUT):
            return [await _check_settings(settings), await _check_migrations(settings)]
    except SetupError as error:
        return [fail("database", error.sentence, error.advice)]
    except Exception as error:  # boundary: whatever keeps a check from its answer is what the check found
        # The words of a driver may hold parts of the address, and that holds a password.
        found = f"can not be asked: {type(error).__name__}"
        return [fail("database", found, "Check POSTROOM_DATABASE_URL, and that PostgreSQL runs and lets this machine in.")]


async def _check_settings(settings: Settings) -> Finding:
    connection = await Database(settings.database_url, settings).connect()
    try:
        concerns = await check_server(connection)
    finally:
        await connection.close()
    if concerns:
        return warn("database", "reachable", " ".join(concerns))
    return ok("database", "reachable, with settings that keep what is acknowledged")


async def _check_migrations(settings: Settings) -> Finding:
    pending = await pending_migrations(settings.database_url)
    if pending:
        return warn("migrations", f"{len(pending)} not run yet, the next is {pending[0]}", "postroom migrate, or start the server.")
    return ok("migrations", "up to date")
