"""Delegations on a real database: whose end is told where, on whose behalf, and how far."""

import asyncio
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest

from postroom.core.delegations.model import Delegation, Status, Wanted
from postroom.core.deliveries.model import Failure, Return, ReturnKind
from postroom.core.identity.model import Principal
from postroom.core.messages.model import Receipt
from postroom.errors import Conflict, Forbidden, NotFound, PostroomError, Refused, TooMany
from tests.core.test_path import answer, claim, draft, hold, send
from tests.support.database import House


async def delegate(house: House, source: Principal, target: Principal, text: str = "do it", **fields: Any) -> Receipt:
    wanted = draft(target.id, text, **{"report": True, **fields})
    return await house.services.delegations.delegate(source, source.id, wanted)


async def look(house: House, source: Principal, delegation: UUID) -> Delegation:
    return await house.services.delegations.get(source, source.id, delegation)


async def work_off(house: House, agent: Principal, text: str = "done") -> UUID:
    [delivery] = await claim(house, agent)
    await house.services.deliveries.reply(hold(delivery, agent), answer(text))
    return delivery.message_id


async def test_an_answer_comes_into_the_delegators_mailbox_with_the_end(house: House) -> None:
    lead, clerk = await house.workspace("Lead"), await house.workspace("Clerk")
    receipt = await delegate(house, lead, clerk)
    assert (await look(house, lead, receipt.message_id)).status is Status.ACCEPTED
    [asked] = await claim(house, clerk)
    assert [link["name"] for link in asked.chain] == ["Lead"] and asked.report is None
    assert (await look(house, lead, receipt.message_id)).status is Status.HANDED
    assert await claim(house, lead) == []
    await house.services.deliveries.reply(hold(asked, clerk), answer("42"))
    [told] = await claim(house, lead)
    assert told.report == {"delegation_id": str(receipt.message_id), "status": "completed"}
    assert (told.sender.kind, told.sender.id, told.message["parts"]) == ("workspace", clerk.id, [{"text": "42"}])
    done = await look(house, lead, receipt.message_id)
    assert (done.status, done.reply and done.reply["parts"]) == (Status.COMPLETED, [{"text": "42"}])
    await house.services.deliveries.reply(hold(told, lead), answer("thanks"))
    assert await claim(house, clerk) == [], "the answer to an answer goes nowhere"
    assert await house.sql("select * from work") == []
    assert await house.sql("select * from mailbox where open_count <> 0 or active_count <> 0") == []


async def test_who_waits_instead_gets_no_post(house: House) -> None:
    lead, clerk = await house.workspace("Lead"), await house.workspace("Clerk")
    receipt = await delegate(house, lead, clerk, report=False)
    await work_off(house, clerk)

    async def enough() -> bool:
        return False

    found = await house.services.delegations.wait(lead.id, receipt.message_id, 5, enough)
    assert found.status is Status.COMPLETED
    assert await claim(house, lead) == []


async def test_every_end_is_told(house: House) -> None:
    lead, clerk = await house.workspace("Lead", max_concurrent=8), await house.workspace("Clerk", max_concurrent=8)
    failed = await delegate(house, lead, clerk, "fails")
    [delivery] = await claim(house, clerk)
    await house.services.deliveries.fail(hold(delivery, clerk), Failure(code="agent_failed", detail="no paper", retry=False))
    cancelled = await delegate(house, lead, clerk, "cancelled")
    await house.services.delegations.cancel(lead, lead.id, cancelled.message_id)
    expired = await delegate(house, lead, clerk, "expires")
    await house.sql("update work set deadline = clock_timestamp() - interval '1 s' where message_id = $1", expired.message_id)
    await house.services.deliveries.reap()
    exhausted = await delegate(house, lead, clerk, "exhausts")
    for _ in range(3):
        await house.sql("update work set due_at = clock_timestamp() where not leased and message_id = $1", exhausted.message_id)
        [delivery] = await claim(house, clerk)
        await house.services.deliveries.give_back(Return(hold=hold(delivery, clerk), kind=ReturnKind.RETRY))
    removed = await delegate(house, lead, clerk, "removed")
    await house.services.workspaces.remove(house.operator, clerk.id, confirm=True)
    told = {d.report["delegation_id"]: d for d in await claim(house, lead, 8) if d.report}
    found = {receipt.message_id: told[str(receipt.message_id)].report for receipt in (failed, cancelled, expired, exhausted, removed)}
    assert [(report or {})["error"]["code"] for report in found.values()] == [
        "agent_failed", "cancelled", "expired", "attempts_exhausted", "workspace_removed",
    ]  # fmt: skip
    assert told[str(failed.message_id)].message["parts"] == [{"text": "no paper"}]
    assert (await look(house, lead, expired.message_id)).status is Status.EXPIRED


