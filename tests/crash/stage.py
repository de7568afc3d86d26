"""Where a case of the crash matrix is played: one server on one database, its death, its return, and everybody's journal."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from tests.crash.checker import Row, read_rows
from tests.crash.load import House, Mailbox, make_mailbox
from tests.crash.tracing import Traces
from tests.support.ports import free_port
from tests.support.server import ServerProcess, wait_for

Json = dict[str, Any]
OPERATOR = "an operator token for the matrix, long enough"
SECRET = "a secret key for the matrix, long enough"
# The shortest lease that an agent that fetches may ask for; the reply, the cancel or the end must follow within that and a few seconds.
LEASE = 10
END_SECONDS = LEASE + 5.0
SETTINGS: dict[str, Any] = {
    "poll_seconds": "0.2",
    "backoff_seconds": "0.1",
    "attempt_limit": "3",
    "drain_seconds": "2",
}
# What a look into the database raises that breaks off under it.
AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
KEPT_UNHEARD = "no ack but there, resolved by retry"
ENDED = ("TASK_STATE_COMPLETED", "TASK_STATE_FAILED", "TASK_STATE_CANCELED", "TASK_STATE_REJECTED")


@dataclass
class Stage:
    """One case's world. ``port`` stays the same over the server's lives, so that its clients find it again."""

    server: ServerProcess
    traces: Traces
    dsn: str = ""
    superuser_dsn: str = ""
    port: int = field(default_factory=free_port)
    mailboxes: list[Mailbox] = field(default_factory=list[Mailbox])
    letters: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    enclosed: dict[str, Json] = field(default_factory=dict[str, Json])
    tasks: dict[str, tuple[Mailbox, Mailbox, Json]] = field(default_factory=dict[str, tuple[Mailbox, Mailbox, Json]])
    lives: int = 0
    came_back: float = 0.0

    def __post_init__(self) -> None:
        self.house = House([f"http://127.0.0.1:{self.port}"], OPERATOR)

    # The server

    def launch(self, *lines: str) -> None:
        """Start the server with a plan, and do not wait for it."""
        self.lives += 1
        self.server.launch(port=self.port, environ=self.traces.plan(f"server-{self.lives}", *lines))

    async def live(self) -> None:
        """Start the server with no plan, and wait until it is well."""
        self.launch()
        await asyncio.to_thread(wait_for, lambda: self.server.ended or self._is_well(), 60, self._how_it_is)
        assert not self.server.ended, self._how_it_is()
        await self.well()

    async def come_back(self) -> None:
        """``live`` again; what was left undone has to end from now on."""
        await self.live()
        self.came_back = time.monotonic()

    async def well(self) -> None:
        """Wait for the server, in whichever of its lives; deaths in between are the case's own."""
        await asyncio.to_thread(wait_for, self._is_well, 60, self._how_it_is)
        if not self.dsn:
            # An embedded database: there is none to ask before its first start.
            self.dsn, self.superuser_dsn = self.server.dsn(), self.server.dsn("postgres")

    def _is_well(self) -> bool:
        try:
            return self.server.found["pid"] == self.server.pid and not self.server.ended and self.server.health()["status"] == "ok"
        except (OSError, ValueError, KeyError):
            return False

    def _how_it_is(self) -> str:
        return f"the server is well; it {'has ended' if self.server.ended else 'runs'}, and its log says\n{self.server.tail()}"

    async def gone(self) -> None:
        """Wait for the server's death."""
        while not self.server.ended:
            await asyncio.sleep(0.01)

    # Mailboxes and letters

    async def mailbox(self, **fields: Any) -> Mailbox:
        """A new one; one that was made and not told of stays behind, empty."""
        while True:
            try:
                made = await asyncio.to_thread(make_mailbox, self.house.urls[0], OPERATOR, f"box {uuid4()}", **fields)
            except (OSError, HTTPException):
                await asyncio.sleep(0.05)
            else:
                self.mailboxes.append(made)
                return made

    def of(self, key: str) -> Mailbox:
        """The mailbox that a letter went to."""
        return next(mailbox for mailbox in self.mailboxes if mailbox.id == self.house.journal.intents[key])

    @property
    def keys(self) -> list[str]:
        """Of everything that was sent, by people and by workspaces."""
        return [*self.letters, *self.tasks]

    @property
    def ids(self) -> list[str]:
        return [mailbox.id for mailbox in self.mailboxes]

    async def rows(self) -> list[Row]:
        """What stands in the database, messages and replies."""
        return await read_rows(self.dsn, self.ids)

    async def asked(self, http: httpx.AsyncClient, mailbox: Mailbox, method: str, params: Json, **headers: str) -> httpx.Response:
        """One A2A request, until the server answers it."""
        said = {"Authorization": f"Bearer {OPERATOR}", "A2A-Version": "1.0", **headers}
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return await self.house.post(http, f"/workspaces/{mailbox.id}/a2a", body, said)

    async def send(self, http: httpx.AsyncClient, mailbox: Mailbox, key: str, *, wait: float = 0.0, **headers: str) -> str:
        """Send what ``key`` says under ``key`` until it is acknowledged, and wait for its end if asked to; returns the message's id."""
        # A retry says the same as the first time, in its headers too.
        said = self.letters.setdefault(key, headers)
        self.house.journal.mean(key, mailbox.id)
        enclosed = [self.enclosed[key]] if key in self.enclosed else []
        message = {"role": "ROLE_USER", "messageId": key, "parts": [{"text": key}, *enclosed]}
        params = {"message": message, "configuration": {"returnImmediately": wait == 0}}
        about = {"Idempotency-Key": key, "X-Timeout": str(wait)}
        while True:
            answer = await self.asked(http, mailbox, "SendMessage", params, **about, **said)
            assert answer.status_code == 200 and "result" in answer.json(), answer.text
            self.house.journal.acked(key, answer.headers["x-postroom-message-id"])
            result = answer.json()["result"]
            if "message" in result:
                self.house.journal.heard(key, result["message"]["parts"][0]["text"])
            if not wait or "message" in result or result["task"]["status"]["state"] in ENDED:
                return answer.headers["x-postroom-message-id"]

    async def delegate(self, http: httpx.AsyncClient, lead: Mailbox, target: Mailbox, key: str, **fields: Any) -> str:
        """Have ``lead`` ask ``target`` for what ``key`` says until that is acknowledged; returns the delegation's id."""
        self.tasks[key] = lead, target, fields
        return (await self.house.delegate(http, lead, target, key, **fields))["delegation_id"]

    async def repeat(self, http: httpx.AsyncClient) -> None:
        """Say everything again, in the same words."""
        for key in self.letters:
            await self.send(http, self.of(key), key)
        for key, (lead, target, fields) in self.tasks.items():
            await self.house.delegate(http, lead, target, key, **fields)

    async def database_answers(self) -> None:
        """Wait until PostgreSQL takes connections again."""
        while True:
            try:
                await self.rows()
            except AWAY:
                await asyncio.sleep(0.02)
            else:
                return

    async def kind_of_death(self) -> str:
        """How the letters stand at the moment: what was promised must be there."""
        promised = {message for _, message in self.house.journal.acks}
        rows = [row for row in await self.rows() if row.reply_to is None]
        lost = promised - {row.id for row in rows}
        assert not lost, f"acknowledged and not in the database: {lost}"
        keys = {key for key, _ in self.house.journal.acks}
        unheard = [key for key in self.keys if key not in keys]
        if not unheard:
            return "acknowledged, and there" if self.keys else "nothing was sent yet"
        kept = {row.key for row in rows}
        found = sum(key in kept for key in unheard)
        return KEPT_UNHEARD if found else "no ack and not there, sent by retry"


def loads(line: str) -> Json:
    return json.loads(line)
