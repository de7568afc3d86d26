"""One request of each kind, cut at every byte of itself and of its answer, and then repeated: what came of each."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from uuid import uuid4

from tests.crash.checker import answer_to, read_rows
from tests.crash.form import spread
from tests.crash.load import LEASE, House, Mailbox, make_mailbox
from tests.crash.wire import Heard, Json, exchange, request_bytes, send_bytes, until_answered
from tests.support.proxy import Cut, How, Proxy, Way, proxy_to

LANES = 6
# What a request's first bytes, its head, its body and both edges make a few of.
FEW = 8


@dataclass
class Sweep:
    """The cuts of one kind of request and what became of them, by outcome class.

    ``answered``: the whole answer came all the same. ``kept``: no answer, and it had taken effect. ``nothing``: no answer, no effect.
    ``refused``: an answer that says no; there must be none.
    """

    kind: str
    house: House
    port: int
    dsn: str
    outcomes: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    mailboxes: list[str] = field(default_factory=list[str])

    def note(self, outcome: str, cut: Cut, at: int) -> None:
        self.outcomes.setdefault(outcome, []).append(f"{cut.way}{at}{cut.how}")

    @property
    def counts(self) -> dict[str, int]:
        return dict(Counter({outcome: len(positions) for outcome, positions in self.outcomes.items()}))


def plan_cuts(request: int, answer: int) -> list[tuple[int, Cut]]:
    """Where to cut: each position once, by a close and by a reset in turn."""
    hows = cycle((How.RST, How.FIN))
    places = [(Way.UP, 0), *((Way.UP, at) for at in spread(request, FEW)), *((Way.DOWN, at) for at in spread(answer, FEW))]
    return [(at, Cut(way, at, next(hows))) for way, at in places]


Act = Callable[[Proxy, int, Cut], Awaitable[None]]


@asynccontextmanager
async def lanes(port: int) -> AsyncGenerator[list[Proxy]]:
    """A proxy for each lane, so that a connection meets the cut that is meant for it."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(proxy_to(("127.0.0.1", port))) for _ in range(LANES)]


async def run_cuts(port: int, cuts: Sequence[tuple[int, Cut]], act: Act) -> None:
    """Act on every cut, some at a time."""
    waiting = deque(cuts)

    async def lane(proxy: Proxy) -> None:
        while waiting:
            at, cut = waiting.popleft()
            await act(proxy, at, cut)

    async with lanes(port) as proxies, asyncio.TaskGroup() as running:
        for proxy in proxies:
            running.create_task(lane(proxy))


async def cut_short(proxy: Proxy, cut: Cut, request: bytes) -> Heard | None:
    """The request through the proxy, with the cut."""
    proxy.plans.append(cut)
    heard = await exchange(proxy.port, request)
    proxy.plans.clear()
    return heard


async def sweep_sends(sweep: Sweep, mailbox: Mailbox, wait: float | None) -> None:
    """Sends, each under a key of its own; all are repeated afterwards, and every key must be one message."""
    house, tried = sweep.house, dict[str, tuple[int, Cut, Heard | None]]()
    sweep.mailboxes.append(mailbox.id)

    def make(key: str) -> bytes:
        return send_bytes(mailbox.id, house.operator_token, key, wait=wait)

    async def act(proxy: Proxy, at: int, cut: Cut) -> None:
        key = str(uuid4())
        house.journal.mean(key, mailbox.id)
        tried[key] = (at, cut, await cut_short(proxy, cut, make(key)))

    first = await _send_whole(sweep, mailbox, wait)
    await run_cuts(sweep.port, plan_cuts(len(make(str(uuid4()))), first.size), act)
    kept = {row.key for row in await read_rows(sweep.dsn, [mailbox.id])}
    for key, (at, cut, heard) in tried.items():
        sweep.note(_class_of(heard, key in kept), cut, at)
        if heard is not None and heard.status == 200:
            house.journal.acked(key, heard.headers["x-postroom-message-id"])
        await _repeat_send(sweep, mailbox, key, wait)


async def _send_whole(sweep: Sweep, mailbox: Mailbox, wait: float | None) -> Heard:
    key = str(uuid4())
    sweep.house.journal.mean(key, mailbox.id)
    return await _repeat_send(sweep, mailbox, key, wait)


async def _repeat_send(sweep: Sweep, mailbox: Mailbox, key: str, wait: float | None) -> Heard:
    heard = await until_answered(sweep.port, send_bytes(mailbox.id, sweep.house.operator_token, key, wait=wait))
    assert heard.status == 200 and "result" in heard.body, heard
    sweep.house.journal.acked(key, heard.headers["x-postroom-message-id"])
    if wait is not None:
        sweep.house.journal.heard(key, heard.body["result"]["message"]["parts"][0]["text"])
    return heard


