"""How long the fault tests run. `make test` runs the short form; `make faults` the long one, and keeps what was counted."""

import json
import os
import random
from pathlib import Path
from typing import Any

LONG = os.environ.get("FAULTS") == "long"
_SUMMARY = os.environ.get("FAULTS_SUMMARY", "")


def report(name: str, **counted: Any) -> None:
    """Tell what a run came to; with FAULTS_SUMMARY, a file's name, also add it there as one line of JSON."""
    line = json.dumps({"case": name, **counted})
    print(line)
    if _SUMMARY:
        with Path(_SUMMARY).open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def spread(last: int, few: int) -> list[int]:
    """Positions from 1 to ``last``: every one in the long form; else the edges and a ``few`` between, other ones every time."""
    if LONG or last <= few + 4:
        return list(range(1, last + 1))
    step = (last - 4) / few
    return sorted({1, 2, last - 1, last} | {2 + int(step * (number + random.random())) for number in range(few)})


def percentiles(values: list[float]) -> dict[str, float]:
    """Count, median and worst of some seconds."""
    ordered = sorted(values)
    return {"n": len(ordered), "p50": round(ordered[len(ordered) // 2], 2), "max": round(ordered[-1], 2)} if ordered else {"n": 0}
