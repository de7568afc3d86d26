"""What the load generator is asked for and what it answers; both cross a pipe as JSON."""

import os
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]

MEASURED_SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
"""Per point; a run with less is for trying out the bench itself."""
WARM_SECONDS = min(1.0, MEASURED_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """A mailbox that an agent of the generator empties."""

    url: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One point. ``urls`` take the requests in turn.

    ``load`` keeps ``callers`` requests in flight; ``wake`` sends one message at a time to an agent that already waits; ``feed`` opens
    ``callers`` listeners on ``feed`` and posts messages, and watches the memory of the process ``server``.
    """

    kind: Literal["load", "wake", "feed"] = "load"
    urls: list[str]
    headers: dict[str, str] = field(default_factory=dict[str, str])
    callers: int = 1
    inboxes: list[Inbox] = field(default_factory=list[Inbox])
    feed: str = ""
    server: int = 0
    warm_seconds: float = WARM_SECONDS
    seconds: float = MEASURED_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One point's result: requests that ended inside the measured time. Times are milliseconds; ``more`` names its own units."""

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


def plan_from(raw: Json) -> Plan:
    """A plan out of its JSON."""
    inboxes = [Inbox(**inbox) for inbox in raw.pop("inboxes")]
    return Plan(inboxes=inboxes, **raw)
