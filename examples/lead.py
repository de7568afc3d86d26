"""Lead: passes what it is told on to its peers, to all at the same time, and puts their answers together.

Echo and Clerk are always asked, Slow only when the text mentions it.

Run it, with the id and token that `postroom workspace add Lead` printed:

    POSTROOM_URL=http://127.0.0.1:8080 POSTROOM_WORKSPACE_ID=... POSTROOM_TOKEN=... python lead.py

If this process dies in between, the message comes again and is asked on under the same keys: no peer works twice.
"""

import asyncio

from postroom.agent import Agent, AskFailed, Message

agent = Agent("Lead", concurrency=4, card={"description": "Asks its team and puts the answers together."})


@agent.on_message
async def lead(message: Message) -> str:
    team = ["Echo", "Clerk"] + (["Slow"] if "slow" in message.text.lower() else [])
    there = {peer["name"] for peer in await agent.peers()}
    asked = [name for name in team if name in there]
    if not asked:
        return "Nobody of my team is there."
    await message.progress(f"Asking {', '.join(asked)}")
    async with asyncio.TaskGroup() as tasks:
        answers = [tasks.create_task(ask(name, message.text)) for name in asked]
    return "\n\n".join(f"{name}:\n{answer.result()}" for name, answer in zip(asked, answers, strict=True))


async def ask(name: str, text: str) -> str:
    try:
        return await agent.ask(name, text)
    except AskFailed as error:
        # One who fails is part of the answer, not the end of it.
        return f"no answer ({error})"


agent.run()
