"""A network that goes silent: no answer, no refusal, no acknowledgement. It is noticed within 15 s, whoever waits (reliability.md, T8)."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Sequence
from uuid import uuid4

import asyncpg
import httpx
import pytest

from postroom.client import Client
from postroom.db.database import Database
from postroom.errors import Unavailable
from postroom.settings import load_settings
from tests.conftest import NewServer
from tests.crash.checker import answer_to, judge
from tests.crash.cuts import Sweep, sweep_claims
from tests.crash.external import OPERATOR, SECRET_KEY, database_proxy
from tests.crash.form import LONG, percentiles, report
from tests.crash.load import House, Mailbox, at_rest, called_mailbox, make_mailbox, until
from tests.crash.wire import exchange, send_bytes
from tests.edges.agents import Exchange, raw_agent
from tests.support.http import ask
from tests.support.proxy import Proxy, Way, proxy_to
from tests.support.server import ServerProcess

NOTICED_SECONDS = 15.0
RECOVERY_SECONDS = 15.0
SILENCES = 5 if LONG else 1

pytestmark = pytest.mark.timeout(600 if LONG else 120)


async def test_silence_is_noticed(new_server: NewServer, external_dsn: str) -> None:
    """All at once, because all of them wait."""
    beside = await asyncio.to_thread(new_server(allowed_hosts="127.0.0.1").start)
    async with asyncio.TaskGroup() as silences:
        silences.create_task(silence_of_the_database(new_server, external_dsn))
        silences.create_task(silence_of_the_agent(beside))
        silences.create_task(silence_of_the_server(beside))
        silences.create_task(claims_are_cut(beside))


async def test_who_is_cancelled_in_the_silence_does_not_wait_for_it(external_dsn: str) -> None:
    """The driver then raises what looks like a lost connection: run again, it would keep a server that stops alive for ever."""

    async def act(connection: asyncpg.Connection) -> None:
        await connection.execute("select pg_sleep(20)")

    async with database_proxy(external_dsn) as (proxy, through), Database(through, load_settings({})).running() as db:
        for begin in (lambda: db.transaction(act), lambda: db.fetch("select pg_sleep(20)")):
            async with asyncio.TaskGroup() as tasks:
                task = tasks.create_task(begin())
                passed = proxy.passed[Way.UP]
                await until(lambda passed=passed: proxy.passed[Way.UP] > passed + 30, 20, "the statement is under way")
                proxy.black_hole()
                await asyncio.sleep(0)
                task.cancel()
                began = time.monotonic()
            assert task.cancelled() and time.monotonic() - began < 5.0
            proxy.heal()


# Between server and PostgreSQL


async def silence_of_the_database(new_server: NewServer, dsn: str) -> None:
    async with database_proxy(dsn) as (proxy, through):
        server = new_server(database_url=through, secret_key=SECRET_KEY, admin_token=OPERATOR, allowed_hosts="127.0.0.1")
        await asyncio.to_thread(server.start)
        house = House([server.url], OPERATOR)
        async with called_mailbox(house, "called") as called, called_mailbox(house, "slow", 0.05) as slow:
            mailboxes = [called, slow]
            async with asyncio.TaskGroup() as senders:
                for _ in range(4):
                    senders.create_task(house.keep_sending(mailboxes, pause=0.05))
                seconds = [await _one_silence(server, proxy, house, mailboxes) for _ in range(SILENCES)]
                house.stopped = True
            await at_rest(dsn, [mailbox.id for mailbox in mailboxes])
        await asyncio.to_thread(server.stop)
        verdict = await judge(house.journal, dsn, [mailbox.id for mailbox in mailboxes])
    noticed, recovered = zip(*seconds, strict=True)
    report("silent database", noticed=percentiles([*noticed]), recovered=percentiles([*recovered]), **verdict.counts, faults=verdict.faults)
    assert verdict.faults == {} and house.journal.refused == []
    assert house.journal.retried.keys() <= {"503"}, "the server itself was there all the time"


async def _one_silence(server: ServerProcess, proxy: Proxy, house: House, mailboxes: Sequence[Mailbox]) -> tuple[float, float]:
    """Seconds until every caller was told and the server knew; and from the end of the silence until post moves."""
    acks = len(house.journal.acks)
    await until(lambda: len(house.journal.acks) > acks + 20, 30, "post moves")
    await _burst(house, mailboxes)
    proxy.black_hole()
    began = time.monotonic()
    async with asyncio.TaskGroup() as callers:
        probes = [callers.create_task(_probe(server, number * 1.5)) for number in range(6)]
        callers.create_task(asyncio.to_thread(_until_health, server, 503, began + NOTICED_SECONDS))
    slowest = max(probe.result() for probe in probes)
    assert slowest < NOTICED_SECONDS, f"a caller waited for {slowest:.1f} s"
    later = await _probe(server, 0.0)
    assert later < NOTICED_SECONDS / 3, f"what was known by then was waited for again, for {later:.1f} s"
    proxy.heal()
    healed, acks, seen = time.monotonic(), len(house.journal.acks), len(house.journal.seen)
    await until(lambda: len(house.journal.acks) > acks + 10 and len(house.journal.seen) > seen + 10, RECOVERY_SECONDS, "post moves again")
    await asyncio.to_thread(_until_health, server, 200, healed + RECOVERY_SECONDS)
    return slowest, time.monotonic() - healed


async def _burst(house: House, mailboxes: Sequence[Mailbox]) -> None:
    """So much at once that the server has many connections open, each of which the silence will find idle."""
    async with httpx.AsyncClient(timeout=40) as http, asyncio.TaskGroup() as sends:
        for number in range(60):
            sends.create_task(house.send(http, mailboxes[number % len(mailboxes)]))


async def _probe(server: ServerProcess, delay: float) -> float:
    """A send to nobody in the silence: told 503, not 404, and how long that took."""
    await asyncio.sleep(delay)
    began = time.monotonic()
    heard = await exchange(server.port, send_bytes(str(uuid4()), OPERATOR, str(uuid4()), wait=None))
    assert heard is not None and heard.status == 503 and "retry-after" in heard.headers, heard
    return time.monotonic() - began


def _until_health(server: ServerProcess, status: int, end: float) -> None:
    while (found := ask(server.url, "GET", "/health").status) != status:
        assert time.monotonic() < end, f"/health still answers {found}"
        time.sleep(0.1)


# Between server and agent


async def silence_of_the_agent(server: ServerProcess) -> None:
    """The agent has the message and its host is gone: the call's own limit is ten minutes, and nobody should wait for that."""
    house, made, calls = House([server.url], server.operator_token), list[Mailbox](), Counter[str]()

    async def behave(exchange: Exchange) -> None:
        message = exchange.json["params"]["message"]
        attempt = int(exchange.header("X-Postroom-Attempt") or 0)
        house.journal.saw(made[0].id, exchange.header("X-Postroom-Message-Id") or "", message["parts"][0]["text"], attempt)
        calls["seen"] += 1
        if attempt == 1:
            await asyncio.Event().wait()
        parts = [{"text": answer_to(message["parts"][0]["text"])}]
        await exchange.answer_result({"message": {"role": "ROLE_AGENT", "messageId": "m", "parts": parts}})

    async with raw_agent(behave) as agent, proxy_to(("127.0.0.1", agent.port)) as proxy:
        url = f"http://127.0.0.1:{proxy.port}/"
        made.append(await asyncio.to_thread(make_mailbox, server.url, server.operator_token, "silent", delivery_mode="push", url=url))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(house.keep_sending(made, pause=0.01, wait=60))
            await until(lambda: calls["seen"] == 1, 20, "the agent has the message")
            house.stopped = True
            proxy.black_hole()
            noticed = await _timed(until_given_back(server, made[0].id))
            proxy.heal()
        await at_rest(server.dsn(), [made[0].id])
    verdict = await judge(house.journal, server.dsn(), [made[0].id])
    report("silent agent", noticed=round(noticed, 2), **verdict.counts, faults=verdict.faults)
    assert verdict.faults == {} and len(house.journal.answers) == 1
    assert [seen.attempt for seen in house.journal.seen] == [1, 2] and noticed < NOTICED_SECONDS


