"""Whether the database is still the one that this server has acknowledged on, and not behind that (reliability.md, R83).

A backup that was restored, a replica that was promoted too early or an address that leads elsewhere would answer as if nothing had ever
happened: good tokens would be refused, acknowledged messages unknown, and new ones would take their numbers. A server that has seen more
than the database knows refuses it instead, with 503, until the right one is back or it is started anew: that is the operator's word.

The position is that of the newest event. What is visible of it was committed with its wait for the disk, and for the synchronous replicas.
"""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from postroom.db.statements import load
from postroom.errors import Unavailable

SQL = load("server")


@dataclass(frozen=True, slots=True)
class Position:
    """An installation, and its newest event as transaction and number."""

    installation: UUID | None
    newest: tuple[int, int]


class Lineage:
    """The furthest position that this process has seen; asked on every new connection and once a second."""

    def __init__(self) -> None:
        self._known = Position(None, (0, 0))

    async def check(self, connection: asyncpg.Connection) -> None:
        """Raises Unavailable (``database_replaced``) when the database is another one, or older than what was seen before the question."""
        known = self._known
        found = await _read(connection)
        if known.installation is not None and (found is None or found.installation != known.installation):
            raise _refused("This is not the database that this server has worked on.")
        if found is None:
            return
        if found.newest < known.newest:
            raise _refused("This database is older than what this server has acknowledged.")
        self._known = Position(found.installation, max(found.newest, self._known.newest))


async def _read(connection: asyncpg.Connection) -> Position | None:
    """None where there is no Postroom, or none that may be written to."""
    try:
        row = await connection.fetchrow(SQL.read_position)
    except asyncpg.UndefinedTableError:
        return None
    if row is None or row["replica"]:
        return None
    return Position(row["installation"], max((row["xid"], row["id"]), (row["floor_xid"], row["floor_id"])))


def _refused(why: str) -> Unavailable:
    error = Unavailable(f"{why} Bring the right one back, or start the server anew to go on with this one.", code="database_replaced")
    # No fault of what the database was going to be asked, see is_away.
    error.__cause__ = ConnectionError("the database was replaced")
    return error
