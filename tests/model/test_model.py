"""The model of rooms.py against a real server on a real PostgreSQL. MODEL_EXAMPLES and MODEL_STEPS make it longer (``make model``)."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Comparison
from tests.model.rooms import ATTEMPTS
from tests.model.wire import Wire
from tests.support.server import ServerProcess

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "50"))
# Without it, a failure shows the steps that led to it, and no shorter ones that would have done as well (MODEL_SHRINK=no).
SHRINK = os.environ.get("MODEL_SHRINK") != "no"
STEPS = int(os.environ.get("MODEL_STEPS", "30"))

# What a run must have come across to mean anything, and a long one besides.
ALWAYS = {"message.accepted", "message.handed", "message.replied", "message.cancelled", "message.late", "superseded"}
IN_LONG = {
    *("message.progress", "message.retrying", "message.released", "message.cancel_requested", "message.failed", "message.expired"),
    *("workspace.moved", "workspace.removed", "workspace.paused", "workspace.resumed", "workspace_not_found", "workspace_removed"),
    *("lease_lost", "key_reused", "forbidden", "unauthenticated", "has_children", "tree_cycle", "-32001", "-32002", "-32004"),
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
    # The short form, and that of the seeded bugs, is the same every time; a longer one looks for what is new, and keeps what it found.
    short = "MODEL_EXAMPLES" not in os.environ or not SHRINK
    phases = [Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if SHRINK else [])]
    slow = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        Comparison,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=short,
            phases=phases,
            suppress_health_check=slow,
            print_blob=True,
        ),
    )
    print(f"\n{Comparison.examples} examples, {Comparison.steps} comparisons, {dict(sorted(Comparison.seen.items()))}")
    wanted = ALWAYS | (IN_LONG if EXAMPLES >= 200 and SHRINK else set[str]())
    assert Comparison.seen.keys() >= wanted, f"never came about: {wanted - Comparison.seen.keys()}"
