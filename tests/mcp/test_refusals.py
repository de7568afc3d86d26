"""Whatever a model gets wrong is refused with its own code and advice, and leaves nothing behind."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.mcp.clients import Agent, Seat
from tests.mcp.conftest import Team
from tests.support.server import ServerProcess, make_agent

Json = dict[str, Any]
DELEGATING = ("delegate_task", "delegate_task_async")


async def kept(server: ServerProcess, *seats: Seat) -> int:
    """How many messages these have said and been told."""
    connection: Any = await asyncpg.connect(server.dsn())
    try:
        ids = [seat.workspace for seat in seats]
        return await connection.fetchval("select count(*) from message where workspace_id = any($1) or sender_id = any($1)", ids)
    finally:
        await connection.close()


@pytest.mark.parametrize("tool", DELEGATING)
async def test_who_can_not_be_asked(team: Team, server: ServerProcess, tool: str) -> None:
    gone, _ = await make_agent(team.operator, "Gone", parent_id=team.lead.workspace)
    await team.operator.request("DELETE", f"/workspaces/{gone}")
    twin = [(await make_agent(team.operator, "Twin", parent_id=team.lead.workspace))[0] for _ in range(2)]
    cases: list[tuple[str, str]] = [
        (str(uuid4()), "workspace_not_found"),
        ("Codr", "workspace_not_found"),
        (team.outside.workspace, "workspace_not_found"),
        (team.outside.name, "workspace_not_found"),
        (gone, "workspace_removed"),
        (team.lead.workspace, "delegation_to_self"),
        ("twin", "ambiguous_name"),
    ]
    async with team.lead.connect() as lead:
        for target, code in cases:
            error = await lead.refusal(tool, workspace_id=target, task="do")
            assert (target, error["code"]) == (target, code)
        near = await lead.refusal(tool, workspace_id="Codr", task="do")
        assert near["near"] == ["Coder"]
        assert set((await lead.refusal(tool, workspace_id="Twin", task="do"))["ids"]) == set(twin)
    assert await kept(server, team.lead) == 0


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("delegate_task", {}),
        ("delegate_task", {"workspace_id": "Coder"}),
        ("delegate_task", {"workspace_id": "Coder", "task": ""}),
        ("delegate_task", {"workspace_id": "Coder", "task": 1}),
        ("delegate_task", {"workspace_id": "Coder", "task": "x", "timeout_seconds": -1}),
        ("delegate_task", {"workspace_id": "Coder", "task": "x", "timeout_seconds": 3601}),
        ("delegate_task", {"workspace_id": "Coder", "task": "x", "deadline_seconds": 0}),
        ("delegate_task", {"workspace_id": "Coder", "task": "x", "idempotency_key": ""}),
        ("delegate_task", {"workspace_id": "Coder", "task": "x", "thread_id": "t" * 256}),
        ("delegate_task_async", {"workspace_id": "Coder", "task": "x", "timeout_seconds": 1}),
        ("check_task_status", {"task_id": "no id"}),
        ("reply", {"message_id": str(uuid4())}),
        ("reply", {"message_id": str(uuid4()), "text": "x", "outcome": "cancelled"}),
        ("inbox_pop", {"message_id": str(uuid4()), "if_unanswered": "forget"}),
        ("inbox_peek", {"limit": 0}),
        ("chat_history", {"before": 0}),
        ("send_message_to_user", {"message": "x"}),
        ("list_peers", {"q": "x"}),
    ],
)
async def test_arguments_that_do_not_fit_are_named(team: Team, server: ServerProcess, tool: str, arguments: Json) -> None:
    async with team.lead.connect() as lead:
        error = await lead.refusal(tool, **arguments)
        assert error["code"] == "invalid" and error["fields"]
    assert await kept(server, team.lead, team.coder) == 0


async def test_ids_of_others_are_ids_of_nobody(team: Team) -> None:
    message = await team.send(team.tester)
    async with team.lead.connect() as lead, team.coder.connect() as coder:
        task = (await lead.use("delegate_task_async", workspace_id="Tester", task="x"))["task_id"]
        for id in (message, task, str(uuid4())):
            assert (await coder.refusal("check_task_status", task_id=id))["code"] == "delegation_not_found"
            assert (await coder.refusal("cancel_task", task_id=id))["code"] == "delegation_not_found"
            assert (await coder.refusal("reply", message_id=id, text="mine"))["code"] == "not_found"
            assert (await coder.refusal("report_progress", message_id=id, text="mine"))["code"] == "lease_lost"
            assert (await coder.refusal("inbox_pop", message_id=id))["code"] == "not_found"
        (found,) = (await lead.use("check_task_status", task_id=task))["tasks"]
        assert found["status"] == "accepted"


async def test_what_waits_can_not_be_answered_before_it_was_handed_out(team: Team) -> None:
    message = await team.send(team.coder)
    async with team.coder.connect() as coder:
        assert (await coder.refusal("reply", message_id=message, text="too soon"))["code"] == "lease_lost"
    assert await team.state(team.coder, message) == "accepted"


async def test_keys_and_sizes(team: Team, server: ServerProcess) -> None:
    async with team.lead.connect() as lead:
        await lead.use("delegate_task_async", workspace_id="Coder", task="once", idempotency_key="k")
        for tool, arguments, code in (
            ("delegate_task_async", {"workspace_id": "Coder", "task": "other", "idempotency_key": "k"}, "key_reused"),
            ("delegate_task_async", {"workspace_id": "Coder", "task": "x", "idempotency_key": "ü"}, "bad_key"),
            ("delegate_task_async", {"workspace_id": "Coder", "task": "ü" * 600_000}, "too_large"),
            ("send_message_to_user", {"text": "x" * 1_100_000}, "too_large"),
        ):
            assert (await lead.refusal(tool, **arguments))["code"] == code
    assert await kept(server, team.lead) == 1


@asynccontextmanager
async def chain_of(team: Team, length: int) -> AsyncGenerator[list[Agent]]:
    """Agents below one another, each of which holds what the one before delegated to it."""
    seats = [team.lead]
    async with AsyncExitStack() as stack:
        agents = [await stack.enter_async_context(team.lead.connect())]
        for number in range(1, length):
            workspace, token = await make_agent(team.operator, f"link {number}", parent_id=seats[-1].workspace)
            seats.append(Seat(team.lead.url, workspace, token, f"link {number}"))
            agents.append(await stack.enter_async_context(seats[-1].connect()))
            await agents[-2].use("delegate_task_async", workspace_id=workspace, task="pass it on")
            held = await agents[-1].take()
            assert [party["name"] for party in held["on_behalf_of"]] == [seat.name for seat in seats[:-1]]
        yield agents


async def test_an_agent_that_delegates_to_itself_through_others_is_stopped_with_the_chain(team: Team) -> None:
    async with chain_of(team, 9) as agents:
        cycle = await agents[2].refusal("delegate_task", workspace_id=team.lead.workspace, task="around")
        assert cycle["code"] == "delegation_cycle" and [link["name"] for link in cycle["chain"]] == ["Lead", "link 1", "link 2"]
        deeper, _ = await make_agent(team.operator, "too deep", parent_id=(await agents[-1].use("get_workspace_info"))["id"])
        deep = await agents[-1].refusal("delegate_task", workspace_id=deeper, task="down")
        assert (deep["code"], deep["limit"], len(deep["chain"])) == ("delegation_too_deep", 8, 9)
        assert await team.operator.peek(deeper) == []


async def test_a_chain_asks_only_whom_all_of_it_may_ask(team: Team) -> None:
    """Lead may talk to its sibling; Coder, on whose behalf it works, may not."""
    far, _ = await make_agent(team.operator, "Far", parent_id=team.house)
    async with team.coder.connect() as coder, team.lead.connect() as lead:
        await coder.use("delegate_task_async", workspace_id="Lead", task="reach through")
        await lead.take()
        refused = await lead.refusal("delegate_task", workspace_id=far, task="for Coder")
        assert refused["code"] == "chain_forbidden" and [link["name"] for link in refused["chain"]] == ["Coder", "Lead"]
    assert await team.operator.peek(far) == []


async def test_too_many_open_tasks_are_refused(team: Team) -> None:
    async with team.lead.connect() as lead:
        for number in range(64):
            await lead.use("delegate_task_async", workspace_id="Coder", task=f"task {number}")
        refused = await lead.refusal("delegate_task_async", workspace_id="Tester", task="one more")
        assert (refused["code"], refused["limit"]) == ("too_many_delegations", 64)
        assert len((await lead.use("check_task_status"))["tasks"]) == 64
    assert await team.unfinished(team.tester) == 0


async def test_an_agent_that_is_called_is_told_that_there_is_nothing_to_fetch(team: Team) -> None:
    await team.operator.request(
        "PATCH", f"/workspaces/{team.coder.workspace}", json={"url": "http://127.0.0.1:18999/", "delivery_mode": "push"}
    )
    async with team.coder.connect() as coder:
        assert (await coder.refusal("wait_for_message", timeout_seconds=5))["code"] == "delivery_mode"
