"""A process of senders: ``python -m tests.soak.senders PLAN``. They never give up on a key, and a successor takes up what one left open.

They ask and wait, or send and go on; they repeat what is long answered; they cancel, and they set deadlines.
"""

import asyncio
import random
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import uvloop

from tests.crash.checker import Journal
from tests.soak.paper import Paper
from tests.soak.stopping import stop_asked
from tests.soak.wire import WAIT_SECONDS, Answer, Servers, Unanswered, build_client, pause

Json = dict[str, Any]

BURST = 16
DEADLINE_SECONDS = 2
# How often each manner is chosen. A burst brings many acknowledgements for the wait of one, and what follows it waits for its end.
MANNERS = {"ask": 44, "burst": 40, "repeat": 10, "cancel": 4, "expire": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who sends to whom. ``slow`` mailboxes take long enough to be overtaken by a cancel or a deadline."""

    token: str
    mailbox: str
    slow: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the process is told. ``name`` is new in each incarnation; ``before`` are the journals that its predecessors left."""

    name: str
    journal: Path
    before: list[Path]
    urls: list[str]
    routes: list[Route]
    callers: int

    @classmethod
    def read(cls, path: Path) -> "Plan":
        """From the file that was made for it."""
        told: Json = orjson.loads(path.read_bytes())
        told["journal"], told["before"] = Path(told["journal"]), [Path(before) for before in told["before"]]
        told["routes"] = [Route(**route) for route in told["routes"]]
        return cls(**told)


@dataclass(frozen=True, slots=True)
class Letter:
    """One message under one key, which is its text, too. ``allowed`` are the ends beside an answer."""

    key: str
    route: Route
    allowed: tuple[str, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        """The same at every try: a deadline is part of what is asked for."""
        deadline = {"X-Postroom-Deadline-Seconds": str(DEADLINE_SECONDS)} if "expired" in self.allowed else {}
        return {"A2A-Version": "1.0", "Idempotency-Key": self.key, "X-Timeout": str(WAIT_SECONDS), **deadline}


class Sender:
    """One process's senders."""

    def __init__(self, plan: Plan, paper: Paper, servers: Servers) -> None:
        self._plan = plan
        self._paper = paper
        self._servers = servers
        self._numbers = count(1)

    async def converse(self, stop: asyncio.Event) -> None:
        """One caller: one thing after the other until the stop; what was begun is brought to its end."""
        ways = {"ask": self._ask, "burst": self._burst, "repeat": self._repeat, "cancel": self._cancel, "expire": self._expire}
        while not stop.is_set():
            (manner,) = random.choices(list(MANNERS), list(MANNERS.values()))
            await ways[manner]()

    async def resume(self, letters: Iterable[Letter]) -> None:
        """Send again what nobody knows the fate of."""
        for letter in letters:
            await self._deliver(letter, wait=True)

    def open_letters(self) -> list[Letter]:
        """What the predecessors meant to send and got no word about."""
        journal = Journal()
        for path in self._plan.before:
            with path.open("rb") as lines:
                journal.read(lines)
        acked = {key for key, _ in journal.acks}
        open_ = [key for key in journal.intents if key not in acked]
        return [Letter(key, self._plan.routes[int(key.rpartition("-")[2])], tuple(journal.allowed.get(key, ()))) for key in open_]

    async def _ask(self) -> None:
        await self._deliver(self._letter(slow=False), wait=True)

    async def _burst(self) -> None:
        first = self._letter(slow=False)
        for _ in range(BURST):
            await self._deliver(self._like(first), wait=False)
        # Behind them in the same mailbox: nothing piles up beyond what is answered.
        await self._deliver(first, wait=True)

    async def _repeat(self) -> None:
        letter = self._letter(slow=False)
        for _ in range(3):
            await self._deliver(letter, wait=True)

    async def _cancel(self) -> None:
        letter = self._letter("cancelled", slow=True)
        message = await self._deliver(letter, wait=False)
        await asyncio.sleep(random.uniform(0, 0.2))
        body = {"jsonrpc": "2.0", "id": 1, "method": "CancelTask", "params": {"id": message}}
        try:
            await self._servers.post(f"/workspaces/{letter.route.mailbox}/a2a", letter.route.token, body, **{"A2A-Version": "1.0"})
        except Unanswered:
            await pause()
        await self._deliver(letter, wait=True)

    async def _expire(self) -> None:
        letter = self._letter("expired", slow=True)
        await self._deliver(letter, wait=False)
        await self._deliver(letter, wait=True)

    def _letter(self, *allowed: str, slow: bool) -> Letter:
        number = random.choice([number for number, route in enumerate(self._plan.routes) if route.slow == slow])
        return Letter(f"{self._plan.name}-{next(self._numbers)}-{number}", self._plan.routes[number], allowed)

    def _like(self, letter: Letter) -> Letter:
        number = letter.key.rpartition("-")[2]
        return Letter(f"{self._plan.name}-{next(self._numbers)}-{number}", letter.route, letter.allowed)

    async def _deliver(self, letter: Letter, *, wait: bool) -> str | None:
        """Until it is acknowledged, with ``wait`` until it has its end; returns its id. None when it was refused."""
        self._paper.mean(letter.key, letter.route.mailbox, *letter.allowed)
        message = {"role": "ROLE_USER", "messageId": letter.key, "parts": [{"text": letter.key}]}
        params = {"message": message, "configuration": {"returnImmediately": not wait}}
        body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": params}
        while True:
            try:
                answer = await self._servers.post(f"/workspaces/{letter.route.mailbox}/a2a", letter.route.token, body, **letter.headers)
            except Unanswered as doubt:
                self._paper.write("doubted", letter.key, str(doubt))
                await pause()
                continue
            result = self._result(letter, answer)
            if result is None:
                return None
            self._paper.write("acked", letter.key, answer.headers["x-postroom-message-id"])
            if not wait or self._has_ended(letter, result):
                return answer.headers["x-postroom-message-id"]

    def _result(self, letter: Letter, answer: Answer) -> Json | None:
        result: Json | None = answer.body.get("result") if answer.status == 200 else None
        if result is None:
            self._paper.write("refuse", f"send of {letter.key}: {answer}")
        return result

    def _has_ended(self, letter: Letter, result: Json) -> bool:
        if "message" in result:
            self._paper.write("heard", letter.key, result["message"]["parts"][0]["text"])
            return True
        state = result["task"]["metadata"]["postroom.state"]
        if state in ("failed", "cancelled", "expired"):
            self._paper.write("ended", letter.key, state)
            return True
        return False


async def main(plan: Plan) -> None:
    """Send until SIGTERM, then come to an end."""
    async with stop_asked() as stop, build_client() as client:
        with Paper(plan.journal) as paper:
            sender = Sender(plan, paper, Servers(plan.urls, client))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(sender.resume(sender.open_letters()))
                for _ in range(plan.callers):
                    tasks.create_task(sender.converse(stop))


if __name__ == "__main__":
    uvloop.run(main(Plan.read(Path(sys.argv[1]))))
