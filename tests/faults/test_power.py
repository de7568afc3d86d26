"""T4: power cuts. PostgreSQL and all of the server's files lie on a disk that forgets what was not fsynced; acknowledged post is there."""

import asyncio
import os
import random
import shutil
import time
from pathlib import Path

import asyncpg
import pytest

from tests.conftest import NewServer
from tests.crash.checker import Verdict, judge
from tests.crash.form import report
from tests.crash.load import House, Mailbox, at_rest, called_mailbox, fetched_mailbox, until
from tests.faults.disk import PowerCuts, seeds, server_on_a_forgetful_disk
from tests.faults.machine import no_fuse, skip_unless
from tests.mutants.faults import NO_WAITING_FOR_THE_DISK
from tests.mutants.seed import ROOT
from tests.support.server import ServerProcess

# `make powercuts` runs the same test for longer.
CUTS = int(os.environ.get("POWER_CUTS", "2"))
SENDERS = 8

pytestmark = [skip_unless(no_fuse), pytest.mark.timeout(120 + 15 * CUTS)]


async def test_what_is_acknowledged_outlives_a_power_cut(new_server: NewServer) -> None:
    verdict = await cut_under_load(new_server(), CUTS)
    assert verdict.faults == {}
    assert verdict.counts["replied"] == verdict.counts["messages"]


async def test_the_same_without_waiting_for_the_disk_loses_post(
    new_server: NewServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: it shows that the disk forgets and that the checker sees it."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    NO_WAITING_FOR_THE_DISK.plant(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "src"))
    verdict = await cut_under_load(new_server(), 3 * max(1, CUTS // 10), until_lost=True)
    assert verdict.lost


async def cut_under_load(server: ServerProcess, cuts: int, *, until_lost: bool = False) -> Verdict:
    """So many power cuts of a server that is spoken to, or fewer when post is to be lost; the verdict on what is left in the end."""
    done = 0
    with server_on_a_forgetful_disk(server) as disk:
        house = House([server.url], server.operator_token)
        async with called_mailbox(house, "called") as called, fetched_mailbox(house, "fetching") as fetched:
            async with asyncio.TaskGroup() as senders:
                for _ in range(SENDERS):
                    senders.create_task(house.keep_sending([called, fetched], pause=0.02))
                if until_lost:
                    await _flush_seldom(server)
                for seed, kept in seeds(cuts):
                    await _cut_once(disk, server, house, seed, kept)
                    done += 1
                    if until_lost and (await judge(house.journal, server.dsn(), [called.id, fetched.id])).lost:
                        break
                house.stopped = True
            verdict = await _judged(server, house, [called, fetched], rest=not until_lost)
    report("power cuts", cuts=done, lost=len(verdict.lost), told=dict(house.journal.retried), **verdict.counts)
    return verdict


async def _flush_seldom(server: ServerProcess) -> None:
    """So that commits which do not wait for the disk are not on it by luck: PostgreSQL would flush them five times a second."""
    connection = await asyncpg.connect(server.dsn("postgres"))
    await connection.execute("alter system set wal_writer_delay = '10s'")
    await connection.execute("select pg_reload_conf()")
    await connection.close()


async def _cut_once(disk: PowerCuts, server: ServerProcess, house: House, seed: int, kept: float) -> None:
    """A cut at a random moment between two acknowledgements; then the power is back, and post must move."""
    port, enough = server.port, len(house.journal.acks) + random.Random(seed).randint(50, 250)
    await until(lambda: len(house.journal.acks) >= enough, 60, "more was acknowledged")
    forgotten = await asyncio.to_thread(disk.cut, server, seed, kept)
    began = time.monotonic()
    disk.mount()
    await asyncio.to_thread(server.start, port=port)
    known = len(house.journal.seen)
    await until(lambda: len(house.journal.seen) > known, 30, "an agent sees post")
    print(f"cut {seed}, kept {kept:.2f}: forgot {forgotten}; post moved {time.monotonic() - began:.2f} s after the power was back")


async def _judged(server: ServerProcess, house: House, mailboxes: list[Mailbox], *, rest: bool) -> Verdict:
    names = [mailbox.id for mailbox in mailboxes]
    if rest:
        await at_rest(server.dsn(), names)
    return await judge(house.journal, server.dsn(), names)
