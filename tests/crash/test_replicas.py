"""Three servers on one PostgreSQL: they share the work, and the death of one costs nobody anything but a moment."""

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest

from tests.conftest import NewServer
from tests.crash.checker import answer_to, judge
from tests.crash.load import House, at_rest, called_mailbox, fetched_mailbox, make_mailbox, until
from tests.edges.agents import Exchange, raw_agent
from tests.support.database import cluster
from tests.support.http import ask
from tests.support.server import ServerProcess

OPERATOR = "an operator token for replicas, long enough"
TAKEOVER_SECONDS = 6.0

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def shared_dsn(short_directory: Path) -> Generator[str]:
    with cluster(short_directory / "replicas") as found:
        yield found


@pytest.fixture
async def replicas(shared_dsn: str, new_server: NewServer) -> list[ServerProcess]:
    key = "a secret key for replicas, long enough"
    made = [new_server(database_url=shared_dsn, secret_key=key, admin_token=OPERATOR) for _ in range(3)]
    async with asyncio.TaskGroup() as starts:
        for server in made:
            starts.create_task(asyncio.to_thread(server.start))
    return made


def metric(server: ServerProcess, name: str) -> float:
    text = ask(server.url, "GET", "/metrics", token=OPERATOR).content.decode()
    return sum(float(value) for value in re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", text, re.MULTILINE))


async def accepted_in_feed(url: str) -> AsyncGenerator[str]:
    """Ids of messages as the live feed of one server shows them; an empty one for every cursor, also the first."""
    headers = {"Authorization": f"Bearer {OPERATOR}"}
    async with httpx.AsyncClient(timeout=30) as http, http.stream("GET", f"{url}/events/stream", headers=headers) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                yield ""
            if line.startswith("data: ") and (frame := json.loads(line[6:]))["event"] == "message.accepted":
                yield frame["payload"]["message_id"]


async def follow(url: str, found: list[str]) -> None:
    async with aclosing(accepted_in_feed(url)) as ids:
        async for message in ids:
            found.append(message)  # noqa: PERF401 - it is read meanwhile


async def test_work_is_shared_and_a_killed_server_costs_nothing(replicas: list[ServerProcess], shared_dsn: str) -> None:
    house = House([server.url for server in replicas], OPERATOR)
    shown: list[str] = []
    async with (
        called_mailbox(house, "called", 0.002) as called,
        fetched_mailbox(house, "fetching") as fetched,
        asyncio.TaskGroup() as followers,
    ):
        follower = followers.create_task(follow(replicas[0].url, shown))
        await until(lambda: bool(shown), 10, "the feed is open")
        async with asyncio.TaskGroup() as senders:
            for number in range(8):
                senders.create_task(house.keep_sending([called, fetched], pause=0.03, wait=20 if number % 2 else None))
            await until(lambda: len(house.journal.acks) > 150 and len(house.journal.answers) > 20, 30, "post moves on all")
            handed = [metric(server, "postroom_handed_total") for server in replicas]
            replicas[1].kill()
            known, killed = len(house.journal.seen), time.monotonic()
            await until(lambda: len(house.journal.seen) > known + 20, TAKEOVER_SECONDS + 10, "the others go on")
            print(f"handed out by each: {handed}; post moves {time.monotonic() - killed:.2f} s after the kill")
            house.stopped = True
        await at_rest(shared_dsn, [called.id, fetched.id])
        await until(lambda: {message for _, message in house.journal.acks} <= set(shown), 10, "the feed of one shows the post of all")
        follower.cancel()
    verdict = await judge(house.journal, shared_dsn, [called.id, fetched.id])
    print(verdict.counts, house.journal.retried, f"{len(house.journal.answers)} waited for their answers")
    assert verdict.faults == {} and house.journal.refused == []
    assert all(count > 0 for count in handed)
    accepted = [message for message in shown if message]
    assert len(accepted) == len(set(accepted)), "once per cursor"


async def test_calls_of_a_killed_server_are_taken_over(replicas: list[ServerProcess]) -> None:
    attempts: list[tuple[str, float]] = []

    async def behave(exchange: Exchange) -> None:
        attempts.append((exchange.header("X-Postroom-Attempt") or "", time.monotonic()))
        if len(attempts) > 1:
            await exchange.answer_result({"message": {"role": "ROLE_AGENT", "messageId": "m", "parts": [{"text": answer_to("it")}]}})

    holder, other = replicas[2], replicas[0]
    async with raw_agent(behave) as agent, httpx.AsyncClient(timeout=30) as http:
        mailbox = await asyncio.to_thread(make_mailbox, other.url, OPERATOR, "hangs once", delivery_mode="push", url=agent.url)
        body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": {"messageId": "m", "parts": [{"text": "it"}]}}}
        headers = {"Authorization": f"Bearer {OPERATOR}", "Idempotency-Key": mailbox.id, "A2A-Version": "1.0"}
        path = f"/workspaces/{mailbox.id}/a2a"
        first = await http.post(holder.url + path, json=body, headers={**headers, "X-Timeout": "0"})
        await until(lambda: len(attempts) == 1 and metric(holder, "postroom_calls_in_flight") == 1, 10, "the call is out")
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(http.post(other.url + path, json=body, headers={**headers, "X-Timeout": "20"}))
            holder.kill()
            killed = time.monotonic()
        answer = waiting.result()
    assert answer.headers["x-postroom-message-id"] == first.headers["x-postroom-message-id"]
    assert answer.json()["result"]["message"]["parts"] == [{"text": answer_to("it")}]
    took = attempts[1][1] - killed
    print(f"taken over {took:.2f} s after the kill")
    assert [attempt for attempt, _ in attempts] == ["1", "2"] and took < TAKEOVER_SECONDS
