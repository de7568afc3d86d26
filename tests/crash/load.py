"""Senders and agents that do not give up, and write down what they see. Plain HTTP, none of our own clients."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from tests.crash.checker import Journal, answer_to, describe_work, end_of, unfinished
from tests.edges.agents import Behaviour, Exchange, raw_agent
from tests.support.http import ask

Json = dict[str, Any]
# The shortest lease that may be asked for: a claim whose answer died with the server comes back after it.
LEASE = 10
REST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Mailbox:
    id: str
    token: str


def words_of(message: Json, report: Json | None) -> str:
    """What an agent calls what it got: its text, or whose end it tells."""
    return end_of(report["delegation_id"]) if report else message["parts"][0]["text"]


def make_mailbox(address: str, operator_token: str, name: str, **fields: Any) -> Mailbox:
    """A workspace, made over HTTP."""
    made = ask(address, "POST", "/workspaces", token=operator_token, body={"name": name, **fields})
    assert made.status == 201, made.content
    return Mailbox(made.body["id"], made.body["token"])


@dataclass
class House:
    """Servers of one post room, by their addresses, and everybody's journal."""

    urls: Sequence[str]
    operator_token: str
    journal: Journal = field(default_factory=Journal)
    stopped: bool = False

    async def post(self, http: httpx.AsyncClient, path: str, body: Json, headers: dict[str, str]) -> httpx.Response:
        """Ask until there is an answer; no answer and 503 are tried again, every other refusal is the caller's to judge."""
        while True:
            try:
                answer = await http.post(random.choice(self.urls) + path, json=body, headers=headers)
            except httpx.TransportError as error:
                self.journal.retried[type(error).__name__] += 1
            else:
                if answer.status_code != 503:
                    return answer
                assert "retry-after" in answer.headers
                self.journal.retried["503"] += 1
            await asyncio.sleep(random.uniform(0.02, 0.1))

    # Senders

    async def send(self, http: httpx.AsyncClient, mailbox: Mailbox, *, wait: float | None = None, key: str = "") -> str:
        """One message under one key, until it is acknowledged; with ``wait`` until it is answered, too."""
        key = key or str(uuid4())
        self.journal.mean(key, mailbox.id)
        headers = {"Authorization": f"Bearer {self.operator_token}", "Idempotency-Key": key, "A2A-Version": "1.0"}
        if wait is not None:
            headers["X-Timeout"] = str(wait)
        message = {"role": "ROLE_USER", "messageId": key, "parts": [{"text": key}]}
        params = {"message": message, "configuration": {"returnImmediately": wait is None}}
        body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": params}
        while True:
            answer = await self.post(http, f"/workspaces/{mailbox.id}/a2a", body, headers)
            if answer.status_code != 200 or "result" not in answer.json():
                self.journal.refused.append(f"send: {answer.status_code} {answer.text[:200]}")
                return key
            result = answer.json()["result"]
            self.journal.acked(key, answer.headers["x-postroom-message-id"])
            if wait is None or "message" in result:
                break
        if "message" in result:
            self.journal.heard(key, result["message"]["parts"][0]["text"])
        return key

    async def keep_sending(self, mailboxes: Sequence[Mailbox], *, pause: float, wait: float | None = None) -> None:
        """Send to any of the mailboxes until the house is stopped."""
        async with httpx.AsyncClient(timeout=30) as http:
            while not self.stopped:
                await self.send(http, random.choice(mailboxes), wait=wait)
                await asyncio.sleep(random.uniform(0, 2 * pause))

    async def delegate(self, http: httpx.AsyncClient, lead: Mailbox, target: Mailbox, key: str, **fields: Any) -> Json:
        """``lead`` asks another for what ``key`` says, until that is acknowledged; returns how it stands."""
        self.journal.mean(key, target.id)
        body = {"target_id": target.id, "task": key, "idempotency_key": key, **fields}
        answer = await self.post(http, f"/workspaces/{lead.id}/delegate", body, {"Authorization": f"Bearer {lead.token}"})
        assert answer.status_code in (200, 202), answer.text
        self.journal.acked(key, answer.json()["delegation_id"])
        return answer.json()

    # Agents

    async def fetch(self, mailbox: Mailbox, seconds: float = 0.0) -> None:
        """A fetching agent, until cancelled; each message takes it so long."""
        headers = {"Authorization": f"Bearer {mailbox.token}"}
        inbox = f"/workspaces/{mailbox.id}/inbox"
        async with httpx.AsyncClient(timeout=30) as http:
            while True:
                claimed = await self.post(http, f"{inbox}/claim", {"wait": 5, "lease": LEASE}, headers)
                if claimed.status_code != 200:
                    self.journal.refused.append(f"claim: {claimed.status_code} {claimed.text[:200]}")
                    return
                for item in claimed.json()["items"]:
                    await self._answer(http, mailbox, item, seconds)

    async def _answer(self, http: httpx.AsyncClient, mailbox: Mailbox, item: Json, seconds: float) -> None:
        text = words_of(item["message"], item["report"])
        self.journal.saw(mailbox.id, item["message_id"], text, item["attempt"])
        await asyncio.sleep(seconds)
        body = {"token": item["token"], "parts": [{"text": answer_to(text)}]}
        path = f"/workspaces/{mailbox.id}/inbox/{item['message_id']}/reply"
        answer = await self.post(http, path, body, {"Authorization": f"Bearer {mailbox.token}"})
        if answer.status_code == 200:
            self.journal.counted(item["message_id"], answer_to(text))
        # A lease that ran out meanwhile is no fault: somebody else has the message, or had.
        if answer.status_code not in (200, 409):
            self.journal.refused.append(f"reply: {answer.status_code} {answer.text[:200]}")


