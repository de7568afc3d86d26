"""Ends that this process wrote, told to the callers that wait in it.

It saves a look into the database and nothing depends on it: what is told here was committed before, and who is told nothing looks.
"""

from uuid import UUID

from postroom.core.deliveries.model import Ended


class Awaited:
    """What a caller has been told so far; told for the length of the block that it is used in."""

    def __init__(self, endings: "Endings", message: UUID) -> None:
        self.ended: Ended | None = None
        self._endings = endings
        self._message = message

    def __enter__(self) -> "Awaited":
        self._endings.add(self._message, self)
        return self

    def __exit__(self, *_: object) -> None:
        self._endings.remove(self._message, self)


class Endings:
    """Who waits for the end of which message."""

    def __init__(self) -> None:
        self._awaited: dict[UUID, list[Awaited]] = {}

    def expect(self, message: UUID) -> Awaited:
        """Be told how a message ends."""
        return Awaited(self, message)

    def add(self, message: UUID, awaited: Awaited) -> None:
        """Begin to tell."""
        self._awaited.setdefault(message, []).append(awaited)

    def remove(self, message: UUID, awaited: Awaited) -> None:
        """Tell no more."""
        waiting = self._awaited[message]
        waiting.remove(awaited)
        if not waiting:
            del self._awaited[message]

    def tell(self, ended: Ended) -> None:
        """Leave the end with everybody who waits for it; the signal that wakes them follows."""
        for awaited in self._awaited.get(ended.message_id, ()):
            awaited.ended = ended
