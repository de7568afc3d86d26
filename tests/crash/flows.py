"""What goes on in a case of the crash matrix: senders and agents that do not give up, whatever becomes of the server meanwhile.

``before`` runs on a server that is then killed, for cases about what the next one finds. ``play`` runs while the fault happens and comes
to its end whether it happens or not; ``states`` are the ends that the messages may come to.
"""

import asyncio
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from tests.crash.checker import answer_to
from tests.crash.load import Mailbox, words_of
from tests.crash.stage import ENDED, LEASE, OPERATOR, Stage, loads
from tests.edges.agents import Behaviour, Exchange, RawAgent, raw_agent

Json = dict[str, Any]
WAIT = 20.0


@dataclass(frozen=True, slots=True)
class Flow:
    """``lease``: for how many seconds its servers hold what they call an agent for."""

    play: Callable[[Stage], Coroutine[Any, Any, None]]
    states: tuple[str, ...] = ("replied",)
    before: Callable[[Stage], Awaitable[None]] | None = None
    lease: int = 5


# Agents that fetch


async def say(stage: Stage, http: httpx.AsyncClient, mailbox: Mailbox, path: str, body: Json) -> httpx.Response:
    return await stage.house.post(http, path, body, {"Authorization": f"Bearer {mailbox.token}"})


async def work_on(stage: Stage, http: httpx.AsyncClient, mailbox: Mailbox, item: Json) -> None:
    """A sign of life, progress, a longer lease, the reply; a lease that is lost meanwhile ends it."""
    text, place = words_of(item["message"], item["report"]), f"/workspaces/{mailbox.id}/inbox/{item['message_id']}"
    stage.house.journal.saw(mailbox.id, item["message_id"], text, item["attempt"])
    await say(stage, http, mailbox, "/registry/heartbeat", {"workspace_id": mailbox.id})
    for verb, words in (
        ("progress", {"text": "half way"}),
        ("extend", {"lease": LEASE}),
        ("reply", {"parts": [{"text": answer_to(text)}]}),
    ):
        answer = await say(stage, http, mailbox, f"{place}/{verb}", {"token": item["token"], **words})
        if answer.status_code == 409:
            return
        assert answer.status_code == 200, f"{verb}: {answer.text}"
    stage.house.journal.counted(item["message_id"], answer_to(text))


async def _fetch(stage: Stage, mailbox: Mailbox) -> None:
    async with httpx.AsyncClient(timeout=30) as http:
        while True:
            claimed = await say(stage, http, mailbox, f"/workspaces/{mailbox.id}/inbox/claim", {"wait": 2, "lease": LEASE})
            for item in claimed.json()["items"]:
                await work_on(stage, http, mailbox, item)


@asynccontextmanager
async def fetching(stage: Stage, mailbox: Mailbox) -> AsyncGenerator[None]:
    """An agent at work on its mailbox."""
    async with asyncio.TaskGroup() as group:
        agent = group.create_task(_fetch(stage, mailbox))
        yield
        agent.cancel()


async def fetched(stage: Stage) -> None:
    """Two messages to an agent that fetches, their senders waiting."""
    await stage.well()
    mailbox = await stage.mailbox()
    async with fetching(stage, mailbox):
        await _send_two(stage, mailbox)


async def _send_two(stage: Stage, mailbox: Mailbox) -> None:
    """At once; the second is told when the first has its end."""
    async with httpx.AsyncClient(timeout=30) as http, asyncio.TaskGroup() as senders:
        for _ in range(2):
            senders.create_task(stage.send(http, mailbox, str(uuid4()), wait=WAIT))


# Agents that are called


def answering(stage: Stage, misbehave: Callable[[int], str] = lambda _: "", after: int = 0, box: int = 0) -> Behaviour:
    """The agent of this ``box`` of the stage answers, unless ``misbehave`` knows better for this attempt.

    ``break`` the connection, ``hang`` until the caller is gone. Nothing is answered before ``after`` messages are there.
    """

    async def behave(exchange: Exchange) -> None:
        if after:
            with suppress(OSError, asyncpg.PostgresError):
                await _accepted(stage, after)
        message = exchange.json["params"]["message"]
        text = words_of(message, message["metadata"]["postroom"].get("report"))
        attempt = int(exchange.header("X-Postroom-Attempt") or 0)
        stage.house.journal.saw(stage.ids[box], exchange.header("X-Postroom-Message-Id") or "", text, attempt)
        match misbehave(attempt):
            case "break":
                raise ConnectionError("as the case wants it")
            case "hang":
                await exchange.reader.read()
            case _:
                parts = [{"text": answer_to(text)}]
                await exchange.answer_result({"message": {"role": "ROLE_AGENT", "messageId": str(uuid4()), "parts": parts}})

    return behave


async def _accepted(stage: Stage, messages: int) -> None:
    connection: Any = await asyncpg.connect(stage.dsn)
    try:
        while await connection.fetchval("select count(*) from message where role = 'user'") < messages:
            await asyncio.sleep(0.01)
    finally:
        await connection.close()