async def test_a_post_about_an_end_is_made_once_whatever_is_said_again(house: House) -> None:
    lead, clerk = await house.workspace("Lead", max_concurrent=8), await house.workspace("Clerk")
    await delegate(house, lead, clerk)
    [delivery] = await claim(house, clerk)
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(house.services.deliveries.reply(hold(delivery, clerk), answer("42")))
    assert len(await claim(house, lead, 8)) == 1


async def test_ends_in_both_directions_at_once_do_not_lock_one_another_out(house: House) -> None:
    one, other = await house.workspace("One", max_concurrent=64), await house.workspace("Other", max_concurrent=64)
    async with asyncio.TaskGroup() as group:
        for n in range(30):
            group.create_task(delegate(house, one, other, f"to {n}"))
            group.create_task(delegate(house, other, one, f"fro {n}"))
    there, here = await claim(house, other, 30), await claim(house, one, 30)
    assert len(there) == len(here) == 30
    async with asyncio.TaskGroup() as group:
        for delivery in there:
            group.create_task(house.services.deliveries.reply(hold(delivery, other), answer()))
        for delivery in here:
            group.create_task(house.services.deliveries.reply(hold(delivery, one), answer()))
    for agent in (one, other):
        reports = await claim(house, agent, 64)
        assert len(reports) == 30 and all(report.report for report in reports)


async def test_the_same_key_is_the_same_delegation(house: House) -> None:
    lead, clerk = await house.workspace("Lead"), await house.workspace("Clerk")
    first = await delegate(house, lead, clerk, key="k")
    again = await delegate(house, lead, clerk, key="k")
    assert (again.message_id, again.duplicate) == (first.message_id, True)
    assert len(await house.sql("select * from message")) == 1


async def test_what_may_not_be_delegated_is_refused_and_leaves_nothing(house: House) -> None:
    lead = await house.workspace("Lead")
    team = [await house.workspace(f"w{n}", parent_id=lead.id) for n in range(2)]
    below = await house.workspace("below", parent_id=team[0].id)
    gone = await house.workspace("gone", parent_id=lead.id)
    await house.services.workspaces.remove(house.operator, gone.id, confirm=False)
    refused: list[tuple[Principal, UUID, dict[str, Any], str]] = [
        (lead, lead.id, {}, "delegation_to_self"),
        (lead, uuid4(), {}, "workspace_not_found"),
        (team[1], below.id, {}, "workspace_not_found"),
        (lead, gone.id, {}, "workspace_removed"),
        (lead, team[0].id, {"on_behalf_of": uuid4()}, "parent_ended"),
    ]
    for source, target, fields, code in refused:
        with pytest.raises(PostroomError) as error:
            await house.services.delegations.delegate(source, source.id, draft(target, report=True, **fields))
        assert error.value.name == code
    with pytest.raises(PostroomError, match="itself"):
        await house.services.delegations.delegate(lead, lead.id, draft(lead.id))
    with pytest.raises(Forbidden):
        await house.services.delegations.delegate(team[0], lead.id, draft(team[1].id, report=True))
    assert await house.sql("select * from message") == []


async def chain_of(house: House, *agents: Principal) -> None:
    """Each holds what the one before asked of it."""
    await send(house, agents[0])
    for source, target in pairwise(agents):
        assert await claim(house, source)
        await delegate(house, source, target)
    assert await claim(house, agents[-1])


