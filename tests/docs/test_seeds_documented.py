"""The page of seeded bugs names every one of them, with the tests that catch it."""

from pathlib import Path

import pytest

from tests.mutants.seed import Seed
from tests.mutants.seeds import SEEDS

PAGE = Path(__file__).parents[2] / "docs" / "seeded-bugs.md"


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_page_names_the_bug_and_who_catches_it(seed: Seed) -> None:
    tests = ", ".join(f"`{test.removeprefix('tests/')}`" for test in seed.tests)
    assert f"| {seed.name.replace('|', '/')} | {tests} |\n" in PAGE.read_text()


def test_page_names_nothing_else() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and not line.startswith("| bug")]
    assert len(rows) == len(SEEDS)
