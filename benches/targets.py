"""The figures that were promised, and what a run found. A target that is missed is shown, and fails nothing: machines differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from benches.points import MANY, Point

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """``at_most`` or ``at_least`` is the target; a figure without one is only told. ``value`` None was not measured."""

    name: str
    value: float | None
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def held(self) -> bool | None:
        """None when there is no target, or nothing was measured."""
        if self.value is None or (self.at_most is None and self.at_least is None):
            return None
        return (self.at_most is None or self.value < self.at_most) and (self.at_least is None or self.value > self.at_least)

    @property
    def target(self) -> str:
        """For people."""
        words = [
            f"{sign} {bound:g} {self.unit}".strip() for sign, bound in (("<", self.at_most), (">", self.at_least)) if bound is not None
        ]
        return ", ".join(words)

    def document(self) -> Json:
        """For machines."""
        return {"figure": self.name, "value": self.value, "unit": self.unit, "target": self.target, "held": self.held}


def figures(points: Sequence[Point]) -> list[Figure]:
    """All of a run."""
    memory = "RSS of the server per listener, kB"
    return [
        Figure(name="b of a: called path beside the ceiling, 64 callers", value=_ratio(points, "b.", "a. "), at_least=0.5),
        Figure(name="b beyond a: one caller, p50", value=_beyond(points, "b.", "a. "), unit="ms", at_most=2.5),
        Figure(name="b of c: what batching brings, 64 callers", value=_ratio(points, "b.", "c."), at_least=1),
        Figure(name="b of d: beside a server of the A2A SDK, 64 callers", value=_ratio(points, "b.", "d."), at_least=20),
        Figure(name="f of b: two servers beside one, 64 callers", value=_ratio(points, "f. called, 2", "b.")),
        Figure(
            name="e: from accepted to claimed, p50", value=_more(points, "e. wake", "accepted to claimed p50, ms"), unit="ms", at_most=10
        ),
        Figure(name="g: memory per listener at 1,000", value=_more(points, "g.", memory), unit="kB", at_most=100),
    ]


def figure_table(found: Sequence[Figure]) -> Table:
    """The figures as a table."""
    shown = Table(title="Figures and targets")
    for heading in ("figure", "found", "target", "held"):
        shown.add_column(heading, justify="left" if heading == "figure" else "right")
    for figure in found:
        value = "-" if figure.value is None else f"{figure.value:.4g} {figure.unit}"
        shown.add_row(figure.name, value, figure.target, {True: "yes", False: "NO", None: ""}[figure.held])
    return shown


def _ratio(points: Sequence[Point], one: str, other: str) -> float | None:
    rates = [
        next((point.measured.requests_per_second for point in points if point.name.startswith(name) and point.callers == MANY), None)
        for name in (one, other)
    ]
    return rates[0] / rates[1] if rates[0] and rates[1] else None


def _beyond(points: Sequence[Point], one: str, other: str) -> float | None:
    times = [
        next((point.measured.p50 for point in points if point.name.startswith(name) and point.callers == 1), None) for name in (one, other)
    ]
    return times[0] - times[1] if times[0] is not None and times[1] is not None else None


def _more(points: Sequence[Point], name: str, what: str) -> float | None:
    found = [point.measured.more[what] for point in points if point.name.startswith(name) and what in point.measured.more]
    return found[-1] if found else None
