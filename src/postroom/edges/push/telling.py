"""What an agent says on the way, passed on beside the reading of its answer and never in its way.

Agents that write word by word say more than anybody reads and a database likes: what came meanwhile is told together.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from postroom.core.deliveries.model import Watch
from postroom.edges.wire import Json

PAUSE_SECONDS: Final = 0.25
LAST_SECONDS: Final = 1.0
"""How long an answer that is there waits at most until the words before it are told."""


class Telling:
    """Tells ``watch`` what the agent of one call says. As much is kept untold as the agent may say at all."""

    def __init__(self, watch: Watch) -> None:
        self.begun = watch.begun
        self._watch = watch
        self._newest: list[Json] = []
        self._words: list[Json] = []
        self._pieces: dict[str, _Piece] = {}
        self._stirred = asyncio.Event()
        self._over = asyncio.Event()

    def words(self, parts: list[Json]) -> None:
        """Of a task's state. They are news once: every look at the task shows them again."""
        if parts and parts != self._newest:
            self._newest = parts
            self._words += parts
            self._stirred.set()

    def piece(self, artifact: str, text: str, *, append: bool) -> None:
        """Of a result: more of it, or all that there is of it."""
        if not append:
            self._pieces[artifact] = _Piece(append=False)
        if text:
            self._pieces.setdefault(artifact, _Piece(append=True)).texts.append(text)
            self._stirred.set()

    @asynccontextmanager
    async def going(self) -> AsyncGenerator[None]:
        """Tell until the block ends. Words are told in the end, too; pieces are not, because the answer brings them."""
        self._over.clear()
        self._stirred.set()  # a stream that broke may have left something untold
        async with asyncio.TaskGroup() as tasks:
            telling = tasks.create_task(self._tell())
            yield
            self.end()
            await asyncio.wait([telling], timeout=LAST_SECONDS)
            telling.cancel()

    def end(self) -> None:
        """The answer is there."""
        self._over.set()
        self._stirred.set()

    async def _tell(self) -> None:
        over = False
        while not over:
            await self._stirred.wait()
            over = await self._paused()
            self._stirred.clear()
            if parts := self._taken(over):
                await self._watch.progress({"parts": parts})

    async def _paused(self) -> bool:
        """Whether it is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PAUSE_SECONDS):
                await self._over.wait()
        return self._over.is_set()

    def _taken(self, over: bool) -> list[Json]:
        words, self._words = self._words, []
        if over:
            return words
        pieces, self._pieces = self._pieces, {}
        return words + [piece.part() for piece in pieces.values() if piece.texts]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Untold texts of a result; ``append`` tells whether they go on from what was told of it."""

    append: bool
    texts: list[str] = field(default_factory=list[str])

    def part(self) -> Json:
        return {"text": "".join(self.texts), "metadata": {"postroom.append": self.append}}
