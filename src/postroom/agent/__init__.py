"""The SDK of an agent's author: an agent that fetches its post, in ten lines::

    from postroom.agent import Agent

    agent = Agent("Clerk")

    @agent.on_message
    async def handle(message):
        await message.progress("half way")
        return f"You said: {message.text}"

    agent.run()

What it promises: a message is handled again until it was answered (its process may die in between), a reply is on disk before it is sent
and kept until the server has taken it, and a message that comes again is answered with the reply that is there already.
"""

from postroom.agent.agent import Agent
from postroom.agent.command import run_command
from postroom.agent.delegating import AskFailed, Handle
from postroom.agent.handling import Fail, Retry
from postroom.agent.message import Message, Report
from postroom.agent.parts import Answer, File, KeptFile
from postroom.agent.place import Place, take_place

__all__ = [
    "Agent",
    "Answer",
    "AskFailed",
    "Fail",
    "File",
    "Handle",
    "KeptFile",
    "Message",
    "Place",
    "Report",
    "Retry",
    "run_command",
    "take_place",
]
