"""T7: the disk fills up under load. What is new is refused in time, answers are not; a disk that is full to the last byte loses nothing."""

import asyncio
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest

from postroom.db.embedded.place import write_private
from tests.conftest import NewServer
from tests.crash.checker import judge
from tests.crash.load import House, Mailbox, at_rest, fetched_mailbox, make_mailbox, until
from tests.faults.machine import no_tmpfs, skip_unless
from tests.faults.small_disk import MIB, SmallDisk, move_onto, small_disk
from tests.support.http import ask
from tests.support.server import ServerProcess, wait_for

RESERVE = 24 * MIB
LIMIT_SECONDS = 30.0
SENDERS = 4

pytestmark = [skip_unless(no_tmpfs), pytest.mark.timeout(180)]


@dataclass(frozen=True, slots=True)
class Room:
    """A server whose files lie on one small disk, and whose write-ahead log lies on another."""

    server: ServerProcess
    data: SmallDisk
    log: SmallDisk


@pytest.fixture
def room(new_server: NewServer, short_directory: Path) -> Generator[Room]:
    base = Path(tempfile.mkdtemp(prefix="full-", dir=short_directory))
    base.chmod(0o711)
    with ExitStack() as stack:
        data = stack.enter_context(small_disk(base / "data", 128 * MIB))
        log = stack.enter_context(small_disk(base / "log", 112 * MIB))
        server = new_server(data=data.place / "post", disk_reserve=str(RESERVE))
        stack.callback(server.destroy)
        server.log = base / "server.log"
        server.start().stop()
        move_onto(log, server.data / "pg" / "pg_wal")
        yield Room(server.start(), data, log)


async def test_a_disk_that_fills_up_refuses_what_is_new_and_takes_answers(room: Room) -> None:
    server = room.server
    postmaster, house = server.database_pid, House([server.url], server.operator_token)
    mailbox = await asyncio.to_thread(make_mailbox, server.url, server.operator_token, "waiting")
    trial = await asyncio.to_thread(make_mailbox, server.url, server.operator_token, "trial")
    async with httpx.AsyncClient(timeout=30) as http:
        for disk in (room.data, room.log):
            for _ in range(10):
                await house.send(http, mailbox)
            disk.fill(leave=RESERVE // 2)
            await asyncio.to_thread(wait_for, lambda: refused(server, trial), LIMIT_SECONDS, "what is new is refused")
            await answer_all(house, server, mailbox)
            assert len(house.journal.told) == len(house.journal.acks), "answers are kept while what is new is refused"
            disk.free()
            await house.send(http, mailbox)
    await answer_all(house, server, mailbox)
    assert server.database_pid == postmaster, "PostgreSQL never noticed"
    verdict = await judge(house.journal, server.dsn(), [mailbox.id])
    assert verdict.faults == {} and house.journal.refused == []


def refused(server: ServerProcess, mailbox: Mailbox) -> bool:
    """Whether a message is refused for want of disk."""
    message = {"role": "ROLE_USER", "messageId": "trial", "parts": [{"text": "trial"}]}
    params = {"message": message, "configuration": {"returnImmediately": True}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": params}
    headers = {"Idempotency-Key": str(uuid4()), "A2A-Version": "1.0", "Content-Type": "application/json"}
    answer = ask(server.url, "POST", f"/workspaces/{mailbox.id}/a2a", token=server.operator_token, headers=headers, body=body)
    return answer.status == 503 and b"disk_low" in answer.content.lower()


async def answer_all(house: House, server: ServerProcess, mailbox: Mailbox) -> None:
    """Let an agent work until nothing is left to do."""
    async with asyncio.TaskGroup() as agents:
        agent = agents.create_task(house.fetch(mailbox))
        await at_rest(server.dsn(), [mailbox.id])
        agent.cancel()


async def test_a_disk_that_is_full_to_the_last_byte_loses_nothing(room: Room) -> None:
    """First the data's, where every statement that needs a page fails; then the log's, where PostgreSQL panics and can not come back."""
    server, house = room.server, House([room.server.url], room.server.operator_token)
    async with fetched_mailbox(house, "fetching") as mailbox:
        async with asyncio.TaskGroup() as senders:
            for _ in range(SENDERS):
                senders.create_task(house.keep_sending([mailbox], pause=0.02))
            await moves(house)
            room.data.fill(leave=0)
            await until_refused(house)
            server.kill_database()
            await until_refused(house)
            room.data.free()
            await moves(house)
            assert not list((server.data / "pg").glob("*.conf.*")), "no try to start leaves files behind"
            postmaster = server.database_pid
            room.log.fill(leave=0)
            await use_up_the_log(server)
            await until_refused(house)
            room.log.free()
            await moves(house)
            assert server.database_pid != postmaster, "PostgreSQL had to be started again"
            house.stopped = True
        await at_rest(server.dsn(), [mailbox.id])
    verdict = await judge(house.journal, server.dsn(), [mailbox.id])
    print(verdict.counts, house.journal.retried)
    assert verdict.faults == {} and house.journal.refused == []
    assert house.journal.retried.keys() == {"503"}


def test_a_private_file_that_finds_no_room_is_not_left_behind(short_directory: Path) -> None:
    """Each try to start on a full disk writes some."""
    with small_disk(short_directory / "tight", MIB) as disk:
        disk.fill(leave=0)
        with pytest.raises(OSError, match="No space"):
            write_private(disk.place / "conf", "x" * 8192)
        assert [path.name for path in disk.place.iterdir()] == ["filler"]


async def moves(house: House) -> None:
    """Wait until post moves in both directions."""
    acks, seen, began = len(house.journal.acks), len(house.journal.seen), time.monotonic()
    await until(lambda: len(house.journal.acks) > acks + 20 and len(house.journal.seen) > seen + 20, LIMIT_SECONDS, "post moves")
    print(f"post moved {time.monotonic() - began:.2f} s later")


async def until_refused(house: House) -> None:
    """Wait until all senders have been refused; with no database to ask who they are, that takes five seconds each."""
    known = house.journal.retried["503"]
    await until(lambda: house.journal.retried["503"] > known + SENDERS, LIMIT_SECONDS, "what is new is refused")


async def use_up_the_log(server: ServerProcess) -> None:
    """Begin new segments until there is no room for one, which ends PostgreSQL."""
    connection = await asyncpg.connect(server.dsn("postgres"))
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await connection.execute("create table filler (text text)")
        for _ in range(20):
            await connection.execute("insert into filler values ('x')")
            await connection.execute("select pg_switch_wal()")
    connection.terminate()
