"""What time ends: deadlines, the last attempt's lease, agents that have gone silent, events out of reach, files that nobody names."""

from postroom.core.services import Services
from postroom.failpoints import reach

_MANY = 200
# Events that one statement prunes: a busy room has far more to prune in an hour than fits into the time limit of a statement.
_PRUNED = 10_000


class Expire:
    """Time's work, decided by the database's clock."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def reap(self) -> bool:
        """End messages whose time is over; one run of the loop ``expire``."""
        return await self._services.deliveries.reap() >= _MANY

    async def mark_silent(self) -> bool:
        """Agents that were not heard of are offline; one run of the loop ``silence``."""
        await self._services.agents.mark_silent(self._services.settings.silence_seconds)
        return False

    async def prune(self) -> bool:
        """Events and login codes out of reach, files that nobody names; one run of the loop ``prune``."""
        reach("prune.due")
        more = await self._services.events.prune(self._services.settings.event_days, _PRUNED)
        reach("prune.events")
        await self._services.identity.prune()
        more_files = await self._services.files.prune()
        reach("prune.done")
        return more or more_files
