"""The seeds still fit the source, so that `make mutants` means something. Planting all of them takes minutes and is a target of its own."""

import shutil
from pathlib import Path

import pytest

from tests.mutants.__main__ import caught
from tests.mutants.seed import ROOT, Seed
from tests.mutants.seeds import SEEDS


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_seed_can_be_planted_and_its_tests_exist(seed: Seed, tmp_path: Path) -> None:
    (tmp_path / seed.file).parent.mkdir(parents=True)
    shutil.copy(ROOT / seed.file, tmp_path / seed.file)
    seed.plant(tmp_path)
    for test in seed.tests:
        file, _, name = test.partition("::")
        assert f"def {name.partition('[')[0].rpartition('::')[2]}(" in (ROOT / file).read_text(), test


def test_seeded_bug_is_caught() -> None:
    """One of them, a quick one, really planted, as a proof of the machine itself."""
    assert caught(next(seed for seed in SEEDS if seed.name.startswith("R22")))
