"""The model of rooms.py against a real server on a real PostgreSQL. MODEL_EXAMPLES and MODEL_STEPS make it longer (``make model``)."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Comparison
from tests.model.rooms import ATTEMPTS
from tests.model.wire import Wire
from tests.support.server import ServerProcess

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "40"))
STEPS = int(os.environ.get("MODEL_STEPS", "30"))

# What a run must have come across to mean anything.
SOMETIMES = {
    *("message.accepted", "message.handed", "message.progress", "message.retrying", "message.released", "message.cancel_requested"),
    *("message.replied", "message.failed", "message.cancelled", "message.expired", "message.late"),
    *("workspace.moved", "workspace.removed", "workspace.paused", "workspace.resumed"),
    *("lease_lost", "superseded", "key_reused", "forbidden", "workspace_not_found", "workspace_removed", "unauthenticated"),
    *("-32001", "-32002", "-32004"),
}

pytestmark = pytest.mark.timeout(120 + EXAMPLES * STEPS // 2)


@pytest.fixture
def wire(short_directory: Path) -> Generator[Wire]:
    """Short polls, so that what time ends ends soon; pauses between attempts of nearly nothing."""
    place = short_directory / "model"
    place.mkdir(mode=0o711)
    server = ServerProcess(
        place / "data", poll_seconds="0.05", backoff_seconds="0.01", backoff_limit="0.05", attempt_limit=str(ATTEMPTS), lanes="1"
    )
    try:
        wire = Wire(server.start())
        yield wire
        wire.close()
    finally:
        server.destroy()


def test_the_post_room_does_what_its_model_does(wire: Wire) -> None:
    Comparison.wire = wire
    Comparison.examples = Comparison.steps = 0
    Comparison.seen.clear()
    # The short form is the same every time; a longer one looks for what is new, and keeps what it found.
    short = "MODEL_EXAMPLES" not in os.environ
    slow = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        Comparison,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, derandomize=short, suppress_health_check=slow, print_blob=True
        ),
    )
    print(f"\n{Comparison.examples} examples, {Comparison.steps} comparisons, {dict(sorted(Comparison.seen.items()))}")
    assert Comparison.seen.keys() >= SOMETIMES, f"never came about: {SOMETIMES - Comparison.seen.keys()}"
