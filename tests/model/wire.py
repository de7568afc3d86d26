"""The real post room as the machine sees it: requests over HTTP, and the hand that moves time on by moving rows back."""

import asyncio
from typing import Any

import asyncpg

from tests.model.rooms import Answer, Post, Room
from tests.support import http
from tests.support.server import ServerProcess, wait_for

Json = dict[str, Any]
LEASE = 600


def answer_of(got: http.Answer) -> Answer:
    """The part of an answer that the model foretells: status, code, state."""
    body: Json = got.body if got.content else {}
    error: Any = body.get("error")
    if isinstance(error, str):
        return Answer(got.status, str(body["code"]))
    if error is not None:
        return Answer(got.status, _rpc_code(error))
    return Answer(got.status, "", str(body.get("state") or body.get("status") or ""))


def _rpc_code(error: Json) -> str:
    data: Any = error.get("data")
    return str(error["code"] if data is None or isinstance(data, list) else data["code"])


class Wire:
    """One server, for all examples."""

    def __init__(self, server: ServerProcess) -> None:
        self._url = server.url
        self._operator = server.operator_token
        self._dsn = server.dsn()
        self._runner = asyncio.Runner()
        self._database: Any = None

    def close(self) -> None:
        if self._database is not None:
            self._runner.run(self._database.close())
        self._runner.close()

    def ask(self, method: str, path: str, token: str | None = None, body: Any = None, **headers: str) -> http.Answer:
        """As the operator unless a token says otherwise."""
        named = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return http.ask(self._url, method, path, token=token or self._operator, headers=named, body=body)

    # Requests

    def make_room(self, parent: Room | None, most: int) -> tuple[Room, str]:
        """A workspace, and its first token."""
        body = {"name": "room", "parent_id": parent and parent.id, "max_concurrent": most}
        made = self.ask("POST", "/workspaces", body=body).body
        [token] = self.ask("GET", f"/workspaces/{made['id']}/tokens").body
        return Room(made["id"], parent, most, tokens=[(token["id"], made["token"])]), made["token"]

    def send(self, token: str | None, room: Room, text: str, key: str, task: Post | None) -> http.Answer:
        message: Json = {"role": "ROLE_USER", "messageId": "m", "parts": [{"text": text}]}
        if task is not None:
            message["taskId"] = task.id
        keyed = {"Idempotency_Key": key} if key else {}
        return self._rpc(token, room, "SendMessage", {"message": message}, X_Timeout="0", **keyed)

    def task(self, token: str | None, task: Post, method: str) -> http.Answer:
        """GetTask or CancelTask."""
        return self._rpc(token, task.room, method, {"id": task.id})

    def _rpc(self, token: str | None, room: Room, method: str, params: Json, **headers: str) -> http.Answer:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return self.ask("POST", f"/workspaces/{room.id}/a2a", token, body, A2A_Version="1.0", **headers)

    def claim(self, token: str | None, room: Room, most: int) -> http.Answer:
        return self.ask("POST", f"/workspaces/{room.id}/inbox/claim", token, {"max": most, "lease": LEASE})

    def verb(self, token: str, post: Post, verb: str, fields: Json) -> http.Answer:
        return self.ask("POST", f"/workspaces/{post.room.id}/inbox/{post.id}/{verb}", token, fields)

    # Looks

    def history(self, token: str | None, room: Room) -> http.Answer:
        return self.ask("GET", f"/workspaces/{room.id}/chat-history?limit=200", token)

    def feed(self, room: Room, token: str | None = None) -> list[tuple[str, str]]:
        """Kind and message of every event about messages and the management of the room, oldest first."""
        found: list[tuple[str, str]] = []
        cursor, page = "", self.ask("GET", f"/workspaces/{room.id}/activity?limit=200", token).body
        while page:
            found += [(row["event"], row["message_id"] or "") for row in page if row["event"] not in _PRESENCE]
            cursor = page[-1]["cursor"]
            page = self.ask("GET", f"/workspaces/{room.id}/activity?limit=200&since_id={cursor}", token).body
        return found

    def wait_for_feed(self, room: Room, expected: list[tuple[str, str]], token: str | None) -> None:
        """The feed stops short of the oldest transaction that runs anywhere in the server, so it may lag a moment."""
        found: list[tuple[str, str]] = []

        def settled() -> bool:
            found[:] = self.feed(room, token)
            return len(found) >= len(expected) or found != expected[: len(found)]

        wait_for(settled, 20, f"the feed of {room.id} goes on after {found[-3:]} to {expected[-3:]}")
        assert found == expected, f"feed of {room.id}:\n{found}\nand not\n{expected}"

    # Time

    def sql(self, text: str, *args: Any) -> None:
        self._runner.run(self._execute(text, *args))

    async def _execute(self, text: str, *args: Any) -> None:
        if self._database is None:
            self._database = await asyncpg.connect(self._dsn)
        await self._database.execute(text, *args)

    def end_lease(self, post: Post) -> None:
        self.sql("update work set due_at = clock_timestamp() - interval '1 second' where message_id = $1 and leased", post.id)

    def end_pause(self, post: Post) -> None:
        """What was given back for another attempt is due."""
        self.sql("update work set due_at = clock_timestamp() where message_id = $1 and not leased", post.id)

    def end_deadline(self, post: Post) -> None:
        self.sql("update work set deadline = clock_timestamp() - interval '1 second' where message_id = $1", post.id)

    def wait_for_end(self, post: Post) -> None:
        """The server's own loop ends what time has ended."""
        wait_for(lambda: self._state(post) not in ("accepted", "handed"), 30, f"{post.id} has ended")

    def _state(self, post: Post) -> str:
        lines = self.history(None, post.room).body["messages"]
        return next(line["state"] for line in lines if line["id"] == post.id)


_PRESENCE = ("workspace.online", "workspace.offline", "workspace.degraded", "workspace.created")
