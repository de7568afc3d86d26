"""Named places between two steps at which a test may end the process. Not for production: nothing here is a setting.

``reach`` costs one look at a global while nothing is planned, which is always: a plan is read only from the file that
``POSTROOM_FAILPOINTS_FILE`` names, and only when ``POSTROOM_FAILPOINTS`` holds ``for tests only``, both at the start of the process. The
file says, a line each::

    trace DIRECTORY                  write down what is reached; the first line, it must be there
    accept.committed hit=2 kill      the second time that this place is reached, do this

Actions: ``kill`` (SIGKILL to the process itself, as the out-of-memory killer does it), ``exit`` (status 86, no clean-up), ``raise``
(``Reached``), ``stop`` (SIGSTOP: hold the whole process there; SIGCONT lets it go on).

Each first reach of any place, and each reach of a planned one, is a line ``name hit action`` in ``DIRECTORY/<pid>.trace``. It is on the
disk before the action is taken: a test knows whether its fault happened, and a run of the suite which places no test came by.

Steps inside a transaction are no places of this module: they are in the database (migration 0005), where tests stop them with triggers.
"""

import os
import signal
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

FLAG: Final = ("POSTROOM_FAILPOINTS", "for tests only")
FILE: Final = "POSTROOM_FAILPOINTS_FILE"
ACTIONS: Final = frozenset({"kill", "exit", "raise", "stop"})
EXIT_STATUS: Final = 86

NAMES: Final = frozenset(
    f"{flow}.{step}"
    for flow, steps in {
        "accept": "received batched committed followed settled answering",
        "lend": "taken",
        "upload": "begun kept whole completed",
        "claim": "calls_due calls_committed calls_read post_received post_committed",
        "call": "begun connecting answering half_read read settling settled",
        "finish": "received batched committed settled",
        "extend": "calls_due calls_committed asked committed",
        "heartbeat": "received seen committed",
        "progress": "noted committed",
        "give_back": "received committed",
        "cancel": "received committed call_dropped",
        "reap": "due committed",
        "orphan": "found cancelled",
        "disown": "looked freed",
        "rescue": "suspected freed repaired",
        "removal": "marked failed",
        "prune": "due events done",
        "wake": "connected announced locked listening beaten sent",
        "migrate": "locked table_made begun changed noted committed done",
        "create": "settled directory initdb settings roles synced renamed linked",
        "database": "started ready",
        "start": "migrated checked key_made prepared operator ready",
        "drain": "begun accepted called closed finished removed",
        "feed": "opened read said",
        "agent": (
            "claimed noted handled file_written file_named stored replied settled forgotten "
            "left_behind given_back registered beaten extended failing releasing cancelling stopping"
        ),
    }.items()
    for step in steps.split()
)


class Reached(Exception):
    """Raised by a place whose action is ``raise``."""


class Plan:
    """What is to happen where, in this process."""

    def __init__(self, text: str) -> None:
        """Raises ValueError for a place or an action that there is not."""
        head, *lines = text.strip().splitlines()
        word, _, directory = head.partition(" ")
        if word != "trace" or not directory:
            raise ValueError("a plan begins with: trace DIRECTORY")
        self._actions = dict(_read_line(line) for line in lines)
        self._planned = {name for name, _ in self._actions}
        self._hits: Counter[str] = Counter()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_DSYNC", 0)
        self._trace = os.open(Path(directory) / f"{os.getpid()}.trace", flags, 0o600)

    def reached(self, name: str) -> None:
        """Write it down, then do what is planned. Raises KeyError for a name that is not in the list."""
        if name not in NAMES:
            raise KeyError(name)
        self._hits[name] += 1
        hit = self._hits[name]
        action = self._actions.get((name, hit))
        if hit == 1 or name in self._planned:
            os.write(self._trace, f"{name} {hit} {action or '-'}\n".encode())
        if action is not None:
            _act(action, name)


def _read_line(line: str) -> tuple[tuple[str, int], str]:
    name, hit, action = line.split()
    if name not in NAMES or action not in ACTIONS or not hit.startswith("hit="):
        raise ValueError(f"no line of a plan: {line}")
    return (name, int(hit.removeprefix("hit="))), action


def _act(action: str, name: str) -> None:
    match action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "exit":
            os._exit(EXIT_STATUS)
        case _:
            raise Reached(name)


def load_plan(environ: Mapping[str, str]) -> Plan | None:
    """The plan that a test gave this process; None without the flag. Raises OSError, ValueError."""
    name, value = FLAG
    if environ.get(name) != value or FILE not in environ:
        return None
    return Plan(Path(environ[FILE]).read_text(encoding="utf-8"))


_plan = load_plan(os.environ)


def reach(name: str) -> None:
    """The process comes by here. Nothing happens unless a test has planned it."""
    if _plan is not None:
        _plan.reached(name)
