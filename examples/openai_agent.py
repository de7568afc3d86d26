"""Assistant: a model behind any OpenAI-compatible endpoint (a local server too) as an agent that streams its words and may ask its peers.

    pip install openai
    OPENAI_BASE_URL=http://127.0.0.1:11434/v1 OPENAI_API_KEY=any OPENAI_MODEL=... \\
    POSTROOM_URL=http://127.0.0.1:8080 POSTROOM_WORKSPACE_ID=... POSTROOM_TOKEN=... python openai_agent.py
"""

import json
import os
from collections.abc import AsyncGenerator

from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageFunctionToolCallParam, ChatCompletionMessageParam, ChatCompletionToolParam

from postroom.agent import Agent, AskFailed, Fail, Message
from postroom.errors import PostroomError

ROUNDS = 10
ASK_PEER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "ask_peer",
        "description": "Ask a peer, by name, and get its answer.",
        "parameters": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "question": {"type": "string"}},
            "required": ["name", "question"],
        },
    },
}

agent = Agent("Assistant", concurrency=4)
model = AsyncOpenAI()


@agent.on_message
async def converse(message: Message) -> AsyncGenerator[str]:
    team = ", ".join(f"{peer['name']} ({peer['role'] or 'no role given'})" for peer in await agent.peers())
    talk: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": f"You work in a team. Your peers: {team or 'none'}. Ask them for what they know better."},
        {"role": "user", "content": message.text},
    ]
    for _ in range(ROUNDS):
        calls: dict[int, ChatCompletionMessageFunctionToolCallParam] = {}
        stream = await model.chat.completions.create(model=os.environ["OPENAI_MODEL"], messages=talk, tools=[ASK_PEER], stream=True)
        async for chunk in stream:
            for choice in chunk.choices:
                if choice.delta.content:
                    yield choice.delta.content
                for piece in choice.delta.tool_calls or []:
                    # What a call is comes with its first piece, its arguments come in all of them.
                    empty: ChatCompletionMessageFunctionToolCallParam = {
                        "id": piece.id or "",
                        "type": "function",
                        "function": {"name": "ask_peer", "arguments": ""},
                    }
                    call = calls.setdefault(piece.index, empty)
                    call["function"]["arguments"] += (piece.function and piece.function.arguments) or ""
        if not calls:
            return
        talk.append({"role": "assistant", "tool_calls": list(calls.values())})
        for call in calls.values():
            answer = await ask_peer(call["function"]["arguments"])
            talk.append({"role": "tool", "tool_call_id": call["id"], "content": answer})
    raise Fail(f"no answer after {ROUNDS} rounds of questions")


async def ask_peer(arguments: str) -> str:
    """What a peer says, or what went wrong: a model can go on from both."""
    try:
        given = json.loads(arguments)
        return await agent.ask(given["name"], given["question"])
    except (ValueError, KeyError, AskFailed, PostroomError) as error:
        return f"That did not work: {error}"


agent.run()
