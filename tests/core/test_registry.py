"""The tree, and what agents say about themselves."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from postroom.core.registry.model import DeliveryMode, Heartbeat, NewWorkspace, Status
from postroom.errors import Conflict, Forbidden, NotFound, Refused
from tests.core.test_path import send
from tests.support.database import House


async def test_tree_rule_is_self_siblings_roots_ancestors_and_descendants(house: House) -> None:
    tree = {"a": None, "b": None, "a1": "a", "a2": "a", "a11": "a1", "b1": "b"}
    ids: dict[str | None, UUID | None] = {None: None}
    for name, parent in tree.items():
        ids[name] = (await house.workspace(name, parent_id=ids[parent])).id
    friends = {
        "a": {"a", "b", "a1", "a2", "a11"},
        "b": {"a", "b", "b1"},
        "a1": {"a", "a1", "a2", "a11"},
        "a2": {"a", "a1", "a2"},
        "a11": {"a", "a1", "a11"},
        "b1": {"b", "b1"},
    }
    for one in tree:
        for other in tree:
            first, second = ids[one], ids[other]
            assert first and second
            allowed = await house.services.workspaces.related(house.operator, first, second)
            assert allowed == (other in friends[one]), (one, other)
    assert ids["a"] and not await house.services.workspaces.related(house.operator, ids["a"], uuid4())


async def test_moves_keep_the_tree_a_tree(house: House) -> None:
    a = await house.workspace("a")
    b = await house.workspace("b", parent_id=a.id)
    c = await house.workspace("c", parent_id=b.id)
    change = house.services.workspaces.change
    for parent in (a.id, b.id, c.id):
        with pytest.raises(Refused):
            await change(house.operator, a.id, {"parent_id": parent})
    with pytest.raises(Refused):
        await change(house.operator, a.id, {"parent_id": uuid4()})
    other = await house.workspace("other")
    await change(house.operator, b.id, {"parent_id": other.id})
    [row] = await house.sql("select ancestors from workspace where id = $1", c.id)
    assert row["ancestors"] == [other.id, b.id]
    assert not await house.services.workspaces.related(house.operator, a.id, c.id)
    await change(house.operator, b.id, {"parent_id": None})
    [row] = await house.sql("select ancestors, parent_id from workspace where id = $1", b.id)
    assert (row["ancestors"], row["parent_id"]) == ([], None)


async def test_a_move_is_told_once_and_a_change_beside_it_as_what_it_is(house: House) -> None:
    agent, lead = await house.workspace("agent"), await house.workspace("lead")
    for fields in ({"parent_id": lead.id}, {"parent_id": lead.id}, {"parent_id": None, "role": "counts"}):
        await house.services.workspaces.change(house.operator, agent.id, fields)
    rows = await house.sql("select type, payload from event where workspace_id = $1 and type <> 'workspace.created' order by id", agent.id)
    assert [(row["type"], row["payload"]) for row in rows] == [
        ("workspace.moved", {"from": None, "to": str(lead.id)}),
        ("workspace.moved", {"from": str(lead.id), "to": None}),
        ("workspace.updated", {"role": "counts"}),
    ]


async def test_tree_has_a_depth_limit(house: House) -> None:
    parent = None
    for n in range(32):
        parent = (await house.workspace(str(n), parent_id=parent)).id
    with pytest.raises(Refused):
        await house.workspace("too deep", parent_id=parent)


async def test_removing_a_parent_needs_a_word_and_takes_its_children_along(house: House) -> None:
    a = await house.workspace("a")
    b = await house.workspace("b", parent_id=a.id)
    with pytest.raises(Conflict) as refused:
        await house.services.workspaces.remove(house.operator, a.id, confirm=False)
    assert refused.value.data["children"] == [{"id": str(b.id), "name": "b"}]
    assert set(await house.services.workspaces.remove(house.operator, a.id, confirm=True)) == {a.id, b.id}


async def test_interrupted_removal_is_finished_by_the_repair_loop(house: House) -> None:
    agent = await house.workspace()
    receipt = await send(house, agent)
    await house.sql("update workspace set removed_at = clock_timestamp() where id = $1", agent.id)
    await house.services.workspaces.finish_removals()
    assert (await house.services.messages.standing(receipt.message_id)).state == "failed"


async def test_workspace_may_not_manage_or_speak_for_another(house: House) -> None:
    one, other = await house.workspace("one"), await house.workspace("other")
    with pytest.raises(Forbidden):
        await house.services.workspaces.create(one, NewWorkspace(name="x"))
    with pytest.raises(Forbidden):
        await house.services.workspaces.change(one, one.id, {"parent_id": None})
    with pytest.raises(Forbidden):
        await house.services.agents.register(one, other.id, card={}, url=None, mode=None)
    with pytest.raises(NotFound):
        await house.services.agents.register(one, uuid4(), card={}, url=None, mode=None)


async def test_what_is_accepted_while_its_agent_registers_is_brought_to_it(house: House) -> None:
    agent = await house.workspace(delivery_mode=DeliveryMode.PUSH)
    url = "http://agent.example/"

    async def waiting(count: int) -> None:
        while (await house.sql("select count(*) as n from pg_locks where not granted"))[0]["n"] < count:
            await asyncio.sleep(0.01)

    async def behind_a_lock(connection: Any) -> None:
        """The accept has the mailbox first, the registration waits for it: its statement began before there was anything to bring."""
        await connection.execute("select from mailbox where workspace_id = $1 for update", agent.id)
        tasks.create_task(send(house, agent))
        await waiting(1)
        tasks.create_task(house.services.agents.register(agent, agent.id, card={}, url=url, mode=DeliveryMode.PUSH))
        await waiting(2)

    async with asyncio.timeout(40), asyncio.TaskGroup() as tasks:
        await house.db.transaction(behind_a_lock)
    [(_, target)] = await house.services.deliveries.claim_calls(8)
    assert target.url == url


async def test_heartbeats_make_degraded_and_well_again_with_room_between(house: House) -> None:
    agent = await house.workspace()
    steps = [(0.0, "online"), (0.5, "degraded"), (0.3, "degraded"), (None, "degraded"), (0.09, "online"), (0.49, "online")]
    for rate, expected in steps:
        answer = await house.services.agents.heartbeat(agent, agent.id, Heartbeat(error_rate=rate))
        assert answer.status == expected, rate


async def test_silence_is_noticed_again_after_every_return(house: House) -> None:
    """L16: liveness that is noticed once only."""
    agent = await house.workspace()
    for _ in range(3):
        await house.services.agents.touch([agent.id])
        assert (await house.services.workspaces.get(house.operator, agent.id)).status is Status.ONLINE
        await house.sql("update presence set seen_at = clock_timestamp() - interval '2 minutes'")
        assert await house.services.agents.mark_silent(90.0) == 1
        assert await house.services.agents.mark_silent(90.0) == 0
    told = await house.sql("select type, count(*) as n from event where type in ('workspace.online', 'workspace.offline') group by type")
    assert {row["type"]: row["n"] for row in told} == {"workspace.online": 3, "workspace.offline": 3}
