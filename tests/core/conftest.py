"""The core on a real PostgreSQL, without HTTP."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from tests.support.database import House, cluster, empty, open_house


@pytest.fixture(scope="session")
def dsn(short_directory: Path) -> Generator[str]:
    with cluster(short_directory / "core") as found:
        yield found


@pytest.fixture
async def house(dsn: str) -> AsyncGenerator[House]:
    await empty(dsn)
    async with open_house(dsn, attempt_limit=3, backoff_seconds=0.01) as opened:
        yield opened
