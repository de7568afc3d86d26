"""``make bench``: one run, some 3 minutes; the table goes to the terminal, all of it to ``tmp/bench.json``."""

import json
import sys
from pathlib import Path

from rich.console import Console

from benches.machine import describe
from benches.points import Point, Points
from benches.report import document, notes, table
from benches.targets import figure_table, figures

RESULT = Path("tmp/bench.json")
WIDTH = 120


def main() -> None:
    """Measure and report. Ends with 1 when any request failed: what was measured then is not what is claimed."""
    console, run, points, machine = Console(width=WIDTH), Points(), list[Point](), describe()
    for point in run.run():
        points.append(point)
        console.print(f"{point.name}, {point.callers} callers: {point.measured.requests_per_second:.0f}/s {point.measured.first_error}")
    console.print(table(points), *notes(points), figure_table(figures(points)), sep="\n")
    write(json.dumps(document(points, {**machine, "postgres": run.postgres}), indent=2))
    console.print(f"written: {RESULT}")
    sys.exit(any(point.measured.errors for point in points))


def write(text: str) -> None:
    """Keep the run where git does not look."""
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text + "\n")


if __name__ == "__main__":
    main()
