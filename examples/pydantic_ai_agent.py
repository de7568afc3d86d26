"""Thinker: a Pydantic AI agent as an agent of the team, with a tool that asks its peers. Its words are shown as they come.

    pip install 'pydantic-ai-slim[openai]'
    OPENAI_BASE_URL=http://127.0.0.1:11434/v1 OPENAI_API_KEY=any OPENAI_MODEL=... \\
    POSTROOM_URL=http://127.0.0.1:8080 POSTROOM_WORKSPACE_ID=... POSTROOM_TOKEN=... python pydantic_ai_agent.py
"""

import os
from collections.abc import AsyncGenerator

import pydantic_ai
from pydantic_ai.models.openai import OpenAIChatModel

from postroom.agent import Agent, AskFailed, Message
from postroom.errors import PostroomError

agent = Agent("Thinker", concurrency=4)
thinker = pydantic_ai.Agent(OpenAIChatModel(os.environ["OPENAI_MODEL"]), instructions="You work in a team and may ask your peers.")


@thinker.tool_plain
async def ask_peer(name: str, question: str) -> str:
    """Ask a peer, by name, and get its answer."""
    try:
        return await agent.ask(name, question)
    except (AskFailed, PostroomError) as error:
        raise pydantic_ai.ModelRetry(str(error)) from error


@agent.on_message
async def answer(message: Message) -> AsyncGenerator[str]:
    async with thinker.run_stream(message.text) as run:
        async for text in run.stream_text(delta=True):
            yield text


agent.run()
