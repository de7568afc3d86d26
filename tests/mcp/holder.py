"""An agent as a process of its own, to be killed: connects, takes the next message, says so on standard output, and does no more."""

import asyncio
import sys
from contextlib import AsyncExitStack

from tests.mcp.clients import Mode, Seat


async def main(url: str, workspace: str, token: str, kind: str) -> None:
    mode: Mode = "legacy" if kind == "legacy" else "auto"
    async with AsyncExitStack() as stack:
        agent = await stack.enter_async_context(Seat(url, workspace, token, "holder").connect(mode))
        if kind == "listening":
            await stack.enter_async_context(agent.client.listen(resources_list_changed=True))
        print("connected", flush=True)
        message = await agent.take(60)
        print(message["message_id"], flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
