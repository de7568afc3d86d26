"""Workers on a real PostgreSQL, driven run by run."""

from collections.abc import AsyncGenerator

import pytest

from tests.support.database import House, empty, open_house


@pytest.fixture
async def house(dsn: str) -> AsyncGenerator[House]:
    await empty(dsn)
    async with open_house(dsn, attempt_limit=3, backoff_seconds=0.01) as opened:
        yield opened
