"""Wake-ups: "something is there for you". A hint, never data; whoever waits also polls (R50).

A topic is a string: ``calls`` (work for servers that call agents), ``events`` (the feed grew), ``post:<workspace>``, ``end:<message>``,
``cancels`` (somebody holds what nobody wants any more), ``outbox`` (there is something to tell the other servers). Inside the process a
signal arrives at once. For the other servers the topics are collected and sent by one NOTIFY a few times a second, outside every
transaction that matters (R51).
"""

import asyncio
from collections.abc import Sequence

from postroom.db.database import Connection
from postroom.db.statements import load
from postroom.metrics import SIGNALS_DROPPED

SQL = load("signals")

# NOTIFY takes 7,999 bytes; beyond that the others are told to look at everything.
_PAYLOAD_BYTES = 7500
EVERYTHING = "*"


class Subscription:
    """Woken when one of its topics was signalled since the last wait. A context manager: it listens for the length of the block.

    One for every caller that waits, so it is built of the loop's own parts: an Event under ``asyncio.timeout`` costs several times more.
    """

    def __init__(self, signals: "Signals | None" = None, topics: Sequence[str] = ()) -> None:
        self._signals = signals
        self._topics = topics
        self._woken = False
        self._waiting: asyncio.Future[None] | None = None

    def __enter__(self) -> "Subscription":
        if self._signals is not None:
            self._signals.add(self, self._topics)
        return self

    def __exit__(self, *_: object) -> None:
        if self._signals is not None:
            self._signals.remove(self, self._topics)

    def wake(self) -> None:
        """Signal this subscriber."""
        self._woken = True
        self._end_wait()

    async def wait(self, seconds: float) -> bool:
        """Wait for a signal, at most so long; True when one came. Clears it. One waiter at a time."""
        if not self._woken:
            loop = asyncio.get_running_loop()
            self._waiting = loop.create_future()
            limit = loop.call_later(seconds, self._end_wait)
            try:
                await self._waiting
            finally:
                limit.cancel()
                self._waiting = None
        woken, self._woken = self._woken, False
        return woken

    def _end_wait(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class Signals:
    """Topics and who waits for them, in this process; plus the outbox for the others."""

    def __init__(self) -> None:
        self._subscribers: dict[str, set[Subscription]] = {}
        self._outbox: set[str] = set()

    def subscribe(self, *topics: str) -> Subscription:
        """Listen to topics for the length of the block that it is used in."""
        return Subscription(self, topics)

    def add(self, subscription: Subscription, topics: Sequence[str]) -> None:
        """Begin to wake a subscription for these topics."""
        for topic in topics:
            self._subscribers.setdefault(topic, set()).add(subscription)

    def remove(self, subscription: Subscription, topics: Sequence[str]) -> None:
        """No longer wake it."""
        for topic in topics:
            remaining = self._subscribers[topic]
            remaining.discard(subscription)
            if not remaining:
                del self._subscribers[topic]

    def emit(self, *topics: str) -> None:
        """Wake who waits here at once, and the other servers soon."""
        for topic in topics:
            self.receive(topic)
        self._outbox.update(topics)
        self.receive("outbox")

    def receive(self, topic: str) -> None:
        """Wake who waits in this process."""
        if topic == EVERYTHING:
            for subscribers in self._subscribers.values():
                for subscription in subscribers:
                    subscription.wake()
            return
        for subscription in self._subscribers.get(topic, ()):
            subscription.wake()

    def take_outbox(self) -> str:
        """What the other servers are to be told, as one payload; empty when there is nothing."""
        payload = " ".join(sorted(self._outbox))
        self._outbox.clear()
        if len(payload) > _PAYLOAD_BYTES:
            SIGNALS_DROPPED.inc()
            return EVERYTHING
        return payload


async def hurry_commits(connection: Connection) -> None:
    """Let this connection's commits not wait for the disk: it carries hints only."""
    await connection.execute(SQL.hurry_commits)


async def send_signals(connection: Connection, payload: str) -> None:
    """Wake the other servers."""
    await connection.execute(SQL.send_signals, payload)