@asynccontextmanager
async def called_agent(
    stage: Stage, misbehave: Callable[[int], str] = lambda _: "", after: int = 0
) -> AsyncGenerator[tuple[Mailbox, RawAgent]]:
    async with raw_agent(answering(stage, misbehave, after)) as agent:
        await stage.well()
        yield await stage.mailbox(delivery_mode="push", url=agent.url), agent


async def called(stage: Stage) -> None:
    """Two messages to an agent that is called: the lease of the first is born with it, the second is let out by the first one's end."""
    async with called_agent(stage, after=2) as (mailbox, _):
        await _send_two(stage, mailbox)


async def retried(stage: Stage) -> None:
    """The first attempt breaks off, the next one answers."""
    async with called_agent(stage, lambda attempt: "break" if attempt == 1 else "") as (mailbox, _):
        await _send_two(stage, mailbox)


async def exhausted(stage: Stage) -> None:
    """Every attempt breaks off: the message fails, and its sender is told."""
    async with called_agent(stage, lambda _: "break") as (mailbox, _):
        await _send_two(stage, mailbox)


async def cancelled(stage: Stage) -> None:
    """A call that hangs, and a message behind it: both are cancelled by their sender, who insists."""
    async with called_agent(stage, lambda _: "hang") as (mailbox, agent), httpx.AsyncClient(timeout=30) as http:
        out = await stage.send(http, mailbox, str(uuid4()))
        behind = await stage.send(http, mailbox, str(uuid4()))
        while not agent.exchanges:
            await asyncio.sleep(0.01)
        for message in (behind, out):
            await _cancel(stage, http, mailbox, message)


async def _cancel(stage: Stage, http: httpx.AsyncClient, mailbox: Mailbox, message: str) -> None:
    """Ask until it has ended; a cancel of what has ended is refused, which is an answer as well."""
    while True:
        answer = (await stage.asked(http, mailbox, "CancelTask", {"id": message})).json()
        if "error" in answer or answer["result"]["status"]["state"] in ENDED:
            return
        await asyncio.sleep(0.1)


async def expired(stage: Stage) -> None:
    """Nobody comes for it in time."""
    await stage.well()
    mailbox = await stage.mailbox()
    async with httpx.AsyncClient(timeout=30) as http:
        await stage.send(http, mailbox, str(uuid4()), wait=WAIT, **{"X-Postroom-Deadline-Seconds": "1"})


async def removed(stage: Stage) -> None:
    """A workspace goes with post in its box: its post fails, and whoever sent it can read why."""
    await stage.well()
    mailbox = await stage.mailbox()
    async with httpx.AsyncClient(timeout=30) as http:
        for _ in range(2):
            await stage.send(http, mailbox, str(uuid4()))
        await remove(stage, http, mailbox)


async def remove(stage: Stage, http: httpx.AsyncClient, mailbox: Mailbox) -> None:
    while True:
        try:
            answer = await http.delete(
                f"{stage.house.urls[0]}/workspaces/{mailbox.id}?confirm=true", headers={"Authorization": f"Bearer {OPERATOR}"}
            )
        except httpx.TransportError:
            await asyncio.sleep(0.05)
        else:
            # 410: it was removed by the request that got no answer.
            assert answer.status_code in (200, 410, 503), answer.text
            if answer.status_code != 503:
                return


async def fed(stage: Stage) -> None:
    """A feed is followed over the death of its server: everything is shown, once."""
    await stage.well()
    mailbox, shown = await stage.mailbox(), list[str]()
    async with asyncio.TaskGroup() as group, httpx.AsyncClient(timeout=30) as http:
        follower = group.create_task(_follow(stage, shown))
        while not shown:
            await asyncio.sleep(0.01)
        async with fetching(stage, mailbox):
            sent = [await stage.send(http, mailbox, str(uuid4()), wait=WAIT) for _ in range(2)]
        while not set(sent) <= set(shown):
            await asyncio.sleep(0.01)
        follower.cancel()
    assert [message for message in shown if message] == sent, "each message once, in order"


async def _follow(stage: Stage, shown: list[str]) -> None:
    """Accepted messages as the feed tells of them; begins with an empty one, when the cursor is known."""
    cursor: list[str] = []
    while True:
        try:
            await _follow_once(stage, shown, cursor)
        except httpx.TransportError:
            await asyncio.sleep(0.05)


async def _follow_once(stage: Stage, shown: list[str], cursor: list[str]) -> None:
    headers = {"Authorization": f"Bearer {OPERATOR}", **({"Last-Event-ID": cursor[-1]} if cursor else {})}
    async with httpx.AsyncClient(timeout=30) as http, http.stream("GET", f"{stage.house.urls[0]}/events/stream", headers=headers) as answer:
        seen = ""
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                seen = line[4:]
            elif line.startswith("data: ") and (frame := loads(line[6:])).get("event") == "message.accepted":
                shown.append(frame["payload"]["message_id"])
            elif not line and seen:
                # An event counts when it is whole: what is cut off comes again.
                cursor.append(seen)
                shown += [] if shown else [""]