async def test_a_chain_that_comes_back_is_refused_with_the_chain(house: House) -> None:
    agents = [await house.workspace(name) for name in ("a", "b", "c")]
    await chain_of(house, *agents)
    with pytest.raises(Refused) as error:
        await delegate(house, agents[2], agents[0])
    assert error.value.name == "delegation_cycle"
    assert [link["name"] for link in error.value.data["chain"]] == ["a", "b", "c"]
    plain = draft(agents[0].id, "not as a delegation either")
    with pytest.raises(Refused):
        await house.services.messages.accept(agents[2], plain)


async def test_a_chain_is_at_most_eight_long(house: House) -> None:
    agents = [await house.workspace(f"w{n}") for n in range(10)]
    await chain_of(house, *agents[:9])
    with pytest.raises(Refused) as error:
        await delegate(house, agents[8], agents[9])
    assert error.value.name == "delegation_too_deep"
    assert (len(error.value.data["chain"]), error.value.data["limit"]) == (9, 8)


async def test_the_rights_of_a_chain_are_the_intersection(house: House) -> None:
    """A child asks its parent; the parent's peers are out of the child's reach, and stay so through the parent."""
    parent, stranger = await house.workspace("parent"), await house.workspace("stranger")
    child = await house.workspace("child", parent_id=parent.id)
    await chain_of(house, child, parent)
    with pytest.raises(Forbidden) as error:
        await delegate(house, parent, stranger)
    assert (error.value.name, [link["name"] for link in error.value.data["chain"]]) == ("chain_forbidden", ["child", "parent"])


async def test_who_is_asked_may_ask_the_own_team(house: House) -> None:
    """What hangs below somebody is his to use, at any depth, also for a peer that does not know it."""
    a, b = await house.workspace("a"), await house.workspace("b")
    below = await house.workspace("below", parent_id=b.id)
    deep = await house.workspace("deep", parent_id=below.id)
    await chain_of(house, a, b, below, deep)


async def test_a_team_counts_only_for_those_who_asked_its_head(house: House) -> None:
    """B was asked by A. What stands below A's uncle, whom B may ask, was never A's to use."""
    top = await house.workspace("top")
    boss = await house.workspace("boss", parent_id=top.id)
    uncle = await house.workspace("uncle", parent_id=top.id)
    a = await house.workspace("a", parent_id=boss.id)
    await chain_of(house, a, boss)
    with pytest.raises(Forbidden):
        await delegate(house, boss, uncle)


async def test_of_several_messages_in_hand_the_longest_chain_counts_unless_one_is_named(house: House) -> None:
    a, b = await house.workspace("a"), await house.workspace("b", max_concurrent=2)
    await send(house, a)
    await claim(house, a)
    asked = await delegate(house, a, b)
    from_people = await send(house, b)
    assert len(await claim(house, b, 2)) == 2
    with pytest.raises(Refused):
        await delegate(house, b, a)
    named = await delegate(house, b, a, on_behalf_of=from_people.message_id)
    found = await look(house, b, named.message_id)
    assert (found.on_behalf_of, [link["name"] for link in found.chain]) == (from_people.message_id, ["b"])
    assert asked.message_id != named.message_id


async def test_sixty_four_delegations_are_open_at_most(house: House) -> None:
    lead, clerk = await house.workspace("Lead", max_concurrent=64), await house.workspace("Clerk")

    async def once(n: int) -> bool:
        try:
            await delegate(house, lead, clerk, str(n))
        except TooMany as error:
            assert (error.name, error.data["limit"]) == ("too_many_delegations", 64)
            return False
        return True

    made: list[asyncio.Task[bool]] = []
    for several in (60, 40):
        async with asyncio.TaskGroup() as group:
            made += [group.create_task(once(n)) for n in range(several)]
    assert sum(task.result() for task in made) == 64
    await work_off(house, clerk)
    assert await once(100)
    assert not await once(101)


