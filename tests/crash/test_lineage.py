"""A backup is restored under a running server: it must not answer as if what it has acknowledged had never been (reliability.md, R83)."""

import asyncio
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import NewServer
from tests.crash.external import OPERATOR, SECRET_KEY
from tests.crash.load import Mailbox, make_mailbox
from tests.crash.wire import Heard, exchange, send_bytes, until_answered
from tests.support.database import cluster
from tests.support.http import Answer, ask
from tests.support.server import ServerProcess, wait_for

WELL_SECONDS = 30.0

pytestmark = pytest.mark.timeout(180)


async def test_an_older_database_is_refused_until_the_right_one_is_back(new_server: NewServer, short_directory: Path) -> None:
    place = short_directory / "restored"
    data, backup, newer = place / "pg", place / "backup", place / "newer"
    before, after = str(uuid4()), str(uuid4())
    with cluster(place) as dsn:
        server = new_server(database_url=dsn, secret_key=SECRET_KEY, admin_token=OPERATOR, allowed_hosts="127.0.0.1")
        await asyncio.to_thread(server.start)
        mailbox = await asyncio.to_thread(make_mailbox, server.url, OPERATOR, "kept")
        await _keep(server, mailbox, before)
    subprocess.run(["cp", "-a", str(data), str(backup)], check=True)
    with cluster(place):
        kept = await _keep(server, mailbox, after)
        await asyncio.sleep(1.5)  # the position is noted once a second
    data.rename(newer)
    backup.rename(data)
    with cluster(place):
        await asyncio.to_thread(wait_for, lambda: "older" in _health(server).content.decode(), WELL_SECONDS, "the server names the reason")
        for key in (before, after, str(uuid4())):
            heard = await exchange(server.port, _send(mailbox, key))
            assert heard is not None and heard.status == 503 and "database_replaced" in str(heard.body), heard
            assert "retry-after" in heard.headers
        assert _health(server).status == 503
    data.rename(backup)
    newer.rename(data)
    with cluster(place):
        again = await _keep(server, mailbox, after)
        assert again.headers["x-postroom-message-id"] == kept.headers["x-postroom-message-id"]
        await asyncio.to_thread(server.stop)


def _health(server: ServerProcess) -> Answer:
    return ask(server.url, "GET", "/health")


def _send(mailbox: Mailbox, key: str) -> bytes:
    return send_bytes(mailbox.id, OPERATOR, key, wait=None)


async def _keep(server: ServerProcess, mailbox: Mailbox, key: str) -> Heard:
    heard = await until_answered(server.port, _send(mailbox, key))
    assert heard.status == 200, heard
    return heard
