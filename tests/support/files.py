"""Somebody who keeps files and names them in what they say, over plain HTTP; and what the database holds of it."""

import asyncio
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from socket import create_connection, socket
from typing import Any
from urllib.parse import quote, urlsplit

import asyncpg

from tests.support.http import Answer, ask
from tests.support.server import wait_for

Json = dict[str, Any]
LIMIT, PIECE = 25 * 1024 * 1024, 1024 * 1024


@dataclass(frozen=True)
class Person:
    """Somebody with a token, and the workspace that they are if they are one. ``dsn`` is for looking behind the server."""

    url: str
    token: str
    dsn: str
    id: str = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        return ask(self.url, method, path, token=self.token, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def make(self, name: str, **fields: Any) -> "Person":
        made = self.ask("POST", "/workspaces", {"name": name, **fields}).body
        return replace(self, token=made["token"], id=made["id"])

    def upload(self, content: bytes | Iterator[bytes], name: str = "a.bin", **headers: str) -> Answer:
        return self.ask("POST", f"/files?name={quote(name)}", content, **headers)

    def keep(self, content: bytes, name: str = "a.bin", **headers: str) -> Json:
        answer = self.upload(content, name, **headers)
        assert answer.status == 201, answer.content
        return answer.body

    def fetch(self, file: Json, query: str = "", **headers: str) -> Answer:
        return self.ask("GET", file["url"] + query, **headers)

    @contextmanager
    def uploading(self, announced: int, content: bytes) -> Generator[tuple[socket, str]]:
        """An upload that is under way, and the id of its file, of which a piece is there."""
        name, place = f"{uuid.uuid4()}.bin", urlsplit(self.url)
        head = f"POST /files?name={name} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {self.token}\r\n"
        with create_connection((place.hostname or "", place.port or 0), timeout=20) as connection:
            connection.sendall(f"{head}Content-Length: {announced}\r\n\r\n".encode() + content)
            pieces = "select f.id from file f join file_chunk c on c.file_id = f.id where f.name = $1"
            yield connection, str(wait_for(lambda: self.sql(pieces, name), 30, "a piece of it is there")[0]["id"])

    def sql(self, text: str, *args: Any) -> list[Any]:
        return asyncio.run(_fetch(self.dsn, text, args))

    def send(self, to: "Person", *parts: Json) -> Answer:
        message = {"role": "ROLE_USER", "messageId": str(uuid.uuid4()), "parts": list(parts)}
        params = {"message": message, "configuration": {"returnImmediately": True}}
        call = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": params}
        return self.ask("POST", f"/workspaces/{to.id}/a2a", call, A2A_Version="1.0", Content_Type="application/json")

    def delegate(self, to: "Person", *parts: Json, **fields: Any) -> Answer:
        return self.ask("POST", f"/workspaces/{self.id}/delegate", {"target_id": to.id, "parts": list(parts), **fields})

    def claim(self) -> Json:
        (item,) = self.ask("POST", f"/workspaces/{self.id}/inbox/claim", {"wait": 20}).body["items"]
        return item

    def about(self, item: Json, verb: str, *parts: Json) -> Answer:
        return self.ask("POST", f"/workspaces/{self.id}/inbox/{item['message_id']}/{verb}", {"token": item["token"], "parts": list(parts)})

    def history(self, workspace: "Person", query: str = "") -> list[Json]:
        return self.ask("GET", f"/workspaces/{workspace.id}/chat-history{query}").body["messages"]


async def _fetch(dsn: str, text: str, args: tuple[Any, ...]) -> list[Any]:
    connection: Any = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(text, *args)
    finally:
        await connection.close()


def names(file: Json) -> Json:
    """The least that a part says of a file."""
    return {"url": file["url"]}


def told(file: Json) -> Json:
    """The part as everybody else reads it."""
    return {"url": file["url"], "filename": file["name"], "mediaType": file["media_type"], "metadata": {"postroom.size": file["size"]}}


def code_of(answer: Answer) -> str:
    """Of a refusal, in whichever envelope."""
    error: Any = answer.body["error"]
    return answer.code if isinstance(error, str) else error["data"]["code"]
