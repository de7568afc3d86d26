"""Telling the user what takes long."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Waiting:
    """A context that says what it waits for: after one second, and again after every doubling of the time."""

    def __init__(self, announce: Callable[[str], None], sentence: str) -> None:
        self.sentence = sentence
        self._announce = announce
        self._next: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        self._arm(1.0)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._next is not None:
            self._next.cancel()

    def _arm(self, seconds: float) -> None:
        self._next = asyncio.get_running_loop().call_later(seconds, self._say, seconds)

    def _say(self, seconds: float) -> None:
        self._announce(self.sentence)
        self._arm(2 * seconds)
