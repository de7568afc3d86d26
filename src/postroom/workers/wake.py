"""The server's own connection: it proves that the server lives, and carries wake-ups between servers.

The connection holds the server's advisory lock. When the process dies the lock is free at once and the others take over its calls
(``rescue``); no time-out has to run out. LISTEN first, then look at everything: what was signalled before is found by looking (R50).
"""

import asyncio
from collections.abc import Callable
from uuid import UUID

from postroom.clock import monotonic
from postroom.core.deliveries import store
from postroom.db.database import Connection, Database
from postroom.db.signals import EVERYTHING, Signals, hurry_commits, send_signals
from postroom.failpoints import reach

_BEAT_SECONDS = 1.0


class WakeConnection:
    """One run beats when due and sends what is in the outbox; it reconnects when the connection is gone."""

    def __init__(self, db: Database, signals: Signals, server: UUID) -> None:
        self._db = db
        self._signals = signals
        self._server = server
        self._connection: Connection | None = None
        self._beaten = 0.0
        self.connected = asyncio.Event()

    async def run_once(self) -> bool:
        """Connect if need be, beat, send. Any fault drops the connection and is raised."""
        well = False
        try:
            connection = await self._connected()
            await self._beat(connection)
            self.connected.set()
            payload = self._signals.take_outbox()
            if payload:
                await send_signals(connection, f"{self._server} {payload}")
                reach("wake.sent")
            well = True
        finally:
            if not well:
                await self.close()
        return False

    async def close(self) -> None:
        """Let go of the lock and the connection."""
        connection, self._connection = self._connection, None
        self.connected.clear()
        if connection is not None:
            connection.terminate()

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._db.connect()
            reach("wake.connected")
            self._connection.add_termination_listener(self._lose)
            await self._announce(self._connection)
            self._signals.receive(EVERYTHING)
        return self._connection

    def _lose(self, connection: object) -> None:
        """Not well from this moment on, not from the next run on: what answers there now may be another database."""
        if connection is self._connection:
            self.connected.clear()

    async def _announce(self, connection: Connection) -> None:
        await hurry_commits(connection)
        lock_key = await store.insert_server(connection, self._server)
        reach("wake.announced")
        if not await store.hold_server(connection, lock_key):
            # Our own last connection: it is gone, and PostgreSQL may not hear of that for as long as the network is silent.
            await store.end_holder(connection, lock_key)
            raise ConnectionError("the lock of this server was still held by its last connection")
        reach("wake.locked")
        await connection.add_listener("postroom", self._hear())
        reach("wake.listening")

    def _hear(self) -> Callable[..., None]:
        own = str(self._server)

        def hear(_connection: object, _pid: int, _channel: str, payload: object) -> None:
            sender, *topics = str(payload).split(" ")
            for topic in topics if sender != own else ():
                self._signals.receive(topic)

        return hear

    async def _beat(self, connection: Connection) -> None:
        if monotonic() - self._beaten < _BEAT_SECONDS:
            return
        if not await store.beat_server(connection, self._server):
            await store.insert_server(connection, self._server)
            raise ConnectionError("the others took this server for dead")
        await self._db.lineage.check(connection)
        self._beaten = monotonic()
        reach("wake.beaten")
