"""The process of all called agents: ``python -m tests.soak.called PLAN``. One address each, on one port that a successor takes again."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import orjson
import uvicorn
import uvloop
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

from tests.crash.checker import answer_to
from tests.soak.paper import Paper

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``boxes`` are the mailboxes by the path of their address: their ids, and how long each takes for an answer, in seconds."""

    name: str
    journal: str
    port: int
    boxes: dict[str, tuple[str, float]]


class Agents:
    """An ASGI application: the mailbox is the path."""

    def __init__(self, plan: Plan, paper: Paper) -> None:
        self._plan = plan
        self._paper = paper

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        told = cast(Json, scope)
        headers = {name.decode(): value.decode() for name, value in told["headers"]}
        asked: Json = orjson.loads(await _read(receive))
        (mailbox, seconds), text = self._plan.boxes[told["path"].strip("/")], asked["params"]["message"]["parts"][0]["text"]
        message, attempt = headers["x-postroom-message-id"], int(headers["x-postroom-attempt"])
        self._paper.write("saw", mailbox, message, text, attempt)
        if seconds:
            await asyncio.sleep(seconds)
        # An answer of its own at each attempt: which of them took effect can be told.
        answer = f"{answer_to(text)} #{self._plan.name}-{attempt}"
        self._paper.write("did", message, answer)
        said = {"messageId": str(uuid4()), "role": "ROLE_AGENT", "parts": [{"text": answer}]}
        await _answer(send, orjson.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": {"message": said}}))


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


async def main(plan: Plan) -> None:
    """Serve until SIGTERM."""
    with Paper(Path(plan.journal)) as paper:
        app = cast(Any, Agents(plan, paper))
        config = uvicorn.Config(app, port=plan.port, http="httptools", lifespan="off", log_level="error", access_log=False)
        config.timeout_graceful_shutdown = 1
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    uvloop.run(main(Plan(**orjson.loads(Path(sys.argv[1]).read_bytes()))))
