"""Wake-ups: "something is there for you". A hint, never data; whoever waits also polls (R50).

A topic is a string: ``calls`` (work for servers that call agents), ``events`` (the feed grew), ``post:<workspace>``, ``end:<message>``,
``cancels`` (somebody holds what nobody wants any more), ``outbox`` (there is something to tell the other servers). Inside the process a
signal arrives at once. For the other servers the topics are collected and sent by one NOTIFY a few times a second, outside every
transaction that matters (R51).
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from postroom.db.database import Connection
from postroom.db.statements import load
from postroom.metrics import SIGNALS_DROPPED

SQL = load("signals")

# NOTIFY takes 7,999 bytes; beyond that the others are told to look at everything.
_PAYLOAD_BYTES = 7500
EVERYTHING = "*"


class Subscription:
    """Set when its topic was signalled since the last wait."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def wake(self) -> None:
        """Signal this subscriber."""
        self._event.set()

    async def wait(self, seconds: float) -> bool:
        """Wait for a signal, at most so long; True when one came. Clears it."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Signals:
    """Topics and who waits for them, in this process; plus the outbox for the others."""

    def __init__(self) -> None:
        self._subscribers: dict[str, set[Subscription]] = {}
        self._outbox: set[str] = set()

    @contextmanager
    def subscribe(self, *topics: str) -> Generator[Subscription]:
        """Listen to topics for the length of the block."""
        subscription = Subscription()
        for topic in topics:
            self._subscribers.setdefault(topic, set()).add(subscription)
        try:
            yield subscription
        finally:
            for topic in topics:
                self._forget(topic, subscription)

    def _forget(self, topic: str, subscription: Subscription) -> None:
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
