"""Slow: works for a while and says each second how far it is. Good for trying progress, cancelling, and what a restart does to work.

Run it, with the id and token that `postroom workspace add Slow` printed:

    POSTROOM_URL=http://127.0.0.1:8080 POSTROOM_WORKSPACE_ID=... POSTROOM_TOKEN=... python slow.py [--seconds 10]
"""

import argparse
import asyncio

from postroom.agent import Agent, Message

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--seconds", type=int, default=10, help="how long one message takes")
seconds: int = parser.parse_args().seconds

agent = Agent("Slow", card={"description": "Takes its time and says how far it is."})


@agent.on_message
async def work(message: Message) -> str:
    for second in range(1, seconds + 1):
        await asyncio.sleep(1)
        await message.progress(f"{second} of {seconds} seconds")
    return f"Done after {seconds} seconds: {message.text}"


agent.run()
