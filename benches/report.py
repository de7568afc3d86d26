"""A run for people (a table) and for machines (JSON)."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from benches.plan import MEASURED_SECONDS, WARM_SECONDS
from benches.points import CALLED, CONCURRENT, FETCHERS, Point
from benches.targets import figures
from postroom.settings import load_settings

Json = dict[str, Any]
Ceilings = dict[int, float]

COMMAND = "make bench"
_SETTINGS = ("batch_size", "lanes", "pool_size", "poll_seconds", "lease_seconds")


def ceilings(points: Sequence[Point]) -> Ceilings:
    """Requests per second of the ceiling, by number of callers."""
    return {point.callers: point.measured.requests_per_second for point in points if point.name.startswith("a. ")}


def ratio(point: Point, ceiling: Ceilings) -> float | None:
    """Its part of the ceiling of the same run; None where there is none."""
    compared = ceiling.get(point.compared) if point.compared else None
    return point.measured.requests_per_second / compared if compared else None


def table(points: Sequence[Point]) -> Table:
    """The run as a table."""
    shown = Table(title="Postroom beside its own server and client without storage (a)")
    for heading in ("point", "callers", "requests/s", "p50 ms", "p99 ms", "of (a)", "errors"):
        shown.add_column(heading, justify="left" if heading == "point" else "right")
    ceiling = ceilings(points)
    for point in points:
        shown.add_row(*_cells(point, ratio(point, ceiling)))
    return shown


def _cells(point: Point, part: float | None) -> list[str]:
    found = point.measured
    rates = [f"{found.requests_per_second:.0f}", f"{found.p50:.1f}", f"{found.p99:.1f}"]
    return [point.name, str(point.callers), *rates, "" if part is None else f"{part:.3f}", str(found.errors)]


def notes(points: Sequence[Point]) -> list[str]:
    """What does not fit into the columns."""
    explained = [
        f"b, c, f: {CALLED} mailboxes whose agent is called at its URL. Fetching: one message of a mailbox at a time; requests = messages.",
        "Feed: from the answer to the send to the sight of it; requests = sights.",
        "Wake-up: from the send to the message in the agent's hand; the agent waits in a claim.",
    ]
    return explained + [
        f"{point.name}, {point.callers}: {name}: {value:.1f}" for point in points for name, value in point.measured.more.items()
    ]


def document(points: Sequence[Point], machine: Json) -> Json:
    """The run as JSON: everything that was measured, and under what."""
    ceiling = ceilings(points)
    settings = load_settings()
    return {
        "command": COMMAND,
        "machine": machine,
        "settings": {name: getattr(settings, name) for name in _SETTINGS},
        "load": {
            "warm_seconds": WARM_SECONDS,
            "measured_seconds": MEASURED_SECONDS,
            "called_mailboxes": CALLED,
            "fetched_mailboxes": FETCHERS,
            "max_concurrent": CONCURRENT,
        },
        "figures": [figure.document() for figure in figures(points)],
        "points": [{**asdict(point), "ratio": ratio(point, ceiling)} for point in points],
    }
