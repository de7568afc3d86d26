"""Agents with a URL, for the lessons: they answer what they are told, and wait for a word where a lesson needs one."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from postroom.client import Client
from tests.edges.agents import Exchange, RawAgent, raw_agent
from tests.support.server import make_agent

Json = dict[str, Any]


def said(text: str) -> Json:
    """A reply in 1.0 form."""
    return {"message": {"role": "ROLE_AGENT", "messageId": "r", "parts": [{"text": text}]}}


def heard(exchange: Exchange) -> str:
    """The words that an agent was sent."""
    return exchange.json["params"]["message"]["parts"][0]["text"]


@dataclass
class Gate:
    """An agent that takes what it gets and answers ``re: <text>`` once the gate is open."""

    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, exchange: Exchange) -> None:
        await self.open.wait()
        await exchange.answer_result(said(f"re: {heard(exchange)}"))


@dataclass
class Called:
    """A called workspace and its agent."""

    id: str
    token: str
    agent: RawAgent

    async def until_handed(self, count: int = 1) -> None:
        """Wait until the agent has got so many requests."""
        async with asyncio.timeout(15):
            while len(self.agent.exchanges) < count:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def called(client: Client, name: str, behaviour: Any, **fields: Any) -> AsyncGenerator[Called]:
    """A workspace whose agent is called."""
    async with raw_agent(behaviour) as agent:
        made, token = await make_agent(client, name, url=agent.url, delivery_mode="push", **fields)
        yield Called(made, token, agent)
