"""How long to go on trying, and how long to pause in between."""

import asyncio
import random

from postroom.clock import monotonic
from postroom.errors import PostroomError, TooMany, Unavailable

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 15.0
# An attempt that lasted this long had reached the server, so a failure after it begins a new outage. Longer than connecting may take (10 s,
# see Transport): a network that swallows everything would begin a new outage with every attempt, and none would ever end.
REACHED_SECONDS = 12.0


def pause_before(attempt: int, *, first: float = FIRST_PAUSE, longest: float = LONGEST_PAUSE) -> float:
    """Seconds to wait before retry number ``attempt`` (from 0): doubling with full jitter, never under a quarter of the step."""
    step = min(longest, first * 2 ** min(attempt, 30))
    return random.uniform(step / 4, step)


def pause_after(error: PostroomError, attempt: int) -> float:
    """Seconds to wait after an error that will pass: server away, busy or at fault (500). Raises every other one."""
    if isinstance(error, Unavailable | TooMany):
        return max(pause_before(attempt), min(error.retry_after, 60.0) if error.name != "unreachable" else 0.0)
    if type(error) is PostroomError:
        return pause_before(attempt, first=1.0)
    raise error


class Patience:
    """The tries that one call has: a number of seconds from the first failure in a row."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._attempt = 0
        self._gives_up_at: float | None = None

    async def pause(self, error: Unavailable, began: float) -> None:
        """Wait before the next try, or raise ``error`` when the time is used up. ``began``: when the failed try started, monotonic."""
        now = monotonic()
        if self._gives_up_at is None or now - began > REACHED_SECONDS:
            self._attempt, self._gives_up_at = 0, now + self._seconds
        wait = max(pause_before(self._attempt), 0.0 if error.name == "unreachable" else min(error.retry_after, LONGEST_PAUSE))
        if now + wait > self._gives_up_at:
            raise error
        self._attempt += 1
        await asyncio.sleep(wait)
