"""The network between server and PostgreSQL, cut after each number of bytes while a message takes its whole path (reliability.md, T8)."""

import asyncio
from itertools import cycle

import httpx
import pytest

from tests.conftest import NewServer
from tests.crash.checker import judge
from tests.crash.external import OPERATOR, SECRET_KEY, database_proxy
from tests.crash.form import LONG, report, spread
from tests.crash.load import House, Mailbox, at_rest, called_mailbox, until
from tests.support.proxy import Cut, How, Proxy, Way

FEW = 4

pytestmark = pytest.mark.timeout(1800 if LONG else 120)


async def bytes_of_a_message(house: House, http: httpx.AsyncClient, mailbox: Mailbox, proxy: Proxy) -> dict[Way, int]:
    """What one message from its send to its answer makes pass, by way; with what the server's loops say beside it."""
    await house.send(http, mailbox, wait=20)
    before = dict(proxy.passed)
    await house.send(http, mailbox, wait=20)
    return {way: proxy.passed[way] - before[way] for way in Way}


async def test_the_database_may_be_cut_off_anywhere(new_server: NewServer, external_dsn: str) -> None:
    async with database_proxy(external_dsn) as (proxy, through):
        server = new_server(database_url=through, secret_key=SECRET_KEY, admin_token=OPERATOR)
        await asyncio.to_thread(server.start)
        house, hows = House([server.url], OPERATOR), cycle((How.RST, How.FIN))
        async with called_mailbox(house, "called") as mailbox, httpx.AsyncClient(timeout=40) as http:
            sizes = await bytes_of_a_message(house, http, mailbox, proxy)
            cuts = [Cut(way, at, next(hows)) for way in Way for at in spread(sizes[way], FEW)]
            for cut in cuts:
                proxy.arm(cut)
                await house.send(http, mailbox, wait=20)
                await until(lambda cut=cut: cut.done, 30, "the server says so much")
                proxy.armed.clear()
            await at_rest(external_dsn, [mailbox.id])
        await asyncio.to_thread(server.stop)
    verdict = await judge(house.journal, external_dsn, [mailbox.id])
    report("cuts of the database", cuts=len(cuts), of=sizes, told=dict(house.journal.retried), **verdict.counts, faults=verdict.faults)
    assert verdict.faults == {} and house.journal.refused == []
    assert house.journal.retried.keys() <= {"503"}, "the server itself was there all the time"
