"""Lead: passes what it is told on to its peers, to all at the same time, and puts their answers together.

Echo and Clerk are always asked, Slow only when the text mentions it.

Run it, with the id and token that `postroom workspace add Lead` printed:

    POSTROOM_URL=http://127.0.0.1:8080 POSTROOM_WORKSPACE_ID=... POSTROOM_TOKEN=... python lead.py

If this process dies in between, the message comes again and is delegated on under the same keys: no peer works twice.
"""

from postroom.agent import Agent, AskFailed, Handle, Message

agent = Agent("Lead", concurrency=4, card={"description": "Asks its team and puts the answers together."})


@agent.on_message
async def lead(message: Message) -> str:
    team = ["Echo", "Clerk"] + (["Slow"] if "slow" in message.text.lower() else [])
    there = {peer["name"] for peer in await agent.peers()}
    asked = [name for name in team if name in there]
    if not asked:
        return "Nobody of my team is there."
    await message.progress(f"Asking {', '.join(asked)}")
    # All are at work before the first answer is waited for; nobody works on for a message that nobody wants any more.
    handles = {name: await agent.delegate(name, message.text, cancel_with_parent=True) for name in asked}
    return "\n\n".join([f"{name}:\n{await answer_of(handle)}" for name, handle in handles.items()])


async def answer_of(handle: Handle) -> str:
    try:
        return (await handle.result()).text
    except AskFailed as error:
        # One who fails is part of the answer, not the end of it.
        return f"no answer ({error})"


agent.run()
