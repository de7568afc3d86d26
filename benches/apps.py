"""The two bare ASGI processes of a run: an agent that echoes, and a forwarder that hands a request on and stores nothing.

``python -m benches.apps echo FD`` and ``python -m benches.apps forward FD URL`` serve on an inherited listening socket.
"""

import socket
import sys
from typing import Any, cast
from uuid import uuid4

import orjson
import uvicorn
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

from benches.sending import A2A_HEADERS, build_client, post

Json = dict[str, Any]


async def echo(_: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer a SendMessage with a message of the same parts."""
    asked: Json = orjson.loads(await _read(receive))
    message = {"messageId": str(uuid4()), "role": "ROLE_AGENT", "parts": asked["params"]["message"]["parts"]}
    await _answer(send, orjson.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": {"message": message}}))


class Forwarder:
    """Hands every body to ``url`` and brings the answer back."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = build_client()

    async def __call__(self, _: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await _answer(send, await post(self._client, self._url, A2A_HEADERS, await _read(receive)))


async def _read(receive: ASGIReceiveCallable) -> bytes:
    body, more = b"", True
    while more:
        event = cast(Json, await receive())
        body += event.get("body", b"")
        more = event.get("more_body", False)
    return body


async def _answer(send: ASGISendCallable, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def main(kind: str, descriptor: str, *url: str) -> None:
    """Serve until SIGTERM."""
    app = Forwarder(*url) if kind == "forward" else echo
    config = uvicorn.Config(
        cast(Any, app), http="httptools", loop="uvloop", lifespan="off", log_level="error", access_log=False, timeout_graceful_shutdown=1
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(descriptor))])


if __name__ == "__main__":
    main(*sys.argv[1:])
