"""T9: clocks that jump by an hour and by a day, the server's and PostgreSQL's, while messages are out.

What decides is PostgreSQL's clock alone. When it jumps ahead, all leases are over at once: messages go out again, and only one answer
counts. When it jumps back, what was due waits until it is due again: slow, not wrong; so these jumps end ahead.
"""

import asyncio
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import NewServer
from tests.crash.checker import judge, read_rows
from tests.crash.external import OPERATOR, SECRET_KEY
from tests.crash.form import LONG, report
from tests.crash.load import House, Mailbox, at_rest, called_mailbox, fetched_mailbox, make_mailbox, until
from tests.crash.wire import send_bytes, until_answered
from tests.faults.clocks import Clock, no_faketime, of_postgres
from tests.faults.machine import skip_unless
from tests.support.database import cluster
from tests.support.http import ask
from tests.support.server import ServerProcess

HOUR, DAY = 3600, 86400
JUMPS = (HOUR, 0, -HOUR, DAY, 0, -DAY, 2 * DAY) if LONG else (HOUR, -HOUR, DAY, -DAY, 2 * DAY)
SENDERS = 6
_JSON = {"Content-Type": "application/json"}

pytestmark = [skip_unless(no_faketime), pytest.mark.timeout(180)]


@pytest.fixture
def clock() -> Generator[Clock]:
    """One that PostgreSQL's account may read, too."""
    with tempfile.TemporaryDirectory(prefix="clock-", dir="/tmp") as place:
        Path(place).chmod(0o755)
        yield Clock(Path(place) / "now")


def external(new_server: NewServer, dsn: str, deadline: int) -> ServerProcess:
    settings = {"database_url": dsn, "secret_key": SECRET_KEY, "admin_token": OPERATOR, "allowed_hosts": "127.0.0.1"}
    return new_server(data=None, deadline_seconds=str(deadline), **settings)


async def jump_under_load(server: ServerProcess, dsn: str, clock: Clock, name: str) -> None:
    """Every jump while messages are out; then the account."""
    house = House([server.url], OPERATOR)
    async with called_mailbox(house, "called", 0.05) as called, fetched_mailbox(house, "fetching", 0.05) as fetched:
        async with asyncio.TaskGroup() as senders:
            for _ in range(SENDERS):
                senders.create_task(house.keep_sending([called, fetched], pause=0.03))
            for seconds in JUMPS:
                acks = len(house.journal.acks)
                await until(lambda acks=acks: len(house.journal.acks) > acks + 10, 30, "post is accepted")
                clock.set(seconds)
            seen = len(house.journal.seen)
            await until(lambda: len(house.journal.seen) > seen + 10, 30, "agents see post")
            house.stopped = True
        await at_rest(dsn, [called.id, fetched.id], 90)
    verdict = await judge(house.journal, dsn, [called.id, fetched.id])
    report(f"jumps of the clock of {name}", jumps=len(JUMPS), told=dict(house.journal.retried), **verdict.counts, faults=verdict.faults)
    assert verdict.faults == {} and house.journal.refused == []
    assert verdict.counts["replied"] == verdict.counts["messages"]


async def test_the_clock_of_the_server_decides_nothing(
    new_server: NewServer, external_dsn: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = external(new_server, external_dsn, HOUR)
    with monkeypatch.context() as patch:
        for name, value in clock.environment.items():
            patch.setenv(name, value)
        await asyncio.to_thread(server.start)
    await jump_under_load(server, external_dsn, clock, "the server")
    assert timedelta(days=1) < _date(server) - datetime.now(UTC) < timedelta(days=3), "its clock did jump"
    first, second = await asyncio.to_thread(_claim_over_a_jump, server, clock, 3 * DAY)
    assert second is None and _reply(server, first) == 200, "a lease is not over because the server thinks so"


async def test_a_clock_of_postgres_that_jumps_costs_time_and_no_post(new_server: NewServer, short_directory: Path, clock: Clock) -> None:
    with of_postgres(clock), cluster(short_directory / "jumping") as dsn:
        server = external(new_server, dsn, 30 * DAY)
        await asyncio.to_thread(server.start)
        await jump_under_load(server, dsn, clock, "PostgreSQL")
        first, second = await asyncio.to_thread(_claim_over_a_jump, server, clock, 3 * DAY)
        assert second is not None and second.item["attempt"] == 2, "the lease is over"
        assert (_reply(server, first), _reply(server, second)) == (409, 200), "only who holds the newest token is heard"
        await _deadline_by_its_clock(server, dsn, clock)
        await asyncio.to_thread(server.stop)


@dataclass(frozen=True, slots=True)
class Claimed:
    mailbox: Mailbox
    item: dict[str, Any]


def _claim_over_a_jump(server: ServerProcess, clock: Clock, to: int) -> tuple[Claimed, Claimed | None]:
    """A message as it is claimed before the jump, and what a second agent gets after it."""
    mailbox = make_mailbox(server.url, OPERATOR, "two agents")
    sent = asyncio.run(until_answered(server.port, send_bytes(mailbox.id, OPERATOR, str(uuid4()), wait=None)))
    assert sent.status == 200
    first = _claim(server, mailbox, wait=10)
    assert first is not None
    clock.set(to)
    return first, _claim(server, mailbox, wait=3)


def _claim(server: ServerProcess, mailbox: Mailbox, *, wait: int) -> Claimed | None:
    path, body = f"/workspaces/{mailbox.id}/inbox/claim", {"wait": wait, "lease": 60}
    items = ask(server.url, "POST", path, token=mailbox.token, headers=_JSON, body=body).body["items"]
    return Claimed(mailbox, items[0]) if items else None


def _reply(server: ServerProcess, claimed: Claimed) -> int:
    path = f"/workspaces/{claimed.mailbox.id}/inbox/{claimed.item['message_id']}/reply"
    body = {"token": claimed.item["token"], "parts": [{"text": "done"}]}
    return ask(server.url, "POST", path, token=claimed.mailbox.token, headers=_JSON, body=body).status


def _date(server: ServerProcess) -> datetime:
    """What time the server believes it is."""
    return parsedate_to_datetime(ask(server.url, "GET", "/health").headers["date"])


async def _deadline_by_its_clock(server: ServerProcess, dsn: str, clock: Clock) -> None:
    """A message that nobody fetches lives until PostgreSQL's clock says that it is over."""
    mailbox = await asyncio.to_thread(make_mailbox, server.url, OPERATOR, "never fetched")
    house = House([server.url], OPERATOR)
    async with httpx.AsyncClient(timeout=30) as http:
        await house.send(http, mailbox)
    assert await _states(dsn, mailbox) == [None]
    clock.set(40 * DAY)
    await at_rest(dsn, [mailbox.id])
    assert await _states(dsn, mailbox) == ["expired"]


async def _states(dsn: str, mailbox: Mailbox) -> list[str | None]:
    return [row.state for row in await read_rows(dsn, [mailbox.id])]
