"""All sizes side by side, and whether a figure grows worse than logarithmically."""

from dataclasses import asdict, dataclass, field
from math import log
from typing import Any

from rich.table import Table

from benches.growth.probes import Times
from benches.plan import percentile

Json = dict[str, Any]

GROWS_FROM = 10_000
"""The size that others are compared with: below it, constant costs hide what grows."""
TOLERANCE = 1.5
NOISE_MS = 2.0
RULE = (
    f"A figure grows when its p50 at the largest size n is more than {TOLERANCE} x log n / log {GROWS_FROM} times its p50 at {GROWS_FROM}, "
    f"and more than {NOISE_MS} ms above it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """One size: ``times`` per question are (p50, p99, count) in milliseconds; ``found`` are other figures, named with their units."""

    waiting: int
    times: dict[str, tuple[float, float, int]]
    found: dict[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A promise about one figure at one size; ``which`` is 0 for p50, 1 for p99, None for a figure that is no time."""

    figure: str
    waiting: int
    at_most: float
    which: int | None = None

    def value(self, sizes: list[Size]) -> float | None:
        """What was found; None when this size was not measured."""
        size = next((size for size in sizes if size.waiting == self.waiting), None)
        if size is None:
            return None
        return size.found[self.figure] if self.which is None else size.times[self.figure][self.which]


MEMORY = "RSS of the server, MB"
TARGETS = (
    Target(figure="claim", waiting=100_000, which=1, at_most=100),
    Target(figure=MEMORY, waiting=1_000_000, at_most=250),
)


def summed(times: Times) -> dict[str, tuple[float, float, int]]:
    """Seconds of every question as milliseconds: p50, p99, count."""
    return {name: (percentile(found, 0.5) * 1000, percentile(found, 0.99) * 1000, len(found)) for name, found in times.items()}


def grows(sizes: list[Size], name: str) -> bool | None:
    """Whether a question takes longer than the rule allows; None when the sizes do not tell."""
    base = next((size.times[name][0] for size in sizes if size.waiting == GROWS_FROM), None)
    largest = sizes[-1]
    # Only there: what is dear at one size in between and cheap at the next is the machine's doing.
    return None if base is None or largest.waiting <= GROWS_FROM else _beyond(largest.times[name][0], base, largest.waiting)


def _beyond(value: float, base: float, waiting: int) -> bool:
    return value > base * TOLERANCE * log(waiting) / log(GROWS_FROM) and value > base + NOISE_MS


def table(sizes: list[Size]) -> Table:
    """One line per figure, one column per size."""
    shown = Table(title="Waiting messages of one dead agent; p50 / p99 in ms")
    shown.add_column("figure")
    for size in sizes:
        shown.add_column(f"{size.waiting:,}", justify="right")
    shown.add_column("grows", justify="right")
    for name in sizes[0].times:
        cells = [f"{size.times[name][0]:.1f} / {size.times[name][1]:.1f}" for size in sizes]
        shown.add_row(name, *cells, {True: "YES", False: "no", None: ""}[grows(sizes, name)])
    shown.add_section()
    for name in sizes[0].found:
        shown.add_row(name, *(f"{size.found[name]:.1f}" for size in sizes), "")
    return shown


def target_lines(sizes: list[Size]) -> list[str]:
    """The targets with what was found."""
    return [
        f"{target.figure} at {target.waiting:,}{' p99' if target.which else ''}: {value:.1f}, target < {target.at_most:g}: "
        f"{'held' if value < target.at_most else 'MISSED'}"
        for target in TARGETS
        if (value := target.value(sizes)) is not None
    ]


def per_100k(sizes: list[Size]) -> list[str]:
    """What the largest size costs beyond the smallest, per 100,000 messages."""
    least, most = sizes[0], sizes[-1]
    if most.waiting == least.waiting:
        return []
    parts = (most.waiting - least.waiting) / 100_000
    return [f"{name} per 100,000 waiting: {(most.found[name] - least.found[name]) / parts:.2f}" for name in (MEMORY, "database, MB")]


def document(sizes: list[Size], machine: Json) -> Json:
    """The run as JSON."""
    targets = [{**asdict(target), "value": target.value(sizes)} for target in TARGETS]
    return {
        "command": "make growth",
        "machine": machine,
        "rule": RULE,
        "sizes": [asdict(size) for size in sizes],
        "grows": {name: grows(sizes, name) for name in sizes[0].times},
        "targets": targets,
    }
