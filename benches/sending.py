"""How the load generator and the bare forwarder speak HTTP: the same client library, settings and body for every point."""

from datetime import timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import orjson
from pyreqwest.client import Client, ClientBuilder

Json = dict[str, Any]

TIMEOUT = timedelta(seconds=60)
IDLE_SECONDS = 4.0
"""As in Postroom's own pool of connections to agents: shorter than uvicorn keeps an unused one."""
A2A_HEADERS = {"Content-Type": "application/json", "Accept": "application/json", "A2A-Version": "1.0"}
_numbers = count(1)


class UnexpectedAnswer(Exception):
    """An answer that is not the expected one; its text says what came instead."""


def build_client() -> Client:
    """A client for loopback: HTTP/1.1, no proxy, no compression."""
    builder = ClientBuilder().no_proxy().follow_redirects(False).http1_only().timeout(TIMEOUT)
    return builder.pool_idle_timeout(timedelta(seconds=IDLE_SECONDS)).gzip(False).brotli(False).zstd(False).deflate(False).build()


async def post(client: Client, url: str, headers: dict[str, str], body: bytes) -> bytes:
    """POST; the body of a 2xx. Raises UnexpectedAnswer for any other status."""
    response = await client.post(url).headers(headers).body_bytes(body).build().send()
    content = bytes(await response.bytes())
    if not 200 <= response.status < 300:
        raise UnexpectedAnswer(f"{response.status} {content[:300]!r}")
    return content


def send_body(text: str, *, blocking: bool) -> bytes:
    """A SendMessage whose id is new."""
    message = {"messageId": str(uuid4()), "role": "ROLE_USER", "parts": [{"text": text}]}
    params: Json = {"message": message, "configuration": {"returnImmediately": not blocking}}
    return orjson.dumps({"jsonrpc": "2.0", "id": next(_numbers), "method": "SendMessage", "params": params})


def result_of(content: bytes) -> Json:
    """The result of a JSON-RPC answer. Raises UnexpectedAnswer when it is an error."""
    answer: Json = orjson.loads(content)
    if "result" not in answer:
        raise UnexpectedAnswer(repr(content[:300]))
    return answer["result"]


async def ask(client: Client, url: str, headers: dict[str, str]) -> None:
    """One blocking send with a key of its own; raises UnexpectedAnswer unless the reply echoes what was said."""
    text = str(uuid4())
    result = result_of(await post(client, url, {**A2A_HEADERS, **headers, "Idempotency-Key": text}, send_body(text, blocking=True)))
    # The reply as such, or as the last word of a completed task: A2A allows both.
    reply = result.get("message") or result.get("task", {}).get("status", {}).get("message", {})
    if reply.get("parts") != [{"text": text}]:
        raise UnexpectedAnswer(repr(result)[:300])
