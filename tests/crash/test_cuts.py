"""The network between client and server, cut at each byte: the repeat settles it, and nothing happens twice (reliability.md, T8)."""

import asyncio

import pytest

from tests.conftest import NewServer
from tests.crash.checker import judge
from tests.crash.cuts import LANES, Sweep, sweep_claims, sweep_replies, sweep_sends
from tests.crash.form import LONG, report
from tests.crash.load import House, at_rest, fetched_mailbox, make_mailbox

pytestmark = pytest.mark.timeout(900 if LONG else 120)


async def test_every_request_may_be_cut_anywhere_and_repeated(new_server: NewServer) -> None:
    server = await asyncio.to_thread(new_server(allowed_hosts="127.0.0.1").start)
    house = House([server.url], server.operator_token)
    kinds = ("blocking send", "send", "reply", "claim")
    blocking, sending, replying, claiming = (Sweep(kind, house, server.port, server.dsn()) for kind in kinds)
    answering = [await asyncio.to_thread(make_mailbox, server.url, server.operator_token, "answering") for _ in range(LANES)]
    async with fetched_mailbox(house, "waited for") as waited, fetched_mailbox(house, "sent to") as sent:
        async with asyncio.TaskGroup() as sweeps:
            sweeps.create_task(sweep_sends(blocking, waited, 20.0))
            sweeps.create_task(sweep_sends(sending, sent, None))
            sweeps.create_task(sweep_replies(replying, answering))
            sweeps.create_task(sweep_claims(claiming))
        everywhere = [id for sweep in (blocking, sending, replying, claiming) for id in sweep.mailboxes]
        await at_rest(server.dsn(), everywhere)
    verdict = await judge(house.journal, server.dsn(), everywhere)
    for sweep in (blocking, sending, replying, claiming):
        report(f"cut {sweep.kind}", **sweep.counts)
        assert sweep.outcomes.keys() == {"answered", "kept", "nothing"}, sweep.outcomes
    report("cuts of clients", **verdict.counts, faults=verdict.faults)
    assert verdict.faults == {} and house.journal.refused == []
