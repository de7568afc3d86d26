"""Files in the crash matrix: one is uploaded, a message names it, and its agent answers once it has read the very bytes."""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from tests.crash.flows import Flow, fetching
from tests.crash.load import Mailbox
from tests.crash.stage import OPERATOR, Stage

Json = dict[str, Any]
# Two whole pieces and a part of one, no two alike.
BYTES = bytes(range(256)) * 4096 + bytes(range(255, -1, -1)) * 4096 + b"the rest"
WAIT = 20.0


async def filed(stage: Stage) -> None:
    """The same key until it is answered; then the message, then the bytes as they come to its agent."""
    await stage.well()
    mailbox, key = await stage.mailbox(), str(uuid4())
    async with httpx.AsyncClient(timeout=30) as http:
        file = (await _insist(stage, http, "POST", "/files?name=a.bin", OPERATOR, content=BYTES, headers={"Idempotency-Key": key})).json()
        letter = str(uuid4())
        stage.enclosed[letter] = {"url": file["url"]}
        async with fetching(stage, mailbox):
            await stage.send(http, mailbox, letter, wait=WAIT)
        await _is_whole(stage, http, mailbox, file)
    assert await _kept(stage) == 1, "the same key is the same file"


async def _is_whole(stage: Stage, http: httpx.AsyncClient, mailbox: Mailbox, file: Json) -> None:
    """For the agent, which may read it because its message names it."""
    read = await _insist(stage, http, "GET", file["url"], mailbox.token)
    assert read.content == BYTES


async def _insist(stage: Stage, http: httpx.AsyncClient, method: str, path: str, token: str, **given: Any) -> httpx.Response:
    """Until it is answered; an answer that breaks off is none."""
    headers = {"Authorization": f"Bearer {token}"} | given.pop("headers", {})
    while True:
        with suppress(httpx.TransportError):
            answer = await http.request(method, stage.house.urls[0] + path, headers=headers, **given)
            if answer.status_code != 503:
                assert answer.status_code in (200, 201), answer.text
                return answer
        await asyncio.sleep(0.05)


async def _kept(stage: Stage) -> int:
    connection: Any = await asyncpg.connect(stage.dsn)
    try:
        return await connection.fetchval("select count(*) from file where size is not null")
    finally:
        await connection.close()


FILED = {"filed": Flow(filed)}
