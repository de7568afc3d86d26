"""``make mutants``: plant each seeded bug in a copy of the source and see its tests fail. ``python -m tests.mutants L1 R22`` picks some."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutants.seed import ROOT, Seed
from tests.mutants.seeds import SEEDS

_FAILED = 1  # pytest's exit code when tests ran and failed; anything else proves nothing


def main() -> None:
    chosen = [seed for seed in SEEDS if not sys.argv[1:] or seed.name.split()[0] in sys.argv[1:]]
    missed = [seed.name for seed in chosen if not caught(seed)]
    sys.stdout.write(f"{len(chosen) - len(missed)} of {len(chosen)} seeded bugs caught\n")
    sys.exit(bool(missed))


def caught(seed: Seed) -> bool:
    """Whether the tests of a seed fail on it."""
    with tempfile.TemporaryDirectory(prefix="seed-") as base:
        Path(base).chmod(0o755)
        sources = Path(base) / "src"
        shutil.copytree(ROOT / "src", sources, ignore=shutil.ignore_patterns("__pycache__"))
        seed.plant(sources)
        code = run_tests(seed, sources)
    verdict = "caught" if code == _FAILED else f"MISSED (pytest ended with {code})"
    sys.stdout.write(f"{verdict:8} {seed.name}  by {' '.join(seed.tests)}\n")
    sys.stdout.flush()
    return code == _FAILED


def run_tests(seed: Seed, sources: Path) -> int:
    """pytest's exit code on the copy."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly", *seed.tests]
    environ = {**os.environ, "PYTHONPATH": str(sources)}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    if done.returncode not in (0, _FAILED):
        sys.stdout.write(done.stdout[-2000:] + done.stderr[-2000:])
    return done.returncode


if __name__ == "__main__":
    main()
