"""The soak in its short form: some seconds of several faults, judged as the long one is. ``make soak`` runs the long one."""

from pathlib import Path

import pytest

from tests.soak.report import failures_of, report_of, words_of
from tests.soak.run import soak
from tests.soak.scale import short

SEED = 1


@pytest.mark.timeout(240)
async def test_nothing_acknowledged_is_lost_in_the_short_form(short_directory: Path) -> None:
    directory = short_directory / "soak"
    directory.mkdir(mode=0o711)
    course = await soak(directory, SEED, short(), print)
    print(words_of(report_of(course, command=f"python -m tests.soak --seed {SEED} --short")))
    assert failures_of(course) == []
