"""What processes of the crash matrix came by: plans for them, the traces they leave, and the account over a whole run.

Every case has a directory of its own below one that all test workers share (``MATRIX_TRACES``, made by tests/conftest.py). The account is
made once, by the process that started the run, and only when every case of the matrix was run.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from postroom.failpoints import FILE, FLAG, NAMES
from tests.crash.steps import STEPS

ROOT = "MATRIX_TRACES"
ALL = NAMES | STEPS.keys()


@dataclass(frozen=True, slots=True)
class Traces:
    """The directory of one case."""

    place: Path

    @classmethod
    def of(cls, case: str, fallback: Path) -> "Traces":
        """Make it; ``fallback`` for a run that nobody keeps account of."""
        place = Path(os.environ.get(ROOT, fallback)) / case
        place.mkdir(parents=True, exist_ok=True)
        return cls(place)

    def plan(self, name: str, *lines: str) -> dict[str, str]:
        """The environment of a process that does what the lines say; without any it only leaves its trace."""
        plan = self.place / f"{name}.plan"
        plan.write_text("\n".join([f"trace {self.place}", *lines]))
        return {FLAG[0]: FLAG[1], FILE: str(plan)}

    def lines(self) -> list[str]:
        return [line for file in self.place.glob("*.trace") for line in file.read_text().splitlines()]

    def note_steps(self, reached: Iterable[str]) -> None:
        """Steps of the database that were reached."""
        with (self.place / "database.trace").open("a") as file:
            file.writelines(f"{step} 1 -\n" for step in reached)

    def conclude(self, **outcome: Any) -> None:
        """The case was played to its end."""
        (self.place / "outcome.json").write_text(json.dumps(outcome))


@dataclass(frozen=True, slots=True)
class Account:
    """A run of the matrix."""

    outcomes: dict[str, dict[str, Any]]
    reached: frozenset[str]

    @property
    def missing(self) -> list[str]:
        return sorted(ALL - self.reached)

    def covers(self, cases: Sequence[str]) -> bool:
        """Whether all of these were played."""
        return self.outcomes.keys() >= set(cases)

    def fails(self, cases: Sequence[str]) -> bool:
        """Whether the whole matrix was run and left a place out."""
        return self.covers(cases) and bool(self.missing)

    def summary(self) -> dict[str, Any]:
        """For people and for files."""
        kinds = Counter(outcome["kind"] for outcome in self.outcomes.values())
        waits = sorted(outcome["rest_seconds"] for outcome in self.outcomes.values())
        return {
            "cases": len(self.outcomes),
            "reached": len(ALL) - len(self.missing),
            "places": len(ALL),
            "never_reached": self.missing,
            "at_the_death": dict(sorted(kinds.items())),
            "messages": sum(outcome["messages"] for outcome in self.outcomes.values()),
            "slowest_end_seconds": waits[-1] if waits else None,
        }


def account() -> Account:
    """What all workers left."""
    root = Path(os.environ[ROOT])
    outcomes = {file.parent.name: json.loads(file.read_text()) for file in root.glob("*/outcome.json")}
    lines = [line for file in root.glob("*/*.trace") for line in file.read_text().splitlines()]
    return Account(outcomes, frozenset(line.split()[0] for line in lines))
