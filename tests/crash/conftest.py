"""Fixtures of the fault tests."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.database import cluster


@pytest.fixture(scope="session")
def external_dsn(short_directory: Path) -> Generator[str]:
    """A PostgreSQL that outlives the servers of a test."""
    with cluster(short_directory / "external") as found:
        yield found
