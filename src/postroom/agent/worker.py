"""Claims messages and has them handled, a bounded number at a time."""

import asyncio
import logging
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from postroom.agent.desk import Desk
from postroom.agent.handling import Failed, Handling, Outcome, Replied, Stopped, word_of
from postroom.agent.holdings import Holdings
from postroom.agent.lease import keep_lease
from postroom.agent.message import Message
from postroom.agent.outbox import Outbox
from postroom.client import Item, Json
from postroom.errors import PostroomError, Unavailable
from postroom.failpoints import reach

# How long one claim waits at the server for a message.
CLAIM_WAIT = 25.0
# What an answered claim takes to arrive; one that still waits at the server is given up.
ARRIVAL_SECONDS = 0.5
# How soon another process' end is noticed.
LOOK_SECONDS = 1.0

log = logging.getLogger(__name__)


class Worker:
    """The claim loop and the handlers that it has started."""

    def __init__(self, desk: Desk, outbox: Outbox, holdings: Holdings) -> None:
        self._desk = desk
        self._client = desk.client
        self._contact = desk.contact
        self._running = desk.running
        self._outbox = outbox
        self._holdings = holdings
        self._threads = ThreadPoolExecutor(desk.concurrency, thread_name_prefix="handler")
        self._closing = False
        self._claiming: asyncio.Task[None] | None = None

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
        await self._running.wind_down(grace)
        if self._claiming is not None:
            # An answer that is on its way is let in, so that its message goes back now and not when its lease has run out.
            await asyncio.wait([self._claiming], timeout=ARRIVAL_SECONDS)
            self._claiming.cancel()

    async def _claim_for_ever(self, handlers: asyncio.TaskGroup) -> None:
        attempt = 0
        while await self._may_claim():
            try:
                # After a failure not to wait for a message tells at once that the server is back.
                items = await self._claim(0.0 if attempt else CLAIM_WAIT)
            except PostroomError as error:
                pause = self._contact.miss(error, attempt)
                attempt += 1
                await asyncio.sleep(pause)
                continue
            attempt = 0
            self._contact.hear()
            for item in items:
                await self._take(item, handlers)

    async def _return_for_ever(self) -> None:
        """Give back what other processes of this agent leave behind; one that was told to stop may still be at it when we start."""
        while True:
            await self._holdings.give_back(self._client)
            await asyncio.sleep(LOOK_SECONDS)

    async def _may_claim(self) -> bool:
        """Wait for a free slot; whether it is still wanted then."""
        await self._running.until(lambda: self._closing or len(self._running) < self._desk.concurrency)
        return not self._closing

    async def _claim(self, wait: float) -> list[Item]:
        # Never more than can be handled at once: a lease that waits here for a free slot would run out (R23).
        free = self._desk.concurrency - len(self._running)
        items = await self._client.claim(self._desk.workspace_id, max=free, wait=wait, lease=self._desk.lease)
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
        self._running.stop(item.message_id, "lease lost")
        message = Message(item, partial(self._show, item), self._desk.filing)
        handling = Handling(message, self._desk.handler_of(item), self._threads)
        self._running.begin(handling)
        self._holdings.note(item)
        reach("agent.noted")
        handlers.create_task(self._handle(item, handling))

    async def _show(self, item: Item, *, parts: list[Json], status: str | None) -> None:
        """Progress of a handler; the answer is the soonest that an agent hears of a cancel."""
        if await self._client.progress(item, parts=parts, status=status):
            self._running.stop(item.message_id, "cancelled")

    async def _handle(self, item: Item, handling: Handling) -> None:
        try:
            kept = self._desk.store.kept(item.message_id)
            outcome = await self._run(item, handling) if kept is None else Replied(kept.fields)
            self._running.note(outcome)
            log.info("message %s, attempt %d: %s%s", item.message_id, item.attempt, word_of(outcome), " before" if kept else "")
            if await self._finish(item, outcome) and self._running.has(handling):
                self._holdings.forget(item)
                reach("agent.forgotten")
        finally:
            await self._running.end(handling)

    async def _run(self, item: Item, handling: Handling) -> Outcome:
        async with asyncio.TaskGroup() as tasks:
            keeping = tasks.create_task(keep_lease(self._client, item, handling, self._desk.lease))
            outcome = await handling.run()
            keeping.cancel()
        return outcome

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
