"""Where races are run: servers on one database, mailboxes made for one round, and what must hold in the database after it."""

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import asyncpg

from tests.races.line import Answer, Call, together

Json = dict[str, Any]
LEASE = 60
# Seconds, on average: as long as one request takes or some.
HEAD_START = 0.006
SIZES = (2, 2, 3, 4, 6, 8, 12, 16, 32, 64)


@dataclass(frozen=True, slots=True)
class Box:
    """A workspace, its mailbox and its token."""

    id: str
    token: str


@dataclass
class Round:
    """One race. ``size`` is how many run; ``chance`` is seeded, so that a round that went wrong can be run again.

    ``held`` and ``uneven``: see ``together``.
    """

    urls: Sequence[str]
    operator: str
    dsn: str
    chance: random.Random
    size: int
    held: bool
    uneven: bool
    boxes: list[str] = field(default_factory=list[str])
    clients: int = 0

    # Requests, not sent yet

    def call(self, method: str, path: str, token: str, body: Any = None, **headers: str) -> Call:
        """To any of the servers."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return Call(self.chance.choice(self.urls), method, path, token, body, names)

    def send(self, box: Box, text: str, *, token: str = "", wait: float = 0, **headers: str) -> Call:
        """A message for the box, by the operator unless a token says otherwise; its key is ``Idempotency_Key``."""
        message = {"role": "ROLE_USER", "messageId": "m", "parts": [{"text": text}]}
        body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}}
        headers = {"X_Timeout": str(wait), "A2A_Version": "1.0", **headers}
        return self.call("POST", f"/workspaces/{box.id}/a2a", token or self.operator, body, **headers)

    def rpc(self, box: Box, method: str, task: str) -> Call:
        """GetTask or CancelTask, by the operator."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"id": task}}
        return self.call("POST", f"/workspaces/{box.id}/a2a", self.operator, body, A2A_Version="1.0")

    def claim(self, box: Box, most: int = 1, wait: float = 0, token: str = "") -> Call:
        body = {"max": most, "wait": wait, "lease": LEASE}
        return self.call("POST", f"/workspaces/{box.id}/inbox/claim", token or box.token, body)

    def verb(self, box: Box, item: Json, verb: str, **fields: Any) -> Call:
        path = f"/workspaces/{box.id}/inbox/{item['message_id']}/{verb}"
        return self.call("POST", path, box.token, {"token": item["token"], **fields})

    def manage(self, method: str, path: str, body: Any = None) -> Call:
        return self.call(method, path, self.operator, body)

    # Sent

    async def race(self, calls: Sequence[Call]) -> list[Answer]:
        """All at once, in an order of chance; the answers in the order of the calls. The last one given is who runs alone against many."""
        order = list(range(len(calls)))
        self.chance.shuffle(order)
        pause = (0, 0.0)
        if self.uneven:
            pause = (self.chance.randrange(len(calls)), self.chance.expovariate(1 / HEAD_START))
            order.sort(key=lambda place: place != len(calls) - 1 if pause[0] % 2 else 0)
        answers = await together([calls[place] for place in order], held=self.held, pause=pause)
        self.clients += len(calls)
        found = dict(zip(order, answers, strict=True))
        return [found[place] for place in range(len(calls))]

    async def ask(self, call: Call, status: int = 200) -> Answer:
        """One, before or after the race, with the status that it must have."""
        [answer] = await together([call])
        assert answer.status == status, f"{call.method} {call.path}: {answer.status} {answer.content!r}"
        return answer

    async def box(self, **fields: Any) -> Box:
        """A new workspace, its own parent's child or a root."""
        made = (await self.ask(self.manage("POST", "/workspaces", {"name": "runner", **fields}), 201)).body
        self.boxes.append(made["id"])
        return Box(made["id"], made["token"])

    async def post(self, box: Box, text: str = "it") -> str:
        """An accepted message's id."""
        return (await self.ask(self.send(box, text, Idempotency_Key=str(uuid4())))).message_id

    async def held_item(self, box: Box) -> Json:
        """A message that was sent and is out."""
        await self.post(box)
        [item] = (await self.ask(self.claim(box))).body["items"]
        return item

    async def task(self, box: Box, message: str) -> Json:
        """The task's state as its sender sees it: ``state`` ours, ``words`` the answer's text."""
        task = (await self.ask(self.rpc(box, "GetTask", message))).body["result"]
        parts = [part for artifact in task.get("artifacts", []) for part in artifact["parts"]]
        return {**task["metadata"], "state": task["metadata"]["postroom.state"], "words": "".join(part["text"] for part in parts)}

    # The database

    async def sql(self, text: str, *args: Any) -> list[Any]:
        connection: Any = await asyncpg.connect(self.dsn)
        try:
            return await connection.fetch(text, *args)
        finally:
            await connection.close()

    async def end_lease(self, message: str) -> None:
        """As if its time had passed."""
        await self.sql("update work set due_at = clock_timestamp() - interval '1 millisecond' where message_id = $1", message)

    async def events(self, box: Box, kind: str) -> int:
        """How many events of a kind the box has."""
        return (await self.sql("select count(*) from event where workspace_id = $1 and type = $2", box.id, kind))[0][0]

    async def check_books(self) -> None:
        """The numbers of every mailbox agree with its rows: no gap, no work without a message, nothing waits where there is room."""
        for row in await self.sql(_BOOKS, self.boxes):
            books = dict(row)
            assert books["messages"] == books["last_seq"] == books["numbers"], books
            assert books["open_count"] == books["works"] == books["unended"], books
            assert books["active_count"] == books["active"] == min(books["max_concurrent"], books["works"]), books
            assert books["answers"] == books["answered"], books


_BOOKS = """
    select b.workspace_id, b.last_seq, b.open_count, b.active_count, b.max_concurrent,
        (select count(*) from message m where m.workspace_id = b.workspace_id) as messages,
        (select coalesce(max(seq), 0) from message m where m.workspace_id = b.workspace_id) as numbers,
        (select count(*) from work w where w.workspace_id = b.workspace_id) as works,
        (select count(*) from work w where w.workspace_id = b.workspace_id and w.due_at < 'infinity') as active,
        (select count(*) from message m where m.workspace_id = b.workspace_id and m.role = 'user'
            and not exists (select from outcome o where o.message_id = m.id)) as unended,
        (select count(*) from message m where m.workspace_id = b.workspace_id and m.role = 'agent' and m.reply_to is not null) as answers,
        (select count(*) from message m join outcome o on o.message_id = m.id
            where m.workspace_id = b.workspace_id and o.state = 'replied') as answered
    from mailbox b where b.workspace_id = any($1::uuid[])"""


@dataclass
class Tally:
    """Who won, in how many rounds."""

    name: str
    winners: Counter[str] = field(default_factory=Counter[str])
    clients: int = 0

    def __str__(self) -> str:
        won = json.dumps(dict(sorted(self.winners.items())))
        return f"{self.name}: {self.winners.total()} rounds, {self.clients} clients, {won}"
