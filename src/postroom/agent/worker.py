"""Claims messages and has them handled, a bounded number at a time."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor

from postroom.agent.handling import Failed, Handler, Handling, Outcome, Reason, Replied, Stopped
from postroom.agent.holdings import Holdings
from postroom.agent.outbox import Outbox
from postroom.agent.store import ReplyStore
from postroom.client import Client, Item, Json
from postroom.client.retry import pause_before
from postroom.errors import PostroomError, TooMany, Unavailable
from postroom.failpoints import reach

# How long one claim waits at the server for a message.
CLAIM_WAIT = 25.0
# What an answered claim takes to arrive; one that still waits at the server is given up.
ARRIVAL_SECONDS = 0.5
# How soon another process' end is noticed.
LOOK_SECONDS = 1.0
# The heartbeat's error rate looks at this many messages back.
REMEMBERED = 20

log = logging.getLogger(__name__)


class Worker:
    """The claim loop and the handlers that it has started."""

    def __init__(
        self,
        client: Client,
        store: ReplyStore,
        outbox: Outbox,
        handler: Handler,
        *,
        holdings: Holdings,
        workspace_id: str,
        concurrency: int,
        lease: float,
    ) -> None:
        self._client = client
        self._store = store
        self._outbox = outbox
        self._holdings = holdings
        self._handler = handler
        self._workspace_id = workspace_id
        self._concurrency = concurrency
        self._lease = lease
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="handler")
        self._running: dict[str, Handling] = {}
        self._changed = asyncio.Condition()
        self._closing = False
        self._claiming: asyncio.Task[None] | None = None
        self._failures: deque[str | None] = deque(maxlen=REMEMBERED)

    @property
    def handled_now(self) -> list[str]:
        """Ids of the messages that are being handled."""
        return list(self._running)

    @property
    def error_rate(self) -> float:
        """Which part of the last messages failed, 0 to 1."""
        return sum(failure is not None for failure in self._failures) / len(self._failures) if self._failures else 0.0

    @property
    def last_error(self) -> str | None:
        """The latest failure among the last messages."""
        return next((failure for failure in reversed(self._failures) if failure is not None), None)

    async def run(self) -> None:
        """Claim and handle until ``stop``. Raises what the server refuses for good."""
        async with asyncio.TaskGroup() as handlers:
            returning = handlers.create_task(self._return_for_ever())
            self._claiming = handlers.create_task(self._claim_for_ever(handlers))
            await asyncio.wait([self._claiming])
            returning.cancel()

    async def stop(self, grace: float) -> None:
        """Claim no more; give handlers ``grace`` seconds to finish, then stop them and give their messages back."""
        self._closing = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._until(lambda: not self._running)
        reach("agent.stopping")
        for handling in list(self._running.values()):
            handling.stop("stopping")
        await self._until(lambda: not self._running)
        if self._claiming is not None:
            # An answer that is on its way is let in, so that its message goes back now and not when its lease has run out.
            await asyncio.wait([self._claiming], timeout=ARRIVAL_SECONDS)
            self._claiming.cancel()

    def cancel(self, message_id: str, reason: Reason = "cancelled") -> None:
        """Stop the handler of a message that nobody wants any more; other ids are none of ours."""
        if (handling := self._running.get(message_id)) is not None:
            handling.stop(reason)

    async def _claim_for_ever(self, handlers: asyncio.TaskGroup) -> None:
        attempt = 0
        while await self._may_claim():
            try:
                items = await self._claim()
            except PostroomError as error:
                pause = pause_after(error, attempt)
                log.warning("no messages from the server, next try in %.1f s: %s", pause, error)
                attempt += 1
                await asyncio.sleep(pause)
                continue
            attempt = 0
            for item in items:
                await self._take(item, handlers)

    async def _return_for_ever(self) -> None:
        """Give back what other processes of this agent leave behind; one that was told to stop may still be at it when we start."""
        while True:
            await self._holdings.give_back(self._client)
            await asyncio.sleep(LOOK_SECONDS)

    async def _may_claim(self) -> bool:
        """Wait for a free slot; whether it is still wanted then."""
        await self._until(lambda: self._closing or len(self._running) < self._concurrency)
        return not self._closing

    async def _claim(self) -> list[Item]:
        # Never more than can be handled at once: a lease that waits here for a free slot would run out (R23).
        free = self._concurrency - len(self._running)
        items = await self._client.claim(self._workspace_id, max=free, wait=CLAIM_WAIT, lease=self._lease)
        if items:
            reach("agent.claimed")
        return items

    async def _take(self, item: Item, handlers: asyncio.TaskGroup) -> None:
        # A claim that is under way can not be called back (pyreqwest lets a cancelled request run on): what it brings goes back at once,
        # not when its lease has run out.
        if self._closing:
            await self._tell(item, "release", self._client.release(item))
        else:
            self._start(item, handlers)

    def _start(self, item: Item, handlers: asyncio.TaskGroup) -> None:
        # The lease of this very message had run out while its handler works on: the older hand-out gives way to the newer token.
        self.cancel(item.message_id, "lease lost")
        handling = Handling(item, self._handler, self._client, lease=self._lease, threads=self._threads)
        self._running[item.message_id] = handling
        self._holdings.note(item)
        reach("agent.noted")
        handlers.create_task(self._handle(item, handling))

    async def _handle(self, item: Item, handling: Handling) -> None:
        try:
            kept = self._store.fields_of(item.message_id)
            outcome = await handling.run() if kept is None else Replied(kept)
            self._failures.append(outcome.error if isinstance(outcome, Failed) else None)
            log.info("message %s, attempt %d: %s", item.message_id, item.attempt, _word(outcome, kept is not None))
            if await self._finish(item, outcome) and self._running.get(item.message_id) is handling:
                self._holdings.forget(item)
                reach("agent.forgotten")
        finally:
            if self._running.get(item.message_id) is handling:
                del self._running[item.message_id]
            async with self._changed:
                self._changed.notify_all()

    async def _finish(self, item: Item, outcome: Outcome) -> bool:
        """Whether this process is done with it; not when the server could not be told."""
        match outcome:
            case Replied(fields):
                return await self._keep(item, fields)
            case Failed(error, retry):
                reach("agent.failing")
                return await self._tell(item, "fail", self._client.fail(item, error, retry=retry))
            case Stopped("cancelled"):
                reach("agent.cancelling")
                return await self._tell(item, "cancel", self._client.confirm_cancel(item))
            case Stopped("stopping"):
                reach("agent.releasing")
                return await self._tell(item, "release", self._client.release(item))
            case Stopped(reason):
                log.warning("message %s was dropped: %s", item.message_id, reason)
                return True

    async def _keep(self, item: Item, fields: Json) -> bool:
        """Onto the disk, then out. A full disk costs an attempt: a reply that is kept nowhere is not promised to anyone."""
        try:
            self._outbox.put(item, fields)
            reach("agent.stored")
        except OSError as error:
            log.exception("the reply to message %s can not be kept", item.message_id)
            return await self._tell(item, "fail", self._client.fail(item, f"the reply can not be kept: {error.strerror}", retry=True))
        return True

    async def _tell(self, item: Item, verb: str, saying: Coroutine[None, None, None]) -> bool:
        """Said once: where it does not arrive, the next process says it, or the lease runs out. False when it did not arrive."""
        try:
            await saying
        except PostroomError as error:
            log.warning("%s of message %s did not count: %s", verb, item.message_id, error)
            return not isinstance(error, Unavailable)
        return True

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(holds)


def _word(outcome: Outcome, kept: bool) -> str:
    match outcome:
        case Replied():
            return "answered again with the reply that was there" if kept else "answered"
        case Failed(_, retry):
            return "failed, to be tried again" if retry else "failed"
        case Stopped(reason):
            return f"stopped: {reason}"


def pause_after(error: PostroomError, attempt: int) -> float:
    """Seconds to wait after an error that will pass: server away, busy or at fault (500). Raises every other one."""
    if isinstance(error, Unavailable | TooMany):
        return max(pause_before(attempt), min(error.retry_after, 60.0) if error.name != "unreachable" else 0.0)
    if type(error) is PostroomError:
        return pause_before(attempt, first=1.0)
    raise error
