"""A post room on a database that tests can look into, lock, and take away."""

from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from postroom.client import Client
from tests.conftest import NewServer
from tests.lessons.door import Door
from tests.support.database import KEY, cluster
from tests.support.server import ServerProcess

LIVELY = {"poll_seconds": "0.2", "backoff_seconds": "0.1", "attempt_limit": "4"}
"""Short polls and pauses, so that tests need not wait for what is meant to take long."""


@dataclass
class PostRoom:
    """A server, the way to its database that can be shut, and the other way, for the test itself."""

    server: ServerProcess
    door: Door
    dsn: str

    async def sql(self, text: str, *args: Any) -> list[Any]:
        """Look into the database, or put it into a state."""
        connection: Any = await asyncpg.connect(self.dsn)
        try:
            return await connection.fetch(text, *args)
        finally:
            await connection.close()


@pytest.fixture(scope="session")
def own_dsn(short_directory: Path) -> Generator[str]:
    """A database of the lessons' own."""
    with cluster(short_directory / "lessons") as found:
        yield found


@pytest.fixture(scope="session")
def post_room(short_directory: Path, own_dsn: str) -> Generator[PostRoom]:
    """A server that reaches its database through a door."""
    with Door(own_dsn) as door:
        settings = LIVELY | {"database_url": door.dsn, "secret_key": KEY.decode(), "silence_seconds": "1"}
        process = ServerProcess(short_directory / "behind-the-door" / "data", **settings)
        process.data.mkdir(parents=True)
        try:
            yield PostRoom(process.start(), door, own_dsn)
        finally:
            process.destroy()


@pytest.fixture
async def boss(post_room: PostRoom) -> AsyncGenerator[Client]:
    """The operator's client of the post room behind the door."""
    async with post_room.server.client() as client:
        yield client


@pytest.fixture
def second_server(post_room: PostRoom, new_server: NewServer) -> ServerProcess:
    """Another server on the database of the post room; not started."""
    return new_server(data=None, **LIVELY, database_url=post_room.dsn, secret_key=KEY.decode())
