"""Files through the real server: what may be kept, who may see it, and that a message names only what is there."""

import hashlib
import os
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.http import Answer, ask
from tests.support.server import ServerProcess

Json = dict[str, Any]
LIMIT, MESSAGE_LIMIT, PIECE = 25 * 1024 * 1024, 50 * 1024 * 1024, 1024 * 1024


@dataclass(frozen=True)
class Person:
    """Somebody with a token, and the workspace that they are if they are one."""

    url: str
    token: str
    id: str = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        return ask(self.url, method, path, token=self.token, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def upload(self, content: bytes, name: str = "a.bin", **headers: str) -> Answer:
        return self.ask("POST", f"/files?name={quote(name)}", content, **headers)

    def keep(self, content: bytes, name: str = "a.bin", **headers: str) -> Json:
        answer = self.upload(content, name, **headers)
        assert answer.status == 201, answer.content
        return answer.body

    def fetch(self, file: Json, query: str = "", **headers: str) -> Answer:
        return self.ask("GET", file["url"] + query, **headers)

    def make(self, name: str, **fields: Any) -> "Person":
        made = self.ask("POST", "/workspaces", {"name": name, **fields}).body
        return Person(self.url, made["token"], made["id"])

    def send(self, to: "Person", *parts: Json, **headers: str) -> Json:
        message = {"role": "ROLE_USER", "messageId": str(uuid.uuid4()), "parts": list(parts)}
        params = {"message": message, "configuration": {"returnImmediately": True}}
        call = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": params}
        return self.ask("POST", f"/workspaces/{to.id}/a2a", call, A2A_Version="1.0", Content_Type="application/json", **headers).body

    def claim(self) -> Json:
        (item,) = self.ask("POST", f"/workspaces/{self.id}/inbox/claim", {"wait": 20}).body["items"]
        return item

    def say(self, verb: str, item: Json, **fields: Any) -> Answer:
        return self.ask("POST", f"/workspaces/{self.id}/inbox/{item['message_id']}/{verb}", {"token": item["token"], **fields})


@pytest.fixture
def boss(server: ServerProcess) -> Person:
    return Person(server.url, server.operator_token)


def names(file: Json) -> Json:
    """The least that a part says of a file."""
    return {"url": file["url"]}


def told(file: Json) -> Json:
    """The part as everybody else reads it."""
    return {"url": file["url"], "filename": file["name"], "mediaType": file["media_type"], "metadata": {"postroom.size": file["size"]}}


# Keeping


@pytest.mark.parametrize("size", [1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7, LIMIT])
def test_what_was_kept_comes_back_byte_for_byte(boss: Person, size: int) -> None:
    content = os.urandom(size)
    file = boss.keep(content, "photo.PNG", Content_Type="image/png")
    assert (file["name"], file["media_type"], file["size"]) == ("photo.PNG", "image/png", size)
    assert (file["sha256"], file["url"]) == (hashlib.sha256(content).hexdigest(), f"/files/{file['id']}")
    answer = boss.fetch(file)
    assert (answer.status, answer.content == content, answer.headers["content-length"]) == (200, True, str(size))


def test_a_message_names_a_file_and_who_gets_it_reads_it(boss: Person) -> None:
    ada = boss.make("ada")
    file = boss.keep(b"the bytes", "notes.txt", Content_Type="text/plain")
    assert ada.fetch(file).status == 404
    assert "result" in boss.send(ada, {"text": "look"}, names(file))
    item = ada.claim()
    assert item["message"]["parts"] == [{"text": "look"}, told(file)]
    assert ada.fetch(file).content == b"the bytes"
