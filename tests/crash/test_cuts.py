"""The network between client and server, cut at each byte: the repeat settles it, and nothing happens twice (reliability.md, T8)."""

import asyncio

import pytest

from tests.conftest import NewServer
from tests.crash.checker import judge
from tests.crash.cuts import LANES, Sweep, sweep_replies, sweep_sends
from tests.crash.form import LONG, report
from tests.crash.load import House, at_rest, fetched_mailbox, make_mailbox

pytestmark = pytest.mark.timeout(900 if LONG else 120)


async def test_every_request_may_be_cut_anywhere_and_repeated(new_server: NewServer) -> None:
    """The claim, which takes its time, is cut in test_silence.py."""
    server = await asyncio.to_thread(new_server(allowed_hosts="127.0.0.1").start)
    house = House([server.url], server.operator_token)
    sweeps = [Sweep(kind, house, server.port, server.dsn()) for kind in ("blocking send", "send", "reply")]
    answering = [await asyncio.to_thread(make_mailbox, server.url, server.operator_token, "answering") for _ in range(LANES)]
    async with fetched_mailbox(house, "waited for") as waited, fetched_mailbox(house, "sent to") as sent:
        async with asyncio.TaskGroup() as running:
            running.create_task(sweep_sends(sweeps[0], waited, 20.0))
            running.create_task(sweep_sends(sweeps[1], sent, None))
            running.create_task(sweep_replies(sweeps[2], answering))
        mailboxes = [id for sweep in sweeps for id in sweep.mailboxes]
        await at_rest(server.dsn(), mailboxes)
    verdict = await judge(house.journal, server.dsn(), mailboxes)
    for sweep in sweeps:
        report(f"cut {sweep.kind}", **sweep.counts)
        assert sweep.outcomes.keys() == {"answered", "kept", "nothing"}, sweep.outcomes
    report("cuts of clients", **verdict.counts, faults=verdict.faults)
    assert verdict.faults == {} and house.journal.refused == []
