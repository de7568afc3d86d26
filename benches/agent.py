"""A fetching agent over HTTP: claim one, echo it, again."""

import asyncio
from time import perf_counter
from typing import Any

import orjson
from pyreqwest.client import Client

from benches.sending import UnexpectedAnswer, post
from postroom.client.transport import heeding_cancel

Json = dict[str, Any]

CLAIM_SECONDS = 10
HAND_OVER_SECONDS = 0.005
"""From sending a claim until it surely waits in the server; without it a message could be there before the claim is."""


class FetchingAgent:
    """The claim/reply loop of one mailbox, and, if it is to remember, when it got what."""

    def __init__(self, client: Client, inbox: str, headers: dict[str, str], *, remembers: bool = False, wait: int = CLAIM_SECONDS) -> None:
        self._client = client
        self._inbox = inbox
        self._headers = {"Content-Type": "application/json", **headers}
        self._claimed: dict[str, float] = {}
        self._changed = asyncio.Condition()
        self._busy = False
        self._remembers = remembers
        self._wait = wait

    async def run(self) -> None:
        """Until cancelled. Raises UnexpectedAnswer: an agent whose lease is lost has measured nothing."""
        while True:
            for item in (await self._post("claim", {"wait": self._wait, "max": 1}))["items"]:
                await self._note(item["message_id"])
                await self._post(f"{item['message_id']}/reply", {"token": item["token"], "parts": item["message"]["parts"]})
            await self._turn(busy=False)

    async def claimed_at(self, message_id: str) -> float:
        """When this message was in hand."""
        async with self._changed:
            await self._changed.wait_for(lambda: message_id in self._claimed)
        return self._claimed.pop(message_id)

    async def idle(self) -> None:
        """Wait until the agent has replied and asks for more."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._busy)
        await asyncio.sleep(HAND_OVER_SECONDS)

    async def _note(self, message_id: str) -> None:
        if self._remembers:
            self._claimed[message_id] = perf_counter()
        await self._turn(busy=True)

    async def _turn(self, *, busy: bool) -> None:
        async with self._changed:
            self._busy = busy
            self._changed.notify_all()

    async def _post(self, verb: str, body: Json) -> Json:
        # Without it an agent that is told to stop may go on, see there.
        content = await heeding_cancel(post(self._client, f"{self._inbox}/{verb}", self._headers, orjson.dumps(body)))
        if not content:
            raise UnexpectedAnswer(f"{verb}: nothing")
        return orjson.loads(content)
