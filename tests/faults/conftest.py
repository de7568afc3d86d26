"""Fixtures of the fault suites."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.database import cluster


@pytest.fixture(scope="session")
def external_dsn(short_directory: Path) -> Generator[str]:
    """A PostgreSQL that outlives the servers of a test, and whose processes a test may harm."""
    with cluster(short_directory / "harmed") as found:
        yield found
