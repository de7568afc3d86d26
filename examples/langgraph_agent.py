"""Grapher: a LangGraph graph as an agent, with a tool that asks its peers. The words of its model are shown as they come.

    pip install langgraph langchain-openai
    OPENAI_BASE_URL=http://127.0.0.1:11434/v1 OPENAI_API_KEY=any OPENAI_MODEL=... \\
    POSTROOM_URL=http://127.0.0.1:8080 POSTROOM_WORKSPACE_ID=... POSTROOM_TOKEN=... python langgraph_agent.py
"""

# LangGraph leaves some of its types open.
# pyright: reportUnknownMemberType=false
import os
from collections.abc import AsyncGenerator

from langchain_core.messages import AIMessageChunk, HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

from postroom.agent import Agent, Message

agent = Agent("Grapher", concurrency=4)


@tool
async def ask_peer(name: str, question: str) -> str:
    """Ask a peer, by name, and get its answer."""
    return await agent.ask(name, question)


model = ChatOpenAI(model=os.environ["OPENAI_MODEL"]).bind_tools([ask_peer])


async def think(state: MessagesState) -> MessagesState:
    return {"messages": [await model.ainvoke(state["messages"])]}


graph = (
    StateGraph(MessagesState)
    .add_node("think", think)
    .add_node("tools", ToolNode([ask_peer], handle_tool_errors=True))
    .add_edge(START, "think")
    .add_conditional_edges("think", tools_condition)
    .add_edge("tools", "think")
    .compile()
)


@agent.on_message
async def answer(message: Message) -> AsyncGenerator[str]:
    async for piece, _ in graph.astream({"messages": [HumanMessage(message.text)]}, stream_mode="messages"):
        if isinstance(piece, AIMessageChunk) and piece.text:
            yield piece.text


agent.run()
