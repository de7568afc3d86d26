"""What the load generator is asked for and what it answers; both cross a pipe as JSON."""

from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]

WARM_SECONDS = 1.0
MEASURED_SECONDS = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One point. ``urls`` take the requests in turn; ``inbox`` is the mailbox that an agent of the generator empties, if any.

    ``load`` keeps ``callers`` requests in flight; ``wake`` sends one message at a time to an agent that already waits.
    """

    kind: Literal["load", "wake"] = "load"
    urls: list[str]
    headers: dict[str, str] = field(default_factory=dict[str, str])
    callers: int = 1
    inbox: str = ""
    inbox_headers: dict[str, str] = field(default_factory=dict[str, str])
    warm_seconds: float = WARM_SECONDS
    seconds: float = MEASURED_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One point's result: requests that ended inside the measured time. Times are milliseconds."""

    requests_per_second: float
    p50: float
    p99: float
    count: int
    errors: int
    first_error: str = ""
    more: dict[str, float] = field(default_factory=dict[str, float])


def percentile(values: list[float], part: float) -> float:
    """The value below which ``part`` (0 to 1) of them lie; 0 when there is none."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] if ordered else 0.0
