"""One message: run its handler, and say how it ended. Who keeps its lease, and who is told, is for others to know."""

import asyncio
import inspect
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import Executor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Literal, cast

from postroom.agent.message import Message, current_message
from postroom.agent.parts import Content, Piece, parts_of
from postroom.agent.streaming import collect
from postroom.errors import Unavailable
from postroom.failpoints import reach

Json = dict[str, Any]
Result = Content | None
Handler = Callable[[Message], Result] | Callable[[Message], Awaitable[Result]] | Callable[[Message], AsyncGenerator[Piece]]
Reason = Literal["cancelled", "lease lost", "stopping"]

# What a person reads in the history: the gist, not the log.
REASON_LIMIT = 500

log = logging.getLogger(__name__)


class Fail(Exception):
    """Raised by a handler: the message fails with exactly this sentence, which its sender reads."""


class Retry(Exception):
    """Raised by a handler: this attempt failed, another one later makes sense."""


@dataclass(frozen=True, slots=True)
class Replied:
    """The handler's answer, as the fields of the reply call."""

    fields: Json


@dataclass(frozen=True, slots=True)
class Failed:
    """The handler raised. ``retry``: hand the message out again later."""

    error: str
    retry: bool


@dataclass(frozen=True, slots=True)
class Stopped:
    """The handler was stopped before it had an answer."""

    reason: Reason


Outcome = Replied | Failed | Stopped


class Handling:
    """A handler at work on one message."""

    def __init__(self, message: Message, handler: Handler, threads: Executor) -> None:
        self.message = message
        self._handler = handler
        self._threads = threads
        self._work: asyncio.Task[Outcome] | None = None
        self._stopped: Reason | None = None

    async def run(self) -> Outcome:
        """Run the handler to its end, or until it is stopped. Raises nothing of the handler's."""
        if self._stopped is not None:
            return Stopped(self._stopped)
        async with asyncio.TaskGroup() as tasks:
            self._work = tasks.create_task(self._call())
        if not self._work.cancelled():
            return self._work.result()
        if self._stopped is None:
            return Failed("the handler cancelled itself", retry=False)
        return Stopped(self._stopped)

    def stop(self, reason: Reason) -> None:
        """Cancel the handler, once. A plain handler's thread runs on until it looks at ``message.cancelled``; its answer is dropped."""
        if self._stopped is not None:
            return
        self._stopped = reason
        self.message.cancelled = True
        if self._work is not None:
            self._work.cancel()

    async def _call(self) -> Outcome:
        current_message.set(self.message)
        try:
            replied = Replied({"parts": await self.message.filing.fitting(parts_of(await self._result()))})
            reach("agent.handled")
            return replied
        except Exception as error:  # boundary: an agent's handler
            return self._failed(first_of(error))

    def _failed(self, error: BaseException) -> Failed:
        if isinstance(error, Retry | Fail):
            return Failed((str(error) or "no reason given")[:REASON_LIMIT], retry=isinstance(error, Retry))
        log.error("the handler failed on message %s", self.message.id, exc_info=error)
        # A post room that was away while a peer was asked is no verdict on the message.
        return Failed(f"{type(error).__name__}: {error}"[:REASON_LIMIT], retry=isinstance(error, Unavailable))

    async def _result(self) -> Result:
        if inspect.isasyncgenfunction(self._handler):
            return await collect(self._handler(self.message), self.message)
        if inspect.iscoroutinefunction(self._handler):
            return await self._handler(self.message)
        # As asyncio.to_thread does it, in threads of our own: the default executor has too few for a high concurrency.
        context = copy_context()
        result = await asyncio.get_running_loop().run_in_executor(self._threads, lambda: context.run(self._handler, self.message))
        return cast(Result, result)


def word_of(outcome: Outcome) -> str:
    """The outcome for a log: what was said is nobody's business there."""
    match outcome:
        case Replied():
            return "answered"
        case Failed(_, retry):
            return "failed, to be tried again" if retry else "failed"
        case Stopped(reason):
            return f"stopped: {reason}"


def first_of(error: BaseException) -> BaseException:
    """Out of a task group's bundle the first error: it is what ended the others."""
    while isinstance(error, BaseExceptionGroup):
        error = cast(BaseExceptionGroup[BaseException], error).exceptions[0]
    return error
