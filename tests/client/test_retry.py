"""The patience of a call: an outage ends it, however long each attempt at it takes."""

import pytest

from postroom.client.retry import Patience
from postroom.clock import monotonic
from postroom.errors import Unavailable

CONNECTING = 10.2
"""What an attempt takes that no one answers: the time that connecting has, and a little."""


async def test_a_network_that_swallows_everything_uses_the_patience_up() -> None:
    patience = Patience(0.5)
    with pytest.raises(Unavailable):
        for _ in range(100):
            await patience.pause(Unavailable("nobody answers", code="unreachable"), monotonic() - CONNECTING)


async def test_a_wait_that_reached_the_server_begins_a_new_outage_when_it_breaks() -> None:
    patience = Patience(0.5)
    for _ in range(5):
        await patience.pause(Unavailable("cut", code="unreachable"), monotonic() - 60)
