"""Whether a series is flat. In twenty minutes a slope of a megabyte per hour can not be told from noise: it is reported with its error,
and the verdict rests on a rule that can be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from benches.leaks.samples import Sample

Json = dict[str, Any]

RULE = (
    "The first third is warm-up. A series is flat when the median of the last third is at most (1 + part) times the median of the middle "
    "third, plus a constant; both stand beside each series."
)
# Series, part and constant. What the load does at random moves counts by a few; one vacuum moves dead rows by thousands.
FLAT: dict[str, tuple[float, float]] = {
    "RSS, MB": (0.03, 2.0),
    "PSS, MB": (0.03, 2.0),
    "descriptors": (0.10, 10),
    "threads": (0.0, 2),
    "database connections": (0.0, 3),
    "tasks": (0.10, 20),
    "feed listeners": (0.25, 4),
    "calls in flight": (0.25, 8),
    "unfinished messages": (0.25, 16),
    "pool wait p99, ms": (1.0, 5),
    "work, MB": (0.25, 1.0),
    "server, MB": (0.0, 0.1),
    "work, dead rows": (1.0, 3000),
    "mailbox, dead rows": (1.0, 3000),
    "presence, dead rows": (1.0, 3000),
    "credential, dead rows": (1.0, 3000),
}
# These grow with what was said, or with who was ever there: by design.
PER_MESSAGE = ("message, MB", "outcome, MB", "event, MB")
PER_AGENT = ("mailbox, MB", "presence, MB", "workspace, MB", "credential, MB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series: medians of the middle and the last third, and the slope per hour since the warm-up with its standard error."""

    name: str
    middle: float
    last: float
    bound: float
    slope: float
    error: float

    @property
    def flat(self) -> bool:
        return self.last <= self.bound

    def document(self) -> Json:
        """For machines."""
        return {
            "name": self.name,
            "flat": self.flat,
            "middle": self.middle,
            "last": self.last,
            "bound": self.bound,
            "slope_per_hour": self.slope,
            "error": self.error,
        }


def judge(samples: Sequence[Sample]) -> list[Series]:
    """Every series that must be flat. Each sample has its time in seconds under ``time``."""
    return [_series(name, samples, *FLAT[name]) for name in FLAT]


def _series(name: str, samples: Sequence[Sample], part: float, constant: float) -> Series:
    third = len(samples) // 3
    later = samples[third:]
    middle, last = (median(sample[name] for sample in some) for some in (samples[third : 2 * third], samples[2 * third :]))
    slope, error = line([sample["time"] / 3600 for sample in later], [sample[name] for sample in later])
    return Series(name=name, middle=middle, last=last, bound=middle * (1 + part) + constant, slope=slope, error=error)


def line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """The slope of the least squares line, and its standard error; of fewer than three points nothing can be said (0, 0)."""
    if len(x) < 3:
        return 0.0, 0.0
    centre_x, centre_y = fmean(x), fmean(y)
    spread = sum((value - centre_x) ** 2 for value in x)
    slope = sum((one - centre_x) * (other - centre_y) for one, other in zip(x, y, strict=True)) / spread
    rest = sum((other - centre_y - slope * (one - centre_x)) ** 2 for one, other in zip(x, y, strict=True))
    return slope, (rest / (len(x) - 2) / spread) ** 0.5


def growth(samples: Sequence[Sample], agents: int) -> dict[str, float]:
    """Bytes per message, and per agent that was ever made, of what grows by design; since the first sample."""
    first, last = samples[0], samples[-1]
    messages = last["accepted"] - first["accepted"]
    parts = [(PER_MESSAGE, "message", messages), (PER_AGENT, "agent made", float(agents))]
    return {
        f"{name.removesuffix(', MB')}, bytes per {what}": (last[name] - first[name]) * 1e6 / max(number, 1.0)
        for names, what, number in parts
        for name in names
    }
