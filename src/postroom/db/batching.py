"""Concurrent writers share one statement and one commit; a lone writer commits at once.

While a lane writes, what arrives waits and makes up the next batch: the batch grows with the load and nobody waits on a timer. The writer
does not belong to the caller: a caller that goes away changes nothing about what it handed over.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from postroom.db.database import is_away
from postroom.metrics import BATCH_SECONDS, BATCH_SIZE

Item = TypeVar("Item")
Result = TypeVar("Result")

# So that a batch of large bodies does not become one huge statement.
_BATCH_BYTES = 4 * 1024 * 1024


@dataclass(slots=True, eq=False)
class _Entry(Generic[Item, Result]):
    item: Item
    size: int
    answer: "asyncio.Future[Result]"


class Batcher(Generic[Item, Result]):
    """Collects items and writes them in batches of at most ``size``, over ``lanes`` writers at a time.

    ``subject`` says what an item is about; no batch holds two about the same.
    """

    def __init__(
        self,
        name: str,
        write: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        lanes: int,
        size: int,
        subject: Callable[[Item], object] = id,
    ) -> None:
        self.name = name
        self._write = write
        self._lanes = lanes
        self._size = size
        self._subject = subject
        self._waiting: deque[_Entry[Item, Result]] = deque()
        self._arrived = asyncio.Event()
        self._pending = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._sizes, self._seconds = BATCH_SIZE.labels(name), BATCH_SECONDS.labels(name)

    async def submit(self, item: Item, *, size: int = 0) -> Result:
        """Hand over one item of ``size`` bytes and wait for its result; raises what the write raised for it."""
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Entry(item, size, answer))
        self._pending += 1
        self._idle.clear()
        self._arrived.set()
        return await answer

    async def run(self) -> None:
        """Write until cancelled; the owner starts this in its task group."""
        async with asyncio.TaskGroup() as lanes:
            for _ in range(self._lanes):
                lanes.create_task(self._lane())

    async def drained(self) -> None:
        """Return when everything that was handed over is written."""
        await self._idle.wait()

    async def _lane(self) -> None:
        while True:
            await self._arrived.wait()
            batch = self._take()
            if batch:
                await self._write_batch(batch)

    def _take(self) -> list[_Entry[Item, Result]]:
        batch: dict[object, _Entry[Item, Result]] = {}
        size = 0
        while self._waiting and len(batch) < self._size and size < _BATCH_BYTES:
            subject = self._subject(self._waiting[0].item)
            if subject in batch:
                break
            batch[subject] = entry = self._waiting.popleft()
            size += entry.size
        if not self._waiting:
            self._arrived.clear()
        return list(batch.values())

    async def _write_batch(self, batch: list[_Entry[Item, Result]]) -> None:
        started = time.perf_counter()
        try:
            results = await self._write([entry.item for entry in batch])
        except Exception as error:  # boundary: whatever went wrong belongs to the callers, the lane goes on
            await self._fail(batch, error)
        else:
            for entry, result in zip(batch, results, strict=True):
                self._settle(entry, lambda answer, result=result: answer.set_result(result))
        self._sizes.observe(len(batch))
        self._seconds.observe(time.perf_counter() - started)

    async def _fail(self, batch: list[_Entry[Item, Result]], error: Exception) -> None:
        """One bad item must not take its neighbours along: a batch that fails is written item by item.

        Not when the database is away: each item would wait as long as the batch did, one after the other.
        """
        if len(batch) == 1 or is_away(error):
            for entry in batch:
                self._settle(entry, lambda answer: answer.set_exception(error))
            return
        for entry in batch:
            await self._write_batch([entry])

    def _settle(self, entry: _Entry[Item, Result], settle: Callable[["asyncio.Future[Result]"], None]) -> None:
        if not entry.answer.done():
            settle(entry.answer)
        self._pending -= 1
        if self._pending == 0:
            self._idle.set()
