"""Local time, for local timers only. Whatever decides something is decided by the database's clock."""

import random
import time


def monotonic() -> float:
    """Seconds on a clock that never goes back; its zero means nothing."""
    return time.monotonic()


def jittered(seconds: float) -> float:
    """Spread a wait over 50 % to 150 % of ``seconds``, so that servers do not poll in step."""
    return seconds * random.uniform(0.5, 1.5)