def called_agent(journal: Journal, made: Sequence[Mailbox], seconds: float = 0.0) -> Behaviour:
    """The behaviour of an agent that is called: as ``House.fetch``. ``made`` holds its mailbox once that is made."""

    async def behave(exchange: Exchange) -> None:
        message = exchange.json["params"]["message"]
        text = message["parts"][0]["text"]
        journal.saw(made[0].id, exchange.header("X-Postroom-Message-Id") or "", text, int(exchange.header("X-Postroom-Attempt") or 0))
        await asyncio.sleep(seconds)
        parts = [{"text": answer_to(text)}]
        await exchange.answer_result({"message": {"role": "ROLE_AGENT", "messageId": str(uuid4()), "parts": parts}})

    return behave


@asynccontextmanager
async def called_mailbox(house: House, name: str, seconds: float = 0.0) -> AsyncGenerator[Mailbox]:
    """A mailbox whose agent is called, and that agent."""
    made: list[Mailbox] = []
    async with raw_agent(called_agent(house.journal, made, seconds)) as agent:
        fields = {"delivery_mode": "push", "url": agent.url}
        made.append(await asyncio.to_thread(make_mailbox, house.urls[0], house.operator_token, name, **fields))
        yield made[0]


@asynccontextmanager
async def fetched_mailbox(house: House, name: str, seconds: float = 0.0) -> AsyncGenerator[Mailbox]:
    mailbox = await asyncio.to_thread(make_mailbox, house.urls[0], house.operator_token, name)
    async with asyncio.TaskGroup() as agents:
        agent = agents.create_task(house.fetch(mailbox, seconds))
        try:
            yield mailbox
        finally:
            agent.cancel()


async def at_rest(dsn: str, mailboxes: list[str], seconds: float = REST_SECONDS) -> None:
    """Wait until every message has its end."""
    try:
        async with asyncio.timeout(seconds):
            while await unfinished(dsn, mailboxes):
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"no end in {seconds} s: {await describe_work(dsn, mailboxes)}") from None


async def until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    """Look until it holds; an AssertionError names what was waited for."""
    try:
        async with asyncio.timeout(seconds):
            while not holds():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"waited {seconds} s in vain until {what}") from None
