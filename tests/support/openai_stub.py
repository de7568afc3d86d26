"""A stand-in for a model: it speaks the OpenAI wire (chat completions, also streamed, with tool calls) and thinks nothing.

What it says follows from the messages alone, so a test knows it beforehand: asked to ``ask NAME: QUESTION`` it calls the tool ``ask_peer``,
given a tool's answer it repeats it, and everything else it says back. What real models say is not tested here; that adapters speak the
wire as real servers do, is.
"""

import asyncio
import json
import re
import socket
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

Json = dict[str, Any]

MODEL = "stub"
KEY = "no-secret"
_ASK = re.compile(r"ask (?P<name>[^:]+): (?P<question>.*)", re.DOTALL)


@dataclass
class OpenAiStub:
    """The server at ``url``; ``requests`` are the bodies that it got."""

    url: str
    requests: list[Json] = field(default_factory=list[Json])
    _last_word: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._last_word.set()

    @contextmanager
    def hesitating(self) -> Generator[None]:
        """For the length of the block no stream comes to its last word."""
        self._last_word.clear()
        try:
            yield
        finally:
            self._last_word.set()

    @property
    def environment(self) -> dict[str, str]:
        """What points an adapter here."""
        return {"OPENAI_BASE_URL": self.url, "OPENAI_API_KEY": KEY, "OPENAI_MODEL": MODEL}

    async def complete(self, request: Request) -> Response:
        """``POST /v1/chat/completions``."""
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return JSONResponse({"error": {"message": "Incorrect API key provided.", "type": "invalid_request_error"}}, 401)
        body: Json = await request.json()
        self.requests.append(body)
        said = _said(body["messages"], bool(body.get("tools")))
        if body.get("stream"):
            return StreamingResponse(self._events(said), media_type="text/event-stream")
        choice = {"index": 0, "message": said, "finish_reason": _reason(said), "logprobs": None}
        return JSONResponse(_envelope("chat.completion") | {"choices": [choice], "usage": _USAGE})

    async def _events(self, said: Json) -> AsyncGenerator[str]:
        """Server-sent events as the original sends them: a tool's arguments come in pieces, the end is a word of its own."""
        *deltas, last = _deltas(said)
        for delta in deltas:
            yield _event(_chunk(delta, None))
        await asyncio.to_thread(self._last_word.wait, 60)
        yield _event(_chunk(last, None))
        yield _event(_chunk({}, _reason(said)))
        yield _event(_envelope("chat.completion.chunk") | {"choices": [], "usage": _USAGE})
        yield "data: [DONE]\n\n"


_USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


def _said(messages: list[Json], has_tools: bool) -> Json:
    """The assistant's next message."""
    last = messages[-1]
    text = _text(last["content"])
    if last["role"] == "tool":
        return {"role": "assistant", "content": f"I was told: {text}"}
    if has_tools and (asked := _ASK.fullmatch(text)):
        function = {"name": "ask_peer", "arguments": json.dumps(asked.groupdict())}
        return {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": function}]}
    return {"role": "assistant", "content": f"You said: {text}"}


def _text(content: str | list[Json]) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def _deltas(said: Json) -> Generator[Json]:
    yield {"role": "assistant", "content": ""}
    for call in said.get("tool_calls", []):
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        yield {"tool_calls": [{"index": 0, **call, "function": {"name": name, "arguments": ""}}]}
        for piece in re.findall(r".{1,7}", arguments, re.DOTALL):
            yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
    for word in re.findall(r"\S+\s*", said["content"] or ""):
        yield {"content": word}


def _chunk(delta: Json, reason: str | None) -> Json:
    return _envelope("chat.completion.chunk") | {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def _event(value: Json) -> str:
    return f"data: {json.dumps(value)}\n\n"


def _envelope(kind: str) -> Json:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": MODEL}


def _reason(said: Json) -> str:
    return "tool_calls" if "tool_calls" in said else "stop"


@contextmanager
def openai_stub() -> Generator[OpenAiStub]:
    """The server in a thread of its own, for the length of the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stub = OpenAiStub(f"http://127.0.0.1:{listener.getsockname()[1]}/v1")
        app = Starlette(routes=[Route("/v1/chat/completions", stub.complete, methods=["POST"])])
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield stub
        finally:
            server.should_exit = True
            thread.join(10)