async def sweep_replies(sweep: Sweep, mailboxes: Sequence[Mailbox]) -> None:
    """Replies, each for a message of its own; the same one again must be the same success."""
    free = deque(mailboxes)
    sweep.mailboxes += [mailbox.id for mailbox in mailboxes]
    sizes = await _reply_once(sweep, free[0], None, None)

    async def act(proxy: Proxy, at: int, cut: Cut) -> None:
        mailbox = free.popleft()
        await _reply_once(sweep, mailbox, proxy, (at, cut))
        free.append(mailbox)

    await run_cuts(sweep.port, plan_cuts(*sizes), act)


async def _reply_once(sweep: Sweep, mailbox: Mailbox, proxy: Proxy | None, place: tuple[int, Cut] | None) -> tuple[int, int]:
    await _send_whole(sweep, mailbox, None)
    item = await _claim_whole(sweep, mailbox)
    request = _seen(sweep, mailbox, item)
    if proxy is not None and place is not None:
        heard = await cut_short(proxy, place[1], request)
        replied = {row.reply_to for row in await read_rows(sweep.dsn, [mailbox.id])}
        sweep.note(_class_of(heard, item["message_id"] in replied), place[1], place[0])
    again = await until_answered(sweep.port, request)
    assert again.status == 200, again
    return len(request), again.size


async def sweep_claims(sweep: Sweep) -> None:
    """Claims, each in a mailbox of its own. What a lost answer handed out comes again when its lease is over."""
    sizes = await _claim_once(sweep, await _filled_mailbox(sweep))
    missed: list[tuple[Mailbox, int, Cut]] = []

    async def act(proxy: Proxy, at: int, cut: Cut) -> None:
        mailbox = await _filled_mailbox(sweep)
        heard = await cut_short(proxy, cut, claim_bytes(mailbox, 0))
        if heard is None:
            missed.append((mailbox, at, cut))
            return
        sweep.note(_class_of(heard, True), cut, at)
        await _answer(sweep, mailbox, heard.body["items"][0])

    await run_cuts(sweep.port, plan_cuts(*sizes), act)
    for mailbox, at, cut in missed:
        item = await _claim_whole(sweep, mailbox)
        sweep.note("kept" if item["attempt"] == 2 else "nothing", cut, at)
        await _answer(sweep, mailbox, item)


async def _filled_mailbox(sweep: Sweep) -> Mailbox:
    mailbox = await asyncio.to_thread(make_mailbox, sweep.house.urls[0], sweep.house.operator_token, "claimed")
    sweep.mailboxes.append(mailbox.id)
    await _send_whole(sweep, mailbox, None)
    return mailbox


async def _claim_once(sweep: Sweep, mailbox: Mailbox) -> tuple[int, int]:
    heard = await until_answered(sweep.port, claim_bytes(mailbox, 0))
    await _answer(sweep, mailbox, heard.body["items"][0])
    return len(claim_bytes(mailbox, 0)), heard.size


async def _claim_whole(sweep: Sweep, mailbox: Mailbox) -> Json:
    """The one message of a mailbox, however long its last lease lasts."""
    heard = await until_answered(sweep.port, claim_bytes(mailbox, LEASE + 15))
    assert heard.status == 200, heard
    return heard.body["items"][0]


async def _answer(sweep: Sweep, mailbox: Mailbox, item: Json) -> None:
    request = _seen(sweep, mailbox, item)
    again = await until_answered(sweep.port, request)
    assert again.status == 200, again


def _seen(sweep: Sweep, mailbox: Mailbox, item: Json) -> bytes:
    """Note the hand-out; the request that answers it."""
    text = item["message"]["parts"][0]["text"]
    sweep.house.journal.saw(mailbox.id, item["message_id"], text, item["attempt"])
    body = {"token": item["token"], "parts": [{"text": answer_to(text)}]}
    return request_bytes(f"/workspaces/{mailbox.id}/inbox/{item['message_id']}/reply", mailbox.token, body)


def claim_bytes(mailbox: Mailbox, wait: float) -> bytes:
    return request_bytes(f"/workspaces/{mailbox.id}/inbox/claim", mailbox.token, {"wait": wait, "lease": LEASE})


def _class_of(heard: Heard | None, present: bool) -> str:
    if heard is None:
        return "kept" if present else "nothing"
    return "answered" if heard.status == 200 else "refused"
