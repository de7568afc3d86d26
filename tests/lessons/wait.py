"""Waiting for what a server shows, with a limit."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from postroom.client import Client

Json = dict[str, Any]


async def until(look: Callable[[], Awaitable[Any]], what: str, seconds: float = 15.0) -> Any:
    """Look until there is something to see; an AssertionError names what was waited for."""
    try:
        async with asyncio.timeout(seconds):
            while not (seen := await look()):
                await asyncio.sleep(0.05)
            return seen
    except TimeoutError:
        raise AssertionError(f"waited {seconds} s in vain until {what}") from None


async def history(client: Client, workspace: str) -> list[Json]:
    """All that was said in one mailbox."""
    return (await client.chat_history(workspace, limit=200))["messages"]


async def replies(client: Client, workspace: str) -> list[str]:
    """What the agent of a mailbox answered."""
    return [entry["content"] for entry in await history(client, workspace) if entry["role"] == "agent" and entry["reply_to"]]


async def until_replied(client: Client, workspace: str, count: int = 1, seconds: float = 15.0) -> list[str]:
    """Wait for so many replies in one mailbox."""

    async def look() -> list[str]:
        found = await replies(client, workspace)
        return found if len(found) >= count else []

    return await until(look, f"{count} replies are in the history of {workspace}", seconds)


async def events(client: Client, workspace: str, name: str | None = None) -> list[Json]:
    """The feed of one workspace, oldest first."""
    return await client.activity(workspace, limit=200, **({"type": name} if name else {}))
