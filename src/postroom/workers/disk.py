"""The watch over free disk: new messages are refused while there is still room for the answers to those that are out (R7)."""

import asyncio
from pathlib import Path

from postroom.core.services import Services
from postroom.db.checks import free_disk
from postroom.errors import Unavailable


class Disk:
    """Looks at the file system of the embedded database; an external one is its operator's to watch."""

    def __init__(self, services: Services, place: Path) -> None:
        self._services = services
        self._place = place
        self.free = 0

    async def look(self) -> bool:
        """One run of the loop ``disk``."""
        self.free = await asyncio.to_thread(free_disk, self._place)
        return False

    def no_room(self) -> Unavailable | None:
        """Why nothing new is accepted just now."""
        if self.free == 0 or self.free >= self._services.settings.disk_reserve:
            return None
        return Unavailable("The disk is nearly full: nothing new is accepted.", code="disk_low", retry_after=30)
