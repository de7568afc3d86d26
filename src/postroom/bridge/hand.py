"""The post that this session has in hand. A message is a lease: kept while the client lives, given back when it leaves.

At most one message waits here for the client, and none is fetched before the client asked: another session of the same workspace is not
starved. A process that is killed gives nothing back, so its leases are short.
"""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from postroom.bridge.patience import PATIENCE_SECONDS
from postroom.client import Client, Item
from postroom.client.retry import pause_before
from postroom.clock import monotonic
from postroom.errors import LeaseLost, NotFound, PostroomError, Unavailable

# The shortest that the server gives: after so long it hands out again what a killed bridge held.
LEASE_SECONDS = 10.0
# The longest look into the mailbox: what is still under way when a client asks no more ends soon.
LOOK_SECONDS = 10.0
# How long a message that came too late for one wait is kept for the next.
KEPT_SECONDS = 30.0
# Between two looks at a server that is away, at most.
LONGEST_PAUSE = 2.0
# An answer may be repeated under its token; the tokens of so many ended messages are known.
REMEMBERED = 64

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Want:
    """A client that waits until ``deadline``, monotonic. ``looked``: the mailbox was looked into since; ``trouble``: why it can not be."""

    deadline: float
    looked: bool = False
    trouble: PostroomError | None = None

    @property
    def over(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self.trouble is not None or (self.looked and monotonic() >= self.deadline)


class Hand:
    """The messages of one workspace that this process was handed. ``fetch`` and ``keep`` are its loops."""

    def __init__(self, client: Client, workspace_id: str) -> None:
        self._client = client
        self._workspace_id = workspace_id
        self._held: dict[str, Item] = {}
        self._cancelled: set[str] = set()
        self._lost: set[str] = set()
        self._ended: OrderedDict[str, Item] = OrderedDict()
        self._waiting: Item | None = None
        self._waiting_since = 0.0
        self._wants: list[_Want] = []
        self._changed = asyncio.Condition()

    @property
    def held(self) -> Sequence[Item]:
        """What the client was given and has not ended, oldest first."""
        return list(self._held.values())

    @property
    def wanted(self) -> bool:
        """Whether the client waits for post right now."""
        return bool(self._wants)

    def is_cancelled(self, item: Item) -> bool:
        """Whether its sender does not want the answer any more."""
        return item.message_id in self._cancelled

    def cancel(self, message_ids: Iterable[str]) -> None:
        """Nobody wants these any more, says the server."""
        self._cancelled |= self._held.keys() & message_ids

    def handed(self, message_id: UUID) -> Item:
        """The hand-out by which to speak about a message, also about one that has ended here. Raises NotFound."""
        item = self._held.get(str(message_id)) or self._ended.get(str(message_id))
        if item is None:
            raise NotFound("This session was not handed that message.", code="not_held", message_id=str(message_id))
        return item

    def let_go(self, message_id: UUID) -> None:
        """It has ended, or is not ours any more."""
        item = self._held.pop(str(message_id), None)
        if item is not None:
            self._cancelled.discard(item.message_id)
            self._lost.discard(item.message_id)
            self._ended[item.message_id] = item
        if len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)

    async def take(self, seconds: float) -> Item | None:
        """The next message; None when there was none for ``seconds``. Raises what the server refuses, Unavailable while it is away."""
        want = _Want(monotonic() + seconds)
        self._wants.append(want)
        try:
            async with self._changed, asyncio.timeout(seconds + LOOK_SECONDS + PATIENCE_SECONDS):
                self._changed.notify_all()
                await self._changed.wait_for(lambda: self._waiting or want.over)
                item, self._waiting = self._waiting, None
                self._changed.notify_all()
        except TimeoutError:
            raise Unavailable("The post room does not answer.", code="unreachable") from None
        finally:
            self._wants.remove(want)
        if item is not None:
            self._hold(item)
        elif want.trouble is not None:
            raise want.trouble
        return item

    def _hold(self, item: Item) -> None:
        self._lost.discard(item.message_id)
        self._held[item.message_id] = item

    async def fetch(self) -> None:
        """Look into the mailbox whenever a client waits and nothing waits for it, for ever."""
        attempt, since = 0, 0.0
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._wants and self._waiting is None)
            asking = list(self._wants)
            try:
                found = await self._look(max(want.deadline for want in asking) - monotonic())
            except PostroomError as error:
                since = since if attempt else monotonic()
                if not isinstance(error, Unavailable) or monotonic() - since > PATIENCE_SECONDS:
                    await self._tell(asking, trouble=error)
                await asyncio.sleep(pause_before(attempt, longest=LONGEST_PAUSE))
                attempt += 1
            else:
                attempt, self._waiting, self._waiting_since = 0, found, monotonic()
                await self._tell(asking, trouble=None)

    async def _look(self, seconds: float) -> Item | None:
        wait = min(max(seconds, 0.0), LOOK_SECONDS)
        items = await self._client.claim(self._workspace_id, max=1, wait=wait, lease=LEASE_SECONDS)
        return items[0] if items else None

    async def _tell(self, asking: Sequence[_Want], trouble: PostroomError | None) -> None:
        async with self._changed:
            for want in asking:
                want.looked, want.trouble = True, trouble
            self._changed.notify_all()

    async def keep(self) -> None:
        """Extend what is here at a third of its lease (R23), for ever."""
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            await self._return_unwanted()
            kept = [item for id, item in self._held.items() if id not in self._lost]
            await _each([*kept, *([self._waiting] if self._waiting else [])], self._extend)

    async def _return_unwanted(self) -> None:
        item = self._waiting
        if item is not None and not self._wants and monotonic() - self._waiting_since > KEPT_SECONDS:
            self._waiting = None
            await self._release(item)

    async def _extend(self, item: Item) -> None:
        try:
            extension = await self._client.extend(item, LEASE_SECONDS, timeout=LEASE_SECONDS / 3)
        except LeaseLost:
            await self._regain(item)
        except PostroomError as error:
            # The client works on: while nobody else has it, its answer still counts (R31).
            log.warning("the lease of message %s was not extended: %s", item.message_id, error)
        else:
            if extension.cancel:
                self.cancel([item.message_id])

    async def _regain(self, item: Item) -> None:
        """The server was away for longer than the lease: what the client works on is due again, and first in line."""
        log.warning("the lease of message %s was lost", item.message_id)
        if self._waiting is item:
            self._waiting = None
            return
        try:
            found = await self._client.claim(self._workspace_id, max=1, wait=0.0, lease=LEASE_SECONDS)
        except PostroomError as error:
            log.warning("message %s could not be fetched again yet: %s", item.message_id, error)
            return
        self._lost.add(item.message_id)
        for again in found:
            if again.message_id in self._held:
                self._hold(again)
            else:
                await self._release(again)

    async def give_back(self, seconds: float) -> None:
        """Put everything back into the mailbox, as far as ``seconds`` allow."""
        items = [*self._held.values(), *([self._waiting] if self._waiting else [])]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await _each(items, self._release)

    async def _release(self, item: Item) -> None:
        try:
            await self._client.release(item)
        except PostroomError as error:
            log.info("message %s was not given back, its lease runs out: %s", item.message_id, error)


async def _each(items: Iterable[Item], act: Callable[[Item], Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for item in items:
            tasks.create_task(act(item))
