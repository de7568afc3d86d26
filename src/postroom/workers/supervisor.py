"""The one supervisor: it owns every background loop, and every loop has the same shape.

    wake or wait -> run_once -> again

``run_once`` does what is due and nothing about time; a test drives it directly. A crash is logged, counted, waited out with back-off and
shown in ``/health`` with the age of the loop's last tick.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from postroom.clock import jittered, monotonic
from postroom.db.signals import Signals, Subscription
from postroom.metrics import LOOP_AGE, LOOP_CRASHES

log = structlog.get_logger()

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0


@dataclass(slots=True, eq=False, kw_only=True)
class Loop:
    """A piece of background work. ``run_once`` returns True when there may be more to do at once.

    ``interval`` is the wait in seconds when nobody wakes it, before jitter; ``gap`` the least time between two runs.
    """

    name: str
    run_once: Callable[[], Awaitable[bool]]
    interval: float
    topics: tuple[str, ...] = ()
    gap: float = 0.0
    started_at: float = field(default_factory=monotonic)
    last_tick: float | None = None
    runs: int = 0
    crashes: int = 0
    in_row: int = 0
    last_error: str | None = None

    @property
    def age(self) -> float:
        """Seconds since the last run that ended well, or since the start."""
        return monotonic() - (self.last_tick or self.started_at)


class Supervisor:
    """Runs loops until it is cancelled; none of them can end it or another."""

    def __init__(self, signals: Signals, loops: list[Loop]) -> None:
        self._signals = signals
        self._loops = loops
        self._stopping: set[str] = set()

    async def run(self) -> None:
        """Own the loops; the lifespan's task group runs this."""
        async with asyncio.TaskGroup() as group:
            for loop in self._loops:
                group.create_task(self._keep(loop), name=f"loop {loop.name}")

    def stop(self, *names: str) -> None:
        """Let these loops end after the run they are in; the first step of a drain."""
        self._stopping.update(names)

    @property
    def loops(self) -> Sequence[Loop]:
        """All of them, as they stand."""
        return self._loops

    def report(self) -> dict[str, Any]:
        """Age of each loop's last tick in seconds, its crashes and the last one's reason."""
        for loop in self._loops:
            LOOP_AGE.labels(loop.name).set(loop.age)
        return {
            loop.name: {"age_seconds": round(loop.age, 3), "crashes": loop.crashes, "last_error": loop.last_error, "late": self._late(loop)}
            for loop in self._loops
        }

    def _late(self, loop: Loop) -> bool:
        return loop.name not in self._stopping and loop.age > max(30.0, loop.interval * 4)

    async def _keep(self, loop: Loop) -> None:
        with self._signals.subscribe(*loop.topics) as wake:
            while loop.name not in self._stopping:
                await self._turn(loop, wake)

    async def _turn(self, loop: Loop, wake: Subscription) -> None:
        try:
            more = await loop.run_once()
        except Exception as error:  # boundary: a loop outlives whatever its work runs into; it is counted, logged and shown
            await self._pause(loop, error)
            return
        loop.last_tick, loop.in_row = monotonic(), 0
        loop.runs += 1
        await asyncio.sleep(loop.gap)
        if not more:
            await wake.wait(jittered(loop.interval))

    async def _pause(self, loop: Loop, error: Exception) -> None:
        loop.crashes += 1
        loop.in_row += 1
        loop.last_error = f"{type(error).__name__}: {error}"[:200]
        LOOP_CRASHES.labels(loop.name).inc()
        log.warning("loop crashed", loop=loop.name, error=loop.last_error, in_row=loop.in_row, exc_info=loop.in_row == 1)
        await asyncio.sleep(jittered(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(loop.in_row, 10))))