async def test_what_hangs_on_a_message_is_cancelled_with_its_end(house: House) -> None:
    lead, clerk = await house.workspace("Lead"), await house.workspace("Clerk", max_concurrent=3)
    await send(house, lead)
    [own] = await claim(house, lead)
    waiting, held, free = [
        await delegate(house, lead, clerk, text, report=False, cancel_with_parent=text != "free") for text in ("waiting", "held", "free")
    ]
    await house.services.delegations.cancel_orphans()
    assert (await look(house, lead, waiting.message_id)).status is Status.ACCEPTED, "nothing has ended yet"
    deliveries = await claim(house, clerk, 3)
    await house.services.deliveries.give_back(Return(hold=hold(deliveries[0], clerk), kind=ReturnKind.RELEASE))
    await house.services.deliveries.reply(hold(own, lead), answer())
    await house.services.delegations.cancel_orphans()
    assert (await look(house, lead, waiting.message_id)).status is Status.CANCELLED
    assert (await look(house, lead, held.message_id)).cancel_requested
    assert not (await look(house, lead, free.message_id)).cancel_requested
    assert await house.services.deliveries.wanted_cancels(clerk.id) == [held.message_id]
    with pytest.raises(Conflict):
        await delegate(house, lead, clerk, on_behalf_of=own.message_id, cancel_with_parent=True)


async def test_a_tree_of_delegations_is_read_as_one(house: House) -> None:
    lead = await house.workspace("Lead")
    a, b = [await house.workspace(name, parent_id=lead.id, max_concurrent=2) for name in ("a", "b")]
    await send(house, lead)
    [own] = await claim(house, lead)
    first = await delegate(house, lead, a, "first")
    assert await claim(house, a)
    second = await delegate(house, a, b, "second")
    await work_off(house, b, "from b")
    tree = await house.services.delegations.tree(lead, lead.id, first.message_id)
    assert [child.id for child in tree.children] == [second.message_id]
    assert (tree.on_behalf_of, tree.children[0].reply and tree.children[0].reply["parts"]) == (own.message_id, [{"text": "from b"}])
    # What a post about an end sets off is part of what the delegation was part of.
    [told] = await claim(house, a)
    assert told.report
    third = await delegate(house, a, b, "third", on_behalf_of=told.message_id)
    tree = await house.services.delegations.tree(house.operator, lead.id, first.message_id)
    assert {child.id for child in tree.children} == {second.message_id, third.message_id}
    with pytest.raises(NotFound):
        await house.services.delegations.get(lead, lead.id, second.message_id)


async def test_pages_go_on_below_one_another(house: House) -> None:
    lead, clerk = await house.workspace("Lead"), await house.workspace("Clerk")
    made = [(await delegate(house, lead, clerk, str(n))).message_id for n in range(5)]
    listed = house.services.delegations.list
    first, following = await listed(lead, lead.id, Wanted(limit=2))
    second, after = await listed(lead, lead.id, Wanted(limit=4, before=following))
    assert [one.id for one in (*first, *second)] == made[::-1] and after is None
    await work_off(house, clerk)
    opened, _ = await listed(lead, lead.id, Wanted(open=True))
    assert [one.id for one in opened] == made[:0:-1]
    done, _ = await listed(lead, lead.id, Wanted(status=Status.COMPLETED))
    assert [one.id for one in done] == [made[0]]


async def test_a_delegator_that_was_removed_is_told_nothing_and_nothing_is_stuck(house: House) -> None:
    lead, clerk = await house.workspace("Lead"), await house.workspace("Clerk")
    await delegate(house, lead, clerk)
    [delivery] = await claim(house, clerk)
    await house.services.workspaces.remove(house.operator, lead.id, confirm=True)
    await house.services.deliveries.reply(hold(delivery, clerk), answer())
    assert await house.sql("select * from work") == []


async def test_a_mailbox_that_is_full_delegates_nothing_and_still_gets_its_ends(house: House) -> None:
    lead, clerk = await house.workspace("Lead"), await house.workspace("Clerk")
    receipt = await delegate(house, lead, clerk)
    await house.sql("update mailbox set open_count = open_count + 100000000 where workspace_id = $1", lead.id)
    with pytest.raises(TooMany) as error:
        await delegate(house, lead, clerk)
    assert error.value.name == "own_mailbox_full"
    await work_off(house, clerk)
    assert len(await house.sql("select * from message where reply_to = $1 and role = 'user'", receipt.message_id)) == 1
