"""A server of the contract's inbox, in memory: a real uvicorn on a real socket, for what an agent does when a server misbehaves.

It can go away and come back at its address with what it knew, lose leases, ask for cancels and refuse, on a test's word. What the real
server does is tested with the real server.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Json = dict[str, Any]

WORKSPACE = "0192f3a0-0000-7000-8000-000000000001"
PEER = "0192f3a0-0000-7000-8000-000000000002"


@dataclass
class Post:
    """One message and what became of it."""

    text: str
    id: str = field(default_factory=lambda: str(uuid4()))
    state: str = "accepted"
    token: int = 0
    attempt: int = 0
    reply: Json | None = None
    failure: Json | None = None
    progress: list[str] = field(default_factory=list[str])
    extended: int = 0
    cancel: bool = False


class Inbox:
    """One workspace's mailbox and its server."""

    def __init__(self) -> None:
        self.posts: dict[str, Post] = {}
        self.cards: list[Json] = []
        self.heartbeats: list[Json] = []
        self.sends: list[tuple[str, str]] = []
        self.refuse: tuple[int, str] | None = None
        self.lose_replies = False
        self.polling = False
        self.changed = asyncio.Condition()
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def post(self, text: str) -> Post:
        """Put a message into the mailbox."""
        post = Post(text)
        self.posts[post.id] = post
        await self._tell()
        return post

    async def until(self, holds: Any, seconds: float = 10.0) -> None:
        """Wait for a condition on what the server has seen."""
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(holds)

    async def redeliver(self, post: Post) -> None:
        """Let the lease run out."""
        post.state, post.token = "accepted", post.token + 1
        await self._tell()

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[None]:
        """Answer at the address, the same one every time; afterwards connections are refused."""
        listener = socket.create_server(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(self._app(), log_level="critical", timeout_graceful_shutdown=0))
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(server.serve(sockets=[listener]))
            try:
                yield
            finally:
                server.should_exit = True
                await self._tell()
                await running
                listener.close()

    def _app(self) -> Starlette:
        inbox = "/workspaces/{id}/inbox"
        return Starlette(
            routes=[
                Route("/registry/register", self._register, methods=["POST"]),
                Route("/registry/heartbeat", self._heartbeat, methods=["POST"]),
                Route("/registry/{id}/peers", self._peers),
                Route("/workspaces/{id}/delegate", self._delegate, methods=["POST"]),
                Route(inbox + "/claim", self._claim, methods=["POST"]),
                Route(inbox + "/{message_id}/{verb}", self._verb, methods=["POST"]),
            ]
        )

    async def _register(self, request: Request) -> Response:
        if self.refuse:
            return JSONResponse({"error": "no", "code": self.refuse[1]}, self.refuse[0])
        self.cards.append((await request.json())["agent_card"])
        return JSONResponse({"name": "Test"})

    async def _heartbeat(self, request: Request) -> Response:
        self.heartbeats.append(await request.json())
        await self._tell()
        cancel = [post.id for post in self.posts.values() if post.cancel]
        return JSONResponse({"status": "online", "queue_depth": 0, "cancel": cancel})

    async def _peers(self, _: Request) -> Response:
        return JSONResponse([{"id": PEER, "name": "Peer", "status": "online"}])

    async def _delegate(self, request: Request) -> Response:
        body = await request.json()
        key, said = request.headers["idempotency-key"], body["parts"][0]["text"]
        if body["wait_seconds"] > 0:
            return JSONResponse(_delegation(key, "completed") | {"result": {"text": f"heard {said}", "parts": [{"text": f"heard {said}"}]}})
        self.sends.append((key, said))
        return JSONResponse(_delegation(key, "accepted"), 202)

    async def _claim(self, request: Request) -> Response:
        body = await request.json()
        deadline = asyncio.get_running_loop().time() + min(body["wait"], 0.5)
        self.polling = True
        await self._tell()
        while not (due := [post for post in self.posts.values() if post.state == "accepted"]):
            if asyncio.get_running_loop().time() >= deadline:
                return JSONResponse({"items": []})
            await asyncio.sleep(0.01)
        self.polling = False
        if await request.is_disconnected():
            # Nobody takes it: without a clock for leases, a hand-out to a dead connection would never come back.
            return Response(status_code=204)
        return JSONResponse({"items": [_hand_out(post, body["lease"]) for post in due[: body["max"]]]})

    async def _verb(self, request: Request) -> Response:
        post, body = self.posts[request.path_params["message_id"]], await request.json()
        verb = request.path_params["verb"]
        if verb == "reply" and self.lose_replies:
            return JSONResponse({"error": "later", "code": "outcome_unknown"}, 503, headers={"Retry-After": "0"})
        if body["token"] != post.token or post.state not in ("handed", "replied"):
            return JSONResponse({"error": "the lease is over", "code": "lease_lost"}, 409)
        answer = _act(post, verb, body)
        await self._tell()
        return JSONResponse(answer)

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()


def _hand_out(post: Post, lease: float) -> Json:
    post.state, post.token, post.attempt = "handed", post.token + 1, post.attempt + 1
    return {
        "message_id": post.id,
        "token": post.token,
        "attempt": post.attempt,
        "lease_until": _time(lease),
        "deadline": _time(86400),
        "sender": {"kind": "person", "id": str(uuid4()), "name": "Ada", "role": None},
        "thread_id": "thread",
        "idempotency_key": None,
        "message": {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": post.text}]},
    }


def _delegation(id: str, status: str) -> Json:
    return {"delegation_id": id, "status": status, "target": {"id": PEER, "name": "Peer"}, "result": None, "error": None}


def _act(post: Post, verb: str, body: Json) -> Json:
    match verb:
        case "extend":
            post.extended += 1
            return {"lease_until": _time(body["lease"]), "cancel": post.cancel}
        case "progress":
            post.progress.append(body["parts"][0]["text"])
        case "reply" if "task" in body:
            post.state = "cancelled"
        case "reply":
            post.state, post.reply = "replied", body
        case "fail":
            post.state, post.failure = "accepted" if body["retry"] else "failed", body
        case _:
            post.state = "released"
    return {}


def _time(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
