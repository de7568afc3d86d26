"""Checks of the running server: reachable, its loops alive, its clock near ours."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from postroom.cli.checkup import Finding, fail, ok, warn
from postroom.cli.connection import find_server
from postroom.cli.exits import Stop
from postroom.client import Answer, Client, Json
from postroom.errors import PostroomError

_TIMEOUT = 5.0
# Nothing is decided by our clock, but the ages shown here and a person's reading of a log are off by as much.
_CLOCK_SECONDS = 5.0


async def look(url: str | None, data: Path) -> list[Finding]:
    """All checks of the server that the commands would talk to."""
    try:
        address = find_server(url, data)
    except Stop as stop:
        return [warn("server", stop.sentence, stop.advice)]
    try:
        async with Client(address, None, timeout=_TIMEOUT) as client:
            answer = await client.request("GET", "/health")
    except PostroomError as error:
        return [fail("server", f"{address}: {error.sentence}", "Start it (postroom up), or look at its log.")]
    return [*judge_health(address, answer.body), *_judge_clock(answer)]


def judge_health(address: str, health: Json) -> list[Finding]:
    """The server's own view of itself, loop by loop."""
    status = str(health.get("status", "unknown"))
    server = ok("server", f"{address} is {status}") if status == "ok" else warn("server", f"{address} is {status}", "See its log.")
    loops: dict[str, Json] = health.get("loops") or {}
    return [server, *(_judge_loop(name, loop) for name, loop in sorted(loops.items()))]


def _judge_loop(name: str, loop: Json) -> Finding:
    if loop.get("last_error"):
        return warn(
            f"loop {name}", f"failed {loop.get('failures', 1)} times: {loop['last_error']}", "It is tried again; see the server's log."
        )
    return ok(f"loop {name}", "runs")


def _judge_clock(answer: Answer) -> list[Finding]:
    date = answer.headers.get("date")
    return [] if date is None else [judge_clock(parsedate_to_datetime(date), datetime.now(UTC))]


def judge_clock(theirs: datetime, ours: datetime) -> Finding:
    """How far the server's clock is from this machine's."""
    apart = abs((ours - theirs).total_seconds())
    if apart > _CLOCK_SECONDS:
        return warn("clock", f"{apart:.0f} s apart from the server's", "Let both machines set their clocks (NTP).")
    return ok("clock", "agrees with the server's")
