"""The small ASGI processes of a run: the agent that everybody calls, and three ways to hand a request on without storing it.

``python -m benches.apps KIND [URL]`` prints the address that it serves on. Kinds: ``echo`` is the agent; ``ceiling`` is Postroom's own
HTTP server and its own client to agents with nothing between them; ``bare`` is uvicorn and the client library as they come.
"""

import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import orjson
import uvicorn
import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send

from benches.sending import A2A_HEADERS, TIMEOUT, build_client, post
from postroom.edges.push.addresses import AddressGuard, AddressPolicy
from postroom.edges.push.connections import Answer, Connections, Request
from postroom.edges.server import HttpServer
from postroom.settings import load_settings

Json = dict[str, Any]
HandOn = Callable[[bytes], Awaitable[bytes]]


async def echo(_: Scope, receive: Receive, send: Send) -> None:
    """Answer a SendMessage with a message of the same parts."""
    asked: Json = orjson.loads(await _read(receive))
    message = {"messageId": str(uuid4()), "role": "ROLE_AGENT", "parts": asked["params"]["message"]["parts"]}
    await _answer(send, orjson.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": {"message": message}}))


def forwarder(hand_on: HandOn) -> ASGIApp:
    """Hands every body on and brings the answer back."""

    async def forward(_: Scope, receive: Receive, send: Send) -> None:
        await _answer(send, await hand_on(await _read(receive)))

    return forward


async def _read(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        event = cast(Json, await receive())
        body += event.get("body", b"")
        more = event.get("more_body", False)
    return body


async def _answer(send: Send, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def serve_ceiling(url: str) -> None:
    """Until SIGTERM, which ends the process where it stands: nothing here is worth a drain."""
    with tempfile.TemporaryDirectory() as data:
        settings = load_settings({}, port=0, data=Path(data))
    server = HttpServer(settings)
    guard = AddressGuard(AddressPolicy(allow_loopback=True, own_port=server.port))
    connections = Connections(guard, reply_limit=settings.reply_limit)

    async def hand_on(body: bytes) -> bytes:
        posted = await connections.post(Request(url, A2A_HEADERS, body, TIMEOUT.total_seconds()))
        # Anything else is a defect of the run: the caller gets no answer and counts an error.
        return posted.body if isinstance(posted, Answer) else b""

    print(server.url, flush=True)
    await server.serve(forwarder(hand_on))


async def serve_plain(app: ASGIApp) -> None:
    """Until SIGTERM."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        config = uvicorn.Config(
            cast(Any, app), http="httptools", lifespan="off", log_level="error", access_log=False, timeout_graceful_shutdown=1
        )
        print(f"http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
        await uvicorn.Server(config).serve(sockets=[listener])


async def _serve(kind: str, url: str) -> None:
    if kind == "echo":
        await serve_plain(echo)
    elif kind == "ceiling":
        await serve_ceiling(url)
    else:
        client = build_client()
        await serve_plain(forwarder(lambda body: post(client, url, A2A_HEADERS, body)))


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1], "".join(sys.argv[2:])))