# What a server finds that others left


async def _leave_post(stage: Stage) -> None:
    """A message that waits and a call that is out, and the server dies."""
    async with called_agent(stage, lambda _: "hang") as (mailbox, agent), httpx.AsyncClient(timeout=30) as http:
        for _ in range(2):
            await stage.send(http, mailbox, str(uuid4()))
        while not agent.exchanges:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(stage.server.kill)


async def taken_over(stage: Stage) -> None:
    """The agent is back at another address; both messages reach it."""
    async with raw_agent(answering(stage)) as agent, httpx.AsyncClient(timeout=30) as http:
        await stage.well()
        path = f"{stage.house.urls[0]}/workspaces/{stage.ids[0]}"
        while True:
            try:
                done = await http.patch(path, json={"url": agent.url}, headers={"Authorization": f"Bearer {OPERATOR}"})
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                if done.status_code == 200:
                    break
        for key in list(stage.letters):
            await stage.send(http, stage.mailboxes[0], key, wait=WAIT)


async def _leave_gap(stage: Stage) -> None:
    """Post that waits although there is room, which no path of the server leaves behind."""
    await stage.well()
    mailbox = await stage.mailbox()
    async with httpx.AsyncClient(timeout=30) as http:
        await stage.send(http, mailbox, str(uuid4()))
    await _sql(stage, "update work set due_at = 'infinity'; update mailbox set active_count = 0")


async def repaired(stage: Stage) -> None:
    """It is let out by the look for such post."""
    await stage.well()
    async with fetching(stage, stage.mailboxes[0]), httpx.AsyncClient(timeout=30) as http:
        await stage.send(http, stage.mailboxes[0], next(iter(stage.letters)), wait=WAIT)


async def disowned(stage: Stage) -> None:
    """A claim was committed and its answer lost: the server holds what it knows nothing of."""
    async with called_agent(stage) as (mailbox, _), httpx.AsyncClient(timeout=30) as http:
        await _steer(stage, http, mailbox, "pause")
        key = str(uuid4())
        await stage.send(http, mailbox, key)
        mine = "leased = true, holder = (select id from server limit 1), token = token + 1, attempt = 1"
        await _sql(stage, f"update work set {mine}, due_at = clock_timestamp() + interval '1 h'")  # noqa: S608 - no input
        await _steer(stage, http, mailbox, "resume")
        await stage.send(http, mailbox, key, wait=WAIT)


async def _steer(stage: Stage, http: httpx.AsyncClient, mailbox: Mailbox, verb: str) -> None:
    done = await stage.house.post(http, f"/workspaces/{mailbox.id}/{verb}", {}, {"Authorization": f"Bearer {OPERATOR}"})
    assert done.status_code == 200, done.text


async def _sql(stage: Stage, text: str) -> None:
    connection: Any = await asyncpg.connect(stage.dsn)
    try:
        await connection.execute(text)
    finally:
        await connection.close()


# The end of a server


async def drained(stage: Stage) -> None:
    """Told to stop with a call out and a message behind it; the agent answers while it drains."""
    release = asyncio.Event()

    async def behave(exchange: Exchange) -> None:
        if not release.is_set():
            await release.wait()
        await answering(stage)(exchange)

    async with raw_agent(behave) as agent, httpx.AsyncClient(timeout=30) as http:
        await stage.well()
        mailbox = await stage.mailbox(delivery_mode="push", url=agent.url)
        keys = [str(uuid4()), str(uuid4())]
        for key in keys:
            await stage.send(http, mailbox, key)
        await _stop_at_work(stage, agent)
        release.set()
        for key in keys:
            await stage.send(http, mailbox, key, wait=WAIT)


async def _stop_at_work(stage: Stage, agent: RawAgent) -> None:
    while not agent.exchanges and not stage.server.ended:
        await asyncio.sleep(0.01)
    if not stage.server.ended:
        stage.server.signal(signal.SIGTERM)


FLOWS = {
    "fetched": Flow(fetched),
    "called": Flow(called),
    "retried": Flow(retried),
    "exhausted": Flow(exhausted, ("failed",)),
    "cancelled": Flow(cancelled, ("cancelled",)),
    "expired": Flow(expired, ("expired",)),
    "removed": Flow(removed, ("failed",)),
    "fed": Flow(fed),
    # However slowly the server starts, the leases of its last life have to be there still: it is to free them.
    "taken_over": Flow(taken_over, before=_leave_post, lease=60),
    "repaired": Flow(repaired, before=_leave_gap),
    "disowned": Flow(disowned),
    "drained": Flow(drained),
    "migrated": Flow(fetched),
    "created": Flow(fetched),
}