async def until_given_back(server: ServerProcess, mailbox: str) -> None:
    """Until the call has ended without an outcome: an attempt that counts, and a reason that is kept."""
    connection = await asyncpg.connect(server.dsn())
    try:
        async with asyncio.timeout(60):
            while not await connection.fetchval("select bool_or(last_error is not null) from work where workspace_id = $1", mailbox):
                await asyncio.sleep(0.05)
    finally:
        await connection.close()


async def _timed(act: Awaitable[None]) -> float:
    began = time.monotonic()
    await act
    return time.monotonic() - began


# Between client and server


async def silence_of_the_server(server: ServerProcess) -> None:
    """A client that waits for minutes on an agent finds out that there is nobody to wait for; the same key settles it."""
    mailbox = await asyncio.to_thread(make_mailbox, server.url, server.operator_token, "asked")
    key = str(uuid4())
    async with (
        proxy_to(("127.0.0.1", server.port)) as proxy,
        Client(f"http://127.0.0.1:{proxy.port}", server.operator_token) as asking,
        server.client(mailbox.token) as agent,
        asyncio.TaskGroup() as tasks,
    ):
        waiting = tasks.create_task(_heard_of_silence(asking, mailbox.id, key))
        (item,) = await agent.claim(mailbox.id, wait=20)
        proxy.black_hole()
        began = time.monotonic()
        ended = await waiting
        proxy.heal()
        await agent.reply(item, answer_to(key))
        sent = await asking.send(mailbox.id, key, key=key, wait=20)
    report("silent server", noticed=round(ended - began, 2))
    assert (sent.state, sent.text, sent.message_id) == ("replied", answer_to(key), item.message_id)
    assert ended - began < NOTICED_SECONDS


async def _heard_of_silence(client: Client, mailbox: str, key: str) -> float:
    """When the client gave up on the connection, on the monotonic clock."""
    with pytest.raises(Unavailable) as raised:
        await client.send(mailbox, key, key=key, wait=120, retry_for=0)
    assert raised.value.name == "unreachable"
    return time.monotonic()


# A hand-out whose answer was cut off, which the server only learns by the end of the lease


async def claims_are_cut(server: ServerProcess) -> None:
    house = House([server.url], server.operator_token)
    sweep = Sweep("claim", house, server.port, server.dsn())
    await sweep_claims(sweep)
    await at_rest(server.dsn(), sweep.mailboxes)
    verdict = await judge(house.journal, server.dsn(), sweep.mailboxes)
    report("cut claim", **sweep.counts, faults=verdict.faults)
    assert sweep.outcomes.keys() == {"answered", "kept", "nothing"}, sweep.outcomes
    assert verdict.faults == {} and house.journal.refused == []
