"""Which test has asked for a fixture."""

from typing import cast

import pytest


def asking(request: pytest.FixtureRequest) -> pytest.Function:
    """The test itself. Of pytest's own only from 9.2 on is it known what ``node`` is."""
    return cast("pytest.Function", request.node)  # pyright: ignore[reportUnknownMemberType]
