"""``postroom migrate``: bring the database to this version's schema, and stop."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer

from postroom.cli.command import AsJson
from postroom.cli.output import print_json, say
from postroom.errors import PostroomError, SetupError
from postroom.settings import Settings, load_settings


def migrate(
    *,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Data directory, for the embedded database.")] = None,
    as_json: AsJson = False,
) -> None:
    """Migrate the database of POSTROOM_DATABASE_URL, or the embedded one, and stop."""
    ran = asyncio.run(_migrate(load_settings(data=data)))
    if as_json:
        print_json({"migrations": ran})
    else:
        say(f"The database is up to date; {len(ran)} migrations were run." if ran else "The database was up to date.")


async def _migrate(settings: Settings) -> list[str]:
    from postroom.db.migrate import migrate as migrate_database

    async with _database(settings) as dsn:
        try:
            return await migrate_database(dsn, data=None if settings.database_url else settings.data, announce=say)
        except PostroomError:
            raise
        except Exception as error:  # boundary: the driver's errors are known in db alone, and their words may hold the address
            advice = "Check POSTROOM_DATABASE_URL: postroom doctor. POSTROOM_DEBUG=1 shows the rest."
            raise SetupError(f"The database could not be migrated: {type(error).__name__}", advice=advice) from error


@asynccontextmanager
async def _database(settings: Settings) -> AsyncGenerator[str]:
    """The address of the database; the embedded one runs for as long as the block does."""
    if settings.database_url:
        yield settings.database_url
        return
    from postroom.db.embedded import EmbeddedPostgres

    async with EmbeddedPostgres(settings.data, announce=say) as embedded:
        yield embedded.dsn
