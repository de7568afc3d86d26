"""What the operator sees of the whole post room: how much post there is, where it waits, and the servers that work on it."""

from collections.abc import Sequence

from postroom.core.deliveries import store
from postroom.core.deliveries.model import Queue, Queues, ServerState
from postroom.db.database import Database, Row

_MAILBOXES = 10


class Survey:
    """Looks, and changes nothing."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def queues(self) -> Queues:
        """Unfinished post, and where most of it waits."""
        counts = await store.count_work(self._db)
        longest = await store.list_queues(self._db, _MAILBOXES)
        return Queues(
            waiting=counts["waiting"] + counts["due"],
            handed=counts["leased"],
            oldest_waiting_seconds=longest[0]["oldest_of_all"] if longest else 0.0,
            mailboxes=[_queue(row) for row in longest],
        )

    async def servers(self) -> Sequence[ServerState]:
        """Servers that are running, or were a moment ago."""
        return await store.list_servers(self._db)


def _queue(row: Row) -> Queue:
    return Queue(
        workspace_id=row["workspace_id"],
        name=row["name"],
        waiting=row["waiting"],
        oldest_seconds=row["oldest_seconds"],
        paused=row["paused"],
        unreachable_until=row["unreachable_until"],
    )
