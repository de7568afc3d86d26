"""Times of the server, told as ages. For eyes only: nothing is decided by the difference of two clocks."""

from datetime import UTC, datetime

_STEPS = ((86400, "d"), (3600, "h"), (60, "min"))


def age(timestamp: str | None, *, now: datetime | None = None) -> str:
    """How long ago an RFC 3339 time was ("5 min ago"), "never" for none."""
    if not timestamp:
        return "never"
    seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(timestamp)).total_seconds()
    # The server's clock may run ahead of this one.
    return f"{duration(max(seconds, 0.0))} ago"


def duration(seconds: float) -> str:
    """Seconds in the largest unit that fits, rounded down: "59 s", "5 min", "3 h", "2 d"."""
    for length, unit in _STEPS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"


def clock_time(timestamp: str) -> str:
    """The time of day of an RFC 3339 time in this machine's zone."""
    return datetime.fromisoformat(timestamp).astimezone().strftime("%H:%M:%S")
