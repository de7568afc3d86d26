"""The watch over free disk: new messages are refused while there is still room for the answers to those that are out (R7)."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from postroom.core.services import Services
from postroom.db.checks import disk_room
from postroom.errors import Unavailable


class Disk:
    """Looks at the file systems of the embedded database; those of an external one are its operator's to watch."""

    def __init__(self, services: Services, places: Sequence[Path]) -> None:
        self._services = services
        self._places = places
        # Bytes where there are fewest; None before the first look.
        self.free: int | None = None

    async def look(self) -> bool:
        """One run of the loop ``disk``."""
        self.free = await asyncio.to_thread(self._least)
        return False

    def no_room(self) -> Unavailable | None:
        """Why nothing new is accepted just now."""
        if self.free is None or self.free >= self._services.settings.disk_reserve:
            return None
        return Unavailable("The disk is nearly full: nothing new is accepted.", code="disk_low", retry_after=30)

    def _least(self) -> int:
        return disk_room(*self._places).free
