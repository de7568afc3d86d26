"""A way to the database that can be shut: a TCP port that leads to PostgreSQL's Unix socket."""

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Self
from urllib.parse import parse_qs, urlsplit

_CHUNK = 65536


class Door:
    """While it is shut nobody gets through, and whoever was inside is cut."""

    def __init__(self, dsn: str) -> None:
        parts = urlsplit(dsn)
        query = parse_qs(parts.query)
        self._socket = f"{query['host'][0]}/.s.PGSQL.{query['port'][0]}"
        self._credentials, self._path = parts.netloc.rpartition("@")[0], parts.path
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._inside: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._open = True
        self.port = 0

    @property
    def dsn(self) -> str:
        return f"postgresql://{self._credentials}@127.0.0.1:{self.port}{self._path}?sslmode=disable"

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @contextmanager
    def shut(self) -> Generator[None]:
        """The database is away for the length of the block."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(10)
        try:
            yield
        finally:
            self._open = True

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        await self._cut()
        await asyncio.wait(self._serving) if self._serving else None

    async def _cut(self) -> None:
        self._open = False
        for writer in self._inside:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            await self._let_through(reader, writer)
        except OSError:
            return
        finally:
            writer.close()
            self._serving.discard(task)

    async def _let_through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            return
        there, back = await asyncio.open_unix_connection(self._socket)
        mine = {writer, back}
        self._inside |= mine
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_carry(reader, back))
                group.create_task(_carry(there, writer))
        finally:
            self._inside -= mine
            back.close()


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(_CHUNK):
            target.write(data)
            await target.drain()
    except OSError:
        pass  # cut: the other direction ends as well
    finally:
        target.close()
