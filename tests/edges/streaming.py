"""Agents that stream: cards, events, who hears them, and ways to send them."""

import asyncio
import json
from typing import Any

from postroom.core.deliveries.model import Watch
from postroom.edges.wire import text_of
from tests.edges.agents import Behaviour, Exchange

Json = dict[str, Any]

CARD: Json = {"supportedInterfaces": [{"protocolBinding": "JSONRPC", "protocolVersion": "1.0"}], "capabilities": {"streaming": True}}
CARD_03: Json = {"name": "a", "protocolVersion": "0.3.0", "url": "http://somewhere.example/", "capabilities": {"streaming": True}}

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
TASK: Json = {"task": {"id": "t-1", "contextId": "c-1", "status": {"state": "TASK_STATE_SUBMITTED"}}}


def status(state: str, **fields: Any) -> Json:
    return {"statusUpdate": {"taskId": "t-1", "contextId": "c-1", "status": {"state": f"TASK_STATE_{state}"} | fields}}


DONE = status("COMPLETED")


def words(text: str, state: str = "WORKING") -> Json:
    return status(state, message={"messageId": "w", "role": "ROLE_AGENT", "parts": [{"text": text}]})


def artifact(text: str, **how: Any) -> Json:
    return {"artifactUpdate": {"taskId": "t-1", "contextId": "c-1", "artifact": {"artifactId": "a", "parts": [{"text": text}]}, **how}}


def whole(text: str = "whole") -> Json:
    """The task at its end, as GetTask has it."""
    return {"id": "t-1", "contextId": "c-1", "status": {"state": "TASK_STATE_COMPLETED"}, "artifacts": [{"parts": [{"text": text}]}]}


def frame(event: Json) -> bytes:
    return f"data: {json.dumps({'jsonrpc': '2.0', 'id': '1'} | event)}\n\n".encode()


class Heard(Watch):
    def __init__(self) -> None:
        self.upstream: Json | None = None
        self.told: list[str] = []
        self.parts: list[Json] = []
        self.news = asyncio.Event()

    def begun(self, upstream: Json) -> None:
        self.upstream = upstream

    async def progress(self, told: Json) -> None:
        self.told.append(text_of(told))
        self.parts += told["parts"]
        self.news.set()


async def begin(exchange: Exchange) -> None:
    await exchange.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")


async def send(exchange: Exchange, data: bytes) -> None:
    """A chunk of a stream that was begun."""
    await exchange.send(b"%x\r\n%s\r\n" % (len(data), data))


def streams(*results: Json) -> Behaviour:
    """Whoever asks gets these events and a proper end."""

    async def behave(exchange: Exchange) -> None:
        await begin(exchange)
        for result in results:
            await send(exchange, frame({"result": result}))
        await exchange.send(b"0\r\n\r\n")

    return behave


def asked(behave: Behaviour, task: Json | None = None) -> Behaviour:
    """Behaves so when it is sent a message, and knows the task when it is asked for it."""

    async def either(exchange: Exchange) -> None:
        await (behave(exchange) if exchange.json["method"] != "GetTask" else exchange.answer_result(task or whole()))

    return either
