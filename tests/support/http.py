"""One HTTP request with exactly the headers that a test wants, over the standard library: no client's good manners in between."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        return self.body["code"]


def ask(url: str, method: str, path: str, *, token: str | None = None, headers: Json | None = None, body: Any = None) -> Answer:
    """Send a request; ``body`` is bytes as they are, in one or (of no announced length) in several, or a value to be written as JSON."""
    content = body
    if not isinstance(body, bytes | Iterator | None):
        content = json.dumps(body).encode()
    bearer = {"Authorization": f"Bearer {token}"} if token else {}
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    try:
        connection.request(method, path, content, {**bearer, **(headers or {})})
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()
