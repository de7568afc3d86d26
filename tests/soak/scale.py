"""How large a run is, and what it has to reach."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Times in seconds; faults come for ``seconds``, and until each of ``kinds`` had its turn. ``hold`` scales how long they last.

    A run that has less than the least of something has failed.
    """

    seconds: float
    servers: int
    senders: int
    callers: int
    hold: float
    pause: tuple[float, float]
    quiet: float
    kinds: tuple[str, ...]
    least_acks: int
    least_faults: int
    least_kinds: int


KINDS: Final = (
    "kill_server",
    "kill_postmaster",
    "kill_backend",
    "terminate_backends",
    "stop_server",
    "stop_database",
    "restart_server",
    "kill_agent",
    "kill_sender",
    "kill_follower",
    "lock_table",
    "cut_database",
    "cut_clients",
    "use_up_connections",
)
# What costs a second or two; the others wait for a lease, or for PostgreSQL.
QUICK_KINDS: Final = ("kill_backend", "terminate_backends", "kill_agent", "kill_sender", "kill_follower", "lock_table", "kill_server")
QUIET_LEASES: Final = 2
LEASE: Final = 10.0
FULL_MINUTES: Final = 5.0
FULL_ACKS: Final = 50_000
FULL_FAULTS: Final = 30


def full(minutes: float) -> Scale:
    """Five minutes have to bring 50,000 acknowledgements and 30 faults; longer runs more, by their length."""
    part = minutes / FULL_MINUTES
    return Scale(
        seconds=minutes * 60,
        servers=3,
        senders=2,
        callers=28,
        hold=1.0,
        pause=(1.5, 4.5),
        quiet=QUIET_LEASES * LEASE,
        kinds=KINDS,
        least_acks=int(FULL_ACKS * part),
        least_faults=int(FULL_FAULTS * part),
        least_kinds=min(8, max(1, int(8 * part))),
    )


def short() -> Scale:
    """For ``make test``: a few faults of the quick kinds, and one kill of a server."""
    return Scale(
        seconds=8,
        servers=2,
        senders=1,
        callers=8,
        hold=0.3,
        pause=(0.2, 0.5),
        quiet=6.0,
        kinds=QUICK_KINDS,
        least_acks=100,
        least_faults=5,
        least_kinds=4,
    )
