"""What an agent is at work on, and how it went lately: what its heartbeat tells, and what its end waits for."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from postroom.agent.handling import Failed, Handling, Outcome, Reason
from postroom.failpoints import reach

# The heartbeat's error rate looks at this many messages back.
REMEMBERED = 20


class Running:
    """The handlings of one agent, by message."""

    def __init__(self) -> None:
        self._handlings: dict[str, Handling] = {}
        self._failures: deque[str | None] = deque(maxlen=REMEMBERED)
        self._changed = asyncio.Condition()

    def __len__(self) -> int:
        return len(self._handlings)

    @property
    def message_ids(self) -> list[str]:
        """Ids of the messages that are being handled."""
        return list(self._handlings)

    @property
    def error_rate(self) -> float:
        """Which part of the last messages failed, 0 to 1."""
        return sum(failure is not None for failure in self._failures) / len(self._failures) if self._failures else 0.0

    @property
    def last_error(self) -> str | None:
        """The latest failure among the last messages."""
        return next((failure for failure in reversed(self._failures) if failure is not None), None)

    def begin(self, handling: Handling) -> None:
        """From now on it counts as handled; it takes the place of an older one of the same message."""
        self._handlings[handling.message.id] = handling

    def has(self, handling: Handling) -> bool:
        """Whether it is the one that counts for its message."""
        return self._handlings.get(handling.message.id) is handling

    def note(self, outcome: Outcome) -> None:
        """Count how a message went."""
        self._failures.append(outcome.error if isinstance(outcome, Failed) else None)

    async def end(self, handling: Handling) -> None:
        """It is done with."""
        if self.has(handling):
            del self._handlings[handling.message.id]
        async with self._changed:
            self._changed.notify_all()

    def stop(self, message_id: str, reason: Reason) -> None:
        """Stop the handler of a message; other ids are none of ours."""
        if (handling := self._handlings.get(message_id)) is not None:
            handling.stop(reason)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something that the end of a handling may bring about."""
        async with self._changed:
            await self._changed.wait_for(holds)

    async def wind_down(self, grace: float) -> None:
        """Give handlers ``grace`` seconds to finish, then stop them; returns when none is left."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self.until(lambda: not self._handlings)
        reach("agent.stopping")
        for handling in list(self._handlings.values()):
            handling.stop("stopping")
        await self.until(lambda: not self._handlings)
