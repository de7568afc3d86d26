"""What a dead server leaves behind, and what must never be: both looked for all the time, both counted."""

from postroom.core.deliveries import store
from postroom.core.services import Services
from postroom.failpoints import reach
from postroom.metrics import REPAIRED, TAKEN_OVER


class Rescue:
    """Takes over from dead servers; any server does it for any other."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def take_over(self) -> bool:
        """Make the leases of dead servers due at once; one run of the loop ``rescue``."""
        db, server = self._services.db, self._services.server
        await store.suspect_servers(db, server)
        reach("rescue.suspected")
        freed = await store.free_dead_leases(db, server)
        if freed:
            reach("rescue.freed")
            TAKEN_OVER.inc(freed)
            self._services.signals.emit("calls", "events")
        return False

    async def repair(self) -> bool:
        """Finish removals that were interrupted, and let out post that waits although there is room; one run of the loop ``repair``."""
        await self._services.workspaces.finish_removals()
        repaired = await store.repair_work(self._services.db)
        if repaired:
            reach("rescue.repaired")
            REPAIRED.inc(repaired)
            self._services.signals.emit("calls", "events")
        return False
