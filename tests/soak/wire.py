"""How the clients of the soak speak HTTP: plain requests to any of the servers, and patience. Nothing of our own client in it."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError

Json = dict[str, Any]

TIMEOUT_SECONDS = 15.0
"""Longer than any wait that is asked for; a connection that was cut half is given up after it."""
WAIT_SECONDS = 8.0
LEASE_SECONDS = 10.0
"""The shortest lease that a claim may ask for."""


class Unanswered(Exception):
    """No answer, or one that says "later": what became of the request is not known."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Any other answer."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return orjson.loads(self.content)

    def __str__(self) -> str:
        return f"{self.status} {self.content[:300].decode(errors='replace')}"


def build_client() -> Client:
    """A client for loopback: HTTP/1.1, no proxy, no compression."""
    builder = ClientBuilder().no_proxy().follow_redirects(False).http1_only().timeout(timedelta(seconds=TIMEOUT_SECONDS))
    return builder.pool_idle_timeout(timedelta(seconds=4)).gzip(False).brotli(False).zstd(False).deflate(False).build()


class Servers:
    """The addresses of one post room; each request goes to any of them."""

    def __init__(self, urls: Sequence[str], client: Client) -> None:
        self.urls = urls
        self._client = client

    def any(self) -> str:
        """One of the addresses."""
        return random.choice(self.urls)

    async def post(self, path: str, token: str, body: Json, **headers: str) -> Answer:
        """One try. Raises Unanswered for no answer and 503."""
        return await self._send("POST", path, token, orjson.dumps(body), headers | {"Content-Type": "application/json"})

    async def get(self, path: str, token: str) -> Answer:
        """One try. Raises Unanswered for no answer and 503."""
        return await self._send("GET", path, token, b"", {})

    async def _send(self, method: str, path: str, token: str, body: bytes, headers: dict[str, str]) -> Answer:
        request = self._client.request(method, self.any() + path).headers(headers | {"Authorization": f"Bearer {token}"})
        try:
            response = await (request.body_bytes(body) if body else request).build().send()
            content = bytes(await response.bytes())
        except PyreqwestError as error:
            raise Unanswered(type(error).__name__) from error
        if response.status == 503:
            raise Unanswered("503")
        return Answer(response.status, dict(response.headers), content)


async def pause() -> None:
    """Before the next try."""
    await asyncio.sleep(random.uniform(0.05, 0.3))
