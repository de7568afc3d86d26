"""``postroom mcp --operator``: an agent runs the post room, through a real bridge and a real server."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from postroom.agent import Agent, Message
from postroom.bridge.operator import TOOLS
from postroom.client import Client
from tests.conftest import NewServer
from tests.mcp.bridges import Bridge, text_of
from tests.support.server import ServerProcess, make_agent

Json = dict[str, Any]

DESTRUCTIVE = {"remove_workspace", "revoke_token", "cancel_task", "cancel_delegation"}


@pytest.fixture
def bridge(server: ServerProcess, tmp_path: Path) -> Bridge:
    return Bridge("--operator", "--data", str(server.data), state=tmp_path)


async def test_the_tools_are_those_of_the_table_and_say_what_they_destroy(bridge: Bridge) -> None:
    async with bridge.running():
        tools = {tool.name: tool for tool in (await bridge.client.list_tools()).tools}
        assert set(tools) == {tool.name for tool in TOOLS}
        for name, tool in tools.items():
            assert tool.annotations is not None and tool.description
            assert tool.annotations.destructive_hint is (name in DESTRUCTIVE)
            assert ("confirm" in tool.input_schema.get("properties", {})) is (name in DESTRUCTIVE)
        assert "confirm: true" in (bridge.client.instructions or "")


async def test_the_life_of_a_workspace(bridge: Bridge, operator: Client) -> None:
    async with bridge.running():
        made = await bridge.use("create_workspace", name="Night desk", role="Watches")
        below = await bridge.use("create_workspace", name="Runner of the night", parent="Night desk")
        assert below["parent_id"] == made["id"]
        assert (await operator.workspace(made["id"]))["role"] == "Watches"
        listed = {row["id"]: row for row in (await bridge.use("list_workspaces"))["workspaces"]}
        assert listed[below["id"]]["parent_id"] == made["id"] and "prw_" not in str(listed)

        changed = await bridge.use("update_workspace", workspace="runner of the night", name="Runner", parent="", max_concurrent=3)
        assert (changed["name"], changed.get("parent_id"), changed["max_concurrent"]) == ("Runner", None, 3)
        assert (await bridge.use("pause_workspace", workspace=made["id"]))["status"] == "paused"
        await bridge.use("resume_workspace", workspace=made["id"])
        assert (await bridge.use("get_workspace", workspace="Night desk"))["status"] != "paused"

        await bridge.use("update_workspace", workspace=below["id"], parent="Night desk")
        refusal = await bridge.refusal("remove_workspace", workspace="Night desk")
        assert refusal["code"] == "not_confirmed"
        assert {row["id"] for row in refusal["removes"]} == {made["id"], below["id"]}
        assert (await operator.workspace(made["id"]))["removed_at"] is None
        removed = await bridge.use("remove_workspace", workspace=made["id"], confirm=True)
        assert set(removed["removed"]) == {made["id"], below["id"]}


async def test_a_token_is_shown_once_and_ends_when_it_is_confirmed(bridge: Bridge, server: ServerProcess, operator: Client) -> None:
    async with bridge.running():
        workspace, _ = await make_agent(operator, "Holder of tokens")
        made = await bridge.use("create_token", workspace="Holder of tokens", label="spare")
        async with server.client(made["token"]) as holder:
            assert (await holder.caller())["id"] == workspace
            listed = await bridge.call("list_tokens", workspace=workspace)
            assert made["token"] not in text_of(listed) and made["prefix"] in text_of(listed)
            assert (await bridge.refusal("revoke_token", workspace=workspace, token=made["prefix"]))["code"] == "not_confirmed"
            assert (await holder.caller())["id"] == workspace
            await bridge.use("revoke_token", workspace=workspace, token=made["prefix"], confirm=True)
            assert made["id"] not in [row["id"] for row in await operator.tokens(workspace)]
        assert made["token"] not in bridge.log.read_text()


async def test_talking_waiting_looking_and_cancelling(bridge: Bridge, server: ServerProcess, operator: Client, tmp_path: Path) -> None:
    name = f"Crier {uuid4()}"
    async with bridge.running():
        workspace, token = await make_agent(operator, name)
        later = await bridge.use("async_delegate", workspace=name, message="cry", idempotency_key="one")
        assert later["state"] == "accepted"
        again = await bridge.use("async_delegate", workspace=name, message="cry", idempotency_key="one")
        assert again["message_id"] == later["message_id"]
        waited = await bridge.use("chat_with_agent", workspace=name, message="and once more", timeout_seconds=1)
        assert waited["state"] == "accepted"
        assert (await bridge.refusal("cancel_task", workspace=name, task_id=waited["task_id"]))["code"] == "not_confirmed"
        cancelled = await bridge.use("cancel_task", workspace=name, task_id=waited["task_id"], confirm=True)
        assert cancelled["task"]["metadata"]["postroom.state"] == "cancelled"

        agent = Agent("Crier", url=server.url, token=token, workspace_id=workspace, state=tmp_path / "crier")

        @agent.on_message
        async def handle(message: Message) -> str:
            return message.text.upper()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(agent.serve())
            answered = await bridge.use("chat_with_agent", workspace=name, message="hear", timeout_seconds=30)
            assert (answered["state"], answered["text"]) == ("replied", "HEAR")
            agent.stop()
        listed = {row["message"]: row for row in (await bridge.use("check_delegations", workspace=name))["delegations"]}
        assert [(listed[said]["state"], listed[said].get("answer")) for said in ("cry", "and once more", "hear")] == [
            ("replied", "CRY"),
            ("cancelled", None),
            ("replied", "HEAR"),
        ]
        one = await bridge.use("check_delegations", workspace=workspace, task_id=later["task_id"])
        assert one["task"]["metadata"]["postroom.state"] == "replied"


async def test_what_agents_ask_of_each_other_is_seen_and_cancelled(bridge: Bridge, server: ServerProcess, operator: Client) -> None:
    async with bridge.running():
        boss, token = await make_agent(operator, "Boss")
        hand, _ = await make_agent(operator, "Hand", parent_id=boss)
        async with server.client(token) as client:
            asked = await client.delegate(boss, hand, "dig")
        (listed,) = (await bridge.use("list_delegations", workspace=boss, open=True))["delegations"]
        assert (listed["delegation_id"], listed["task"], listed["target"]["name"]) == (asked.id, "dig", "Hand")
        (tree,) = (await bridge.use("list_delegations", workspace=boss, delegation_id=asked.id))["delegations"]
        assert tree["children"] == []
        assert (await bridge.refusal("cancel_delegation", workspace=boss, delegation_id=asked.id))["code"] == "not_confirmed"
        assert (await bridge.use("cancel_delegation", workspace=boss, delegation_id=asked.id, confirm=True))["status"] == "cancelled"
        events = [row["event"] for row in (await bridge.use("activity", workspace=hand, type="message"))["activity"]]
        assert "message.cancelled" in events
        assert (await bridge.use("chat_history", workspace=hand))["messages"][0]["content"] == "dig"
        assert (await bridge.use("health"))["status"] == "ok"


async def test_what_does_not_fit_is_refused_with_what_to_do(bridge: Bridge, operator: Client) -> None:
    async with bridge.running():
        ids = [(await make_agent(operator, "Sosia"))[0] for _ in range(2)]
        assert "Sosia" in (await bridge.refusal("get_workspace", workspace="Sosiaa"))["near"]
        assert (await bridge.refusal("get_workspace", workspace="Sosia"))["ids"] == ids
        assert (await bridge.refusal("create_workspace", name=""))["code"] == "invalid"
        assert (await bridge.refusal("create_workspace", name="x", parent="Nobody at all"))["code"] == "workspace_not_found"
        assert (await bridge.refusal("create_workspace", name="x", url="ftp://nowhere"))["code"] in ("invalid", "address_refused")
        assert (await bridge.refusal("chat_history", workspace="Sosia", limit=0))["code"] == "invalid"


async def test_a_server_that_starts_later_or_again_elsewhere_is_found_by_the_next_call(new_server: NewServer, tmp_path: Path) -> None:
    server = new_server()
    async with Bridge("--operator", "--data", str(server.data), state=tmp_path).running() as bridge:
        refusal = await bridge.refusal("health")
        assert refusal["code"] == "not_connected" and "postroom up" in refusal["error"]
        await asyncio.to_thread(server.start)
        made = await bridge.use("create_workspace", name="Stays")
        first = server.port
        server.kill()
        await asyncio.to_thread(server.start)
        assert server.port != first
        assert made["id"] in [row["id"] for row in (await bridge.use("list_workspaces"))["workspaces"]]
