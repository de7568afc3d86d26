"""A process of fetching agents: ``python -m tests.soak.fetchers PLAN``. Claims over HTTP and over the inbox stream; some ask a peer.

Several of these processes share the same mailboxes, so that one goes on with what another was killed over.
"""

import asyncio
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.crash.checker import answer_to
from tests.soak.paper import Paper
from tests.soak.stopping import stop_asked
from tests.soak.wire import LEASE_SECONDS, WAIT_SECONDS, Answer, Servers, Unanswered, build_client, pause

Json = dict[str, Any]

CLAIM_SECONDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A mailbox to be emptied, ``most`` messages at a time; ``peer`` is asked before each answer."""

    id: str
    token: str
    most: int = 1
    stream: bool = False
    peer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the process is told; ``name`` is new in each incarnation."""

    name: str
    journal: str
    urls: list[str]
    boxes: list[Box]

    @classmethod
    def read(cls, path: Path) -> "Plan":
        """From the file that was made for it."""
        told: Json = orjson.loads(path.read_bytes())
        told["boxes"] = [Box(**box) for box in told["boxes"]]
        return cls(**told)


class Fetcher:
    """One mailbox's agent."""

    def __init__(self, plan: Plan, box: Box, paper: Paper, servers: Servers) -> None:
        self._plan = plan
        self._box = box
        self._paper = paper
        self._servers = servers

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await (self._listen() if self._box.stream else self._claim())
            except (Unanswered, OSError, WebSocketException, TimeoutError):
                await pause()

    # Over HTTP

    async def _claim(self) -> None:
        body = {"wait": CLAIM_SECONDS, "max": self._box.most, "lease": LEASE_SECONDS}
        answer = await self._servers.post(f"/workspaces/{self._box.id}/inbox/claim", self._box.token, body)
        if answer.status != 200:
            self._paper.write("refuse", f"claim: {answer}")
            await pause()
            return
        async with asyncio.TaskGroup() as handling:
            for item in answer.body["items"]:
                handling.create_task(self._handle(item))

    async def _handle(self, item: Json) -> None:
        text = await self._work(item)
        path = f"/workspaces/{self._box.id}/inbox/{item['message_id']}/reply"
        while text is not None:
            try:
                answer = await self._servers.post(path, self._box.token, {"token": item["token"], "text": text})
            except Unanswered:
                await pause()
                continue
            self._note(item, text, answer.status, str(answer))
            return

    def _note(self, item: Json, text: str, status: int, words: str) -> None:
        if status == 200:
            self._paper.write("counted", item["message_id"], text)
        elif status == 409:
            # A lease that ran out meanwhile is no fault: somebody else has the message, or had.
            self._paper.write("late", item["message_id"], text)
        else:
            self._paper.write("refuse", f"reply: {words}")

    # Over the stream

    async def _listen(self) -> None:
        url = self._servers.any().replace("http", "ws", 1) + f"/workspaces/{self._box.id}/inbox/stream"
        headers = {"Authorization": f"Bearer {self._box.token}"}
        async with connect(url, additional_headers=headers, open_timeout=5, ping_interval=2, ping_timeout=5, close_timeout=1) as line:
            await line.send(orjson.dumps({"id": 0, "verb": "subscribe", "max": self._box.most, "lease": LEASE_SECONDS}).decode())
            open_: dict[str, tuple[Json, str]] = {}
            async for frame in line:
                await self._frame(line, orjson.loads(frame), open_)

    async def _frame(self, line: ClientConnection, frame: Json, open_: dict[str, tuple[Json, str]]) -> None:
        if item := frame.get("item"):
            if (text := await self._work(item)) is not None:
                open_[item["message_id"]] = item, text
                asked = {"id": item["message_id"], "verb": "reply", "message_id": item["message_id"], "token": item["token"], "text": text}
                await line.send(orjson.dumps(asked).decode())
        elif frame["id"] in open_:
            item, text = open_.pop(frame["id"])
            status = 200 if frame.get("ok") else 409 if frame["code"] in ("lease_lost", "superseded") else 503
            # What is not known to be kept comes again when its lease has run out.
            if status != 503:
                self._note(item, text, status, str(frame))

    # The work

    async def _work(self, item: Json) -> str | None:
        """The answer; None when there is none."""
        message, text = item["message_id"], item["message"]["parts"][0]["text"]
        self._paper.write("saw", self._box.id, message, text, item["attempt"])
        if self._box.peer is not None and not await self._ask_peer(self._box.peer, f"relay-{message}"):
            return None
        answer = f"{answer_to(text)} #{self._plan.name}-{item['token']}"
        self._paper.write("did", message, answer)
        return answer

    async def _ask_peer(self, peer: str, key: str) -> bool:
        """Under a key that is made of the message: whoever has it next asks the same."""
        self._paper.mean(key, peer)
        said = {"role": "ROLE_USER", "messageId": key, "parts": [{"text": key}]}
        body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": said}}
        headers = {"A2A-Version": "1.0", "Idempotency-Key": key, "X-Timeout": str(WAIT_SECONDS)}
        while True:
            try:
                answer = await self._servers.post(f"/workspaces/{peer}/a2a", self._box.token, body, **headers)
            except Unanswered as doubt:
                self._paper.write("doubted", key, str(doubt))
                await pause()
                continue
            return self._told(key, answer)

    def _told(self, key: str, answer: Answer) -> bool:
        result: Json | None = answer.body.get("result") if answer.status == 200 else None
        if result is None:
            self._paper.write("refuse", f"send to a peer: {answer}")
            return False
        self._paper.write("acked", key, answer.headers["x-postroom-message-id"])
        if "message" not in result:
            # The peer is slow: the lease runs out, and whoever gets the message next asks again.
            return False
        self._paper.write("heard", key, result["message"]["parts"][0]["text"])
        return True


async def main(plan: Plan) -> None:
    """Fetch until SIGTERM."""
    random.seed(plan.name)
    async with stop_asked() as stop, build_client() as client:
        with Paper(Path(plan.journal)) as paper:
            servers = Servers(plan.urls, client)
            async with asyncio.TaskGroup() as tasks:
                agents = [tasks.create_task(Fetcher(plan, box, paper, servers).run()) for box in plan.boxes]
                await stop.wait()
                for agent in agents:
                    agent.cancel()


if __name__ == "__main__":
    uvloop.run(main(Plan.read(Path(sys.argv[1]))))
