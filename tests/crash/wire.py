"""Requests byte for byte, so that they can be cut at any of them; and how much of an answer came back."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
ANSWER_SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class Heard:
    """A whole answer; ``size`` is what it took on the wire."""

    status: int
    headers: dict[str, str]
    body: Json
    size: int


def request_bytes(path: str, token: str, body: Json, headers: dict[str, str] | None = None) -> bytes:
    """A POST that closes its connection after the answer."""
    content = json.dumps(body).encode()
    lines = {"Host": "127.0.0.1", "Authorization": f"Bearer {token}", "Content-Type": "application/json", **(headers or {})}
    lines |= {"Content-Length": str(len(content)), "Connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + content


def send_bytes(mailbox: str, token: str, key: str, *, wait: float | None) -> bytes:
    """A message whose text is its key, as ``House.send`` sends it."""
    headers = {"A2A-Version": "1.0", "Idempotency-Key": key, **({} if wait is None else {"X-Timeout": str(wait)})}
    message = {"role": "ROLE_USER", "messageId": key, "parts": [{"text": key}]}
    params = {"message": message, "configuration": {"returnImmediately": wait is None}}
    return request_bytes(
        f"/workspaces/{mailbox}/a2a", token, {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": params}, headers
    )


async def exchange(port: int, request: bytes) -> Heard | None:
    """Send a request on a connection of its own; None when no whole answer came back. Raises TimeoutError."""
    async with asyncio.timeout(ANSWER_SECONDS):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return None
        try:
            writer.write(request)
            return await _read(reader)
        except (OSError, asyncio.IncompleteReadError):
            return None
        finally:
            writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> Heard:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode().splitlines()
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}
    content = await reader.readexactly(int(headers["content-length"]))
    return Heard(int(first.split()[1]), headers, json.loads(content), len(head) + len(content))


async def until_answered(port: int, request: bytes) -> Heard:
    """Send it again until there is an answer other than 503: what a careful client does. Raises TimeoutError."""
    async with asyncio.timeout(2 * ANSWER_SECONDS):
        while True:
            heard = await exchange(port, request)
            if heard is not None and heard.status != 503:
                return heard
            assert heard is None or "retry-after" in heard.headers
            await asyncio.sleep(0.05)
