"""The one path on a real database: accept, hand out, finish, and every verdict on the way."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from postroom.core.deliveries.model import Claim, Delivery, Failure, Hold, Reply, Return, ReturnKind
from postroom.core.identity.model import Principal
from postroom.core.messages.model import Draft, Passage, Receipt, State
from postroom.core.registry.model import DeliveryMode
from postroom.errors import Gone, KeyReused, LeaseLost, NotFound, Superseded, TooMany, Unauthenticated
from tests.support.database import House


def draft(target: UUID, text: str = "hello", **fields: Any) -> Draft:
    return Draft(workspace_id=target, body={"messageId": "m", "parts": [{"text": text}]}, size=100, **fields)


async def send(house: House, target: Principal, text: str = "hello", **fields: Any) -> Receipt:
    return await house.services.messages.accept(house.operator, draft(target.id, text, **fields))


async def claim(house: House, agent: Principal, most: int = 1, lease: float = 30.0) -> list[Delivery]:
    asked = Claim(workspace_id=agent.id, credential_id=agent.credential_id, most=most, lease=lease)
    return await house.services.deliveries.claim_post(asked)


def hold(delivery: Delivery, agent: Principal | None = None) -> Hold:
    credential = agent.credential_id if agent else None
    return Hold(message_id=delivery.message_id, workspace_id=delivery.workspace_id, token=delivery.token, credential_id=credential)


def answer(text: str = "done") -> Reply:
    return Reply(message={"role": "ROLE_AGENT", "parts": [{"text": text}]})


async def state(house: House, receipt: Receipt) -> State:
    return (await house.services.messages.standing(receipt.message_id)).state


async def test_message_goes_from_accepted_to_handed_to_replied(house: House) -> None:
    agent = await house.workspace()
    receipt = await send(house, agent)
    assert await state(house, receipt) is State.ACCEPTED
    [delivery] = await claim(house, agent)
    assert (delivery.message_id, delivery.attempt, delivery.token) == (receipt.message_id, 1, 1)
    assert await state(house, receipt) is State.HANDED
    await house.services.deliveries.reply(hold(delivery, agent), answer("42"))
    standing = await house.services.messages.standing(receipt.message_id)
    assert standing.state is State.REPLIED
    assert standing.reply == answer("42").message
    assert await house.sql("select * from work") == []


async def test_same_key_is_the_same_message_and_another_body_is_refused(house: House) -> None:
    agent = await house.workspace()
    first = await send(house, agent, key="k")
    again = await send(house, agent, key="k")
    assert (again.message_id, again.seq, again.duplicate) == (first.message_id, first.seq, True)
    with pytest.raises(KeyReused):
        await send(house, agent, "other", key="k")
    assert len(await house.sql("select * from message")) == 1
    assert (await house.sql("select last_seq from mailbox"))[0]["last_seq"] == 1


async def test_same_key_from_many_at_once_makes_one_message(house: House) -> None:
    agents = [await house.workspace(f"a{n}") for n in range(4)]

    async def once(n: int) -> Receipt | None:
        try:
            return await send(house, agents[n % 4], key="k")
        except KeyReused:
            return None

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(once(n)) for n in range(64)]
    kept = {task.result().message_id for task in tasks if task.result()}  # pyright: ignore[reportOptionalMemberAccess]
    assert len(kept) == 1
    assert len(await house.sql("select * from message")) == 1


async def test_numbers_have_no_gap_and_posts_go_out_in_order(house: House) -> None:
    agent = await house.workspace(max_concurrent=64)
    async with asyncio.TaskGroup() as group:
        for n in range(50):
            group.create_task(send(house, agent, str(n)))
    rows = await house.sql("select seq from message order by seq")
    assert [row["seq"] for row in rows] == list(range(1, 51))
    handed = await claim(house, agent, most=50)
    seqs = await house.sql("select id, seq from message")
    by_id = {row["id"]: row["seq"] for row in seqs}
    assert [by_id[delivery.message_id] for delivery in handed] == list(range(1, 51))


async def test_strict_mailbox_hands_out_one_at_a_time_and_promotes_at_the_end(house: House) -> None:
    agent = await house.workspace()
    receipts = [await send(house, agent, str(n)) for n in range(3)]
    for receipt in receipts:
        [delivery] = await claim(house, agent, most=8)
        assert delivery.message_id == receipt.message_id
        assert await claim(house, agent, most=8) == []
        await house.services.deliveries.reply(hold(delivery, agent), answer())
    assert await claim(house, agent) == []


async def test_same_reply_again_is_the_same_answer_and_another_is_superseded(house: House) -> None:
    agent = await house.workspace()
    await send(house, agent)
    [delivery] = await claim(house, agent)
    deliveries = house.services.deliveries
    await deliveries.reply(hold(delivery, agent), answer("first"))
    assert (await deliveries.reply(hold(delivery, agent), answer("first"))).verdict == "same"
    with pytest.raises(Superseded):
        await deliveries.reply(hold(delivery, agent), answer("second"))
    assert len(await house.sql("select * from message where role = 'agent'")) == 1
    assert len(await house.sql("select * from event where type = 'message.late'")) == 1


async def test_old_token_is_fenced_once_another_holds_the_lease(house: House) -> None:
    agent = await house.workspace()
    receipt = await send(house, agent)
    [old] = await claim(house, agent)
    await house.sql("update work set due_at = clock_timestamp() - interval '1 second'")
    [new] = await claim(house, agent)
    assert (new.token, new.attempt) == (2, 2)
    with pytest.raises(LeaseLost):
        await house.services.deliveries.reply(hold(old, agent), answer("late"))
    with pytest.raises(LeaseLost):
        await house.services.deliveries.extend_one(hold(old, agent), 30)
    assert await state(house, receipt) is State.HANDED
    await house.services.deliveries.reply(hold(new, agent), answer("good"))
    assert await state(house, receipt) is State.REPLIED


async def test_late_reply_counts_while_nobody_has_claimed_again(house: House) -> None:
    agent = await house.workspace()
    receipt = await send(house, agent)
    [delivery] = await claim(house, agent)
    await house.sql("update work set due_at = clock_timestamp() - interval '1 second'")
    await house.services.deliveries.reply(hold(delivery, agent), answer("late but paid for"))
    assert await state(house, receipt) is State.REPLIED


async def test_failure_is_retried_until_the_limit_and_then_told(house: House) -> None:
    agent = await house.workspace()
    receipt = await send(house, agent)
    for attempt in (1, 2, 3):
        await house.sql("update work set due_at = clock_timestamp()")
        [delivery] = await claim(house, agent)
        assert delivery.attempt == attempt
        await house.services.deliveries.fail(hold(delivery, agent), Failure(code="broke", detail="it broke", retry=True))
    standing = await house.services.messages.standing(receipt.message_id)
    assert standing.state is State.FAILED
    assert standing.error and standing.error["code"] == "attempts_exhausted"
    assert standing.error["last"] == {"code": "broke", "detail": "it broke"}


async def test_not_handed_costs_no_attempt_and_pauses_the_mailbox(house: House) -> None:
    agent = await house.workspace(url="http://agent.example", delivery_mode=DeliveryMode.PUSH)
    await send(house, agent)
    for _ in range(10):
        await house.sql("update work set due_at = clock_timestamp()")
        [(delivery, _target)] = await house.services.deliveries.claim_calls(8)
        assert delivery.attempt == 1
        await house.services.deliveries.give_back(
            Return(hold=hold(delivery), kind=ReturnKind.NOT_HANDED, error={"code": "connect_failed", "detail": ""})
        )
    [box] = await house.sql("select failures, unreachable_until > clock_timestamp() as paused from mailbox")
    assert box["failures"] == 10
    [work] = await house.sql("select attempt, due_at > clock_timestamp() as later, leased from work")
    assert (work["attempt"], work["leased"]) == (0, False)


async def test_silent_agent_runs_out_of_attempts(house: House) -> None:
    agent = await house.workspace()
    receipt = await send(house, agent)
    for _ in range(3):
        await house.sql("update work set due_at = clock_timestamp() - interval '1 second'")
        assert len(await claim(house, agent)) == 1
    await house.sql("update work set due_at = clock_timestamp() - interval '1 second'")
    assert await claim(house, agent) == []
    assert await house.services.deliveries.reap() == 1
    assert await state(house, receipt) is State.FAILED


async def test_deadline_ends_a_message_and_nothing_is_handed_after_it(house: House) -> None:
    agent = await house.workspace()
    receipt = await send(house, agent, deadline=3600.0)
    await house.sql("update work set deadline = clock_timestamp() - interval '1 second'")
    assert await claim(house, agent) == []
    await house.services.deliveries.reap()
    assert await state(house, receipt) is State.EXPIRED


async def test_cancel_of_waiting_work_ends_it_and_of_leased_work_asks_its_holder(house: House) -> None:
    agent = await house.workspace()
    first, second = await send(house, agent), await send(house, agent)
    [delivery] = await claim(house, agent)
    messages = house.services.messages
    assert (await messages.cancel(house.operator, agent.id, second.task_id))[0] == "cancelled"
    assert (await messages.cancel(house.operator, agent.id, first.task_id))[0] == "requested"
    extension = await house.services.deliveries.extend_one(hold(delivery, agent), 30)
    assert extension.cancel
    await house.services.deliveries.confirm_cancel(hold(delivery, agent))
    assert await state(house, first) is State.CANCELLED
    assert (await messages.cancel(house.operator, agent.id, first.task_id))[0] == "ended"


async def test_reply_wins_over_a_cancel_that_was_only_asked_for(house: House) -> None:
    agent = await house.workspace()
    receipt = await send(house, agent)
    [delivery] = await claim(house, agent)
    await house.services.messages.cancel(house.operator, agent.id, receipt.task_id)
    await house.services.deliveries.reply(hold(delivery, agent), answer())
    assert await state(house, receipt) is State.REPLIED


async def test_cancel_and_reply_at_once_have_one_winner(house: House) -> None:
    agent = await house.workspace(max_concurrent=64)
    for _ in range(40):
        receipt = await send(house, agent)
        [delivery] = await claim(house, agent)
        await house.sql("update work set due_at = clock_timestamp() - interval '1 second'")
        async with asyncio.TaskGroup() as group:
            group.create_task(house.services.messages.cancel(house.operator, agent.id, receipt.task_id))
            group.create_task(_reply_or_lose(house, delivery, agent))
        rows = await house.sql("select state from outcome where message_id = $1", receipt.message_id)
        assert len(rows) == 1
    assert await house.sql("select * from work") == []


async def _reply_or_lose(house: House, delivery: Delivery, agent: Principal) -> None:
    try:
        await house.services.deliveries.reply(hold(delivery, agent), answer())
    except Superseded:
        return


async def test_paused_mailbox_accepts_and_hands_nothing_out(house: House) -> None:
    agent = await house.workspace()
    await house.services.workspaces.pause(house.operator, agent.id, paused=True)
    await send(house, agent)
    assert await claim(house, agent) == []
    await house.services.workspaces.pause(house.operator, agent.id, paused=False)
    assert len(await claim(house, agent)) == 1


async def test_removed_workspace_fails_its_post_and_is_gone(house: House) -> None:
    agent = await house.workspace()
    receipts = [await send(house, agent) for _ in range(3)]
    await house.services.workspaces.remove(house.operator, agent.id, confirm=False)
    for receipt in receipts:
        standing = await house.services.messages.standing(receipt.message_id)
        assert standing.error and standing.error["code"] == "workspace_removed"
    with pytest.raises(Gone):
        await send(house, agent)
    [box] = await house.sql("select open_count, active_count from mailbox")
    assert (box["open_count"], box["active_count"]) == (0, 0)


async def test_removal_ends_a_long_queue_in_one_go(house: House) -> None:
    """More than a cursor fetches at a time: the end of one changes the row of the next, and a cursor passes over what was changed."""
    agent = await house.workspace()
    for number in range(70):
        await send(house, agent, str(number))
    await house.services.workspaces.remove(house.operator, agent.id, confirm=False)
    assert await house.sql("select seq from work") == []
    assert len(await house.sql("select from outcome where error->>'code' = 'workspace_removed'")) == 70


async def test_deadlines_of_a_long_queue_are_over_in_one_go(house: House) -> None:
    agent = await house.workspace()
    for number in range(70):
        await send(house, agent, str(number))
    await house.sql("update work set deadline = clock_timestamp() - interval '1 second'")
    assert await house.services.deliveries.reap() == 70


async def test_full_mailbox_refuses_and_keeps_what_it_has(house: House, dsn: str) -> None:
    agent = await house.workspace()
    await house.sql("update mailbox set open_count = 2000000")
    with pytest.raises(TooMany):
        await send(house, agent)
    assert await house.sql("select * from message") == []


async def test_unknown_target_and_stranger_are_the_same_not_found(house: House) -> None:
    parent = await house.workspace("parent")
    child = await house.workspace("child", parent_id=parent.id)
    other = await house.workspace("other")
    stranger = await house.workspace("stranger", parent_id=other.id)
    accept = house.services.messages.accept
    with pytest.raises(NotFound) as unknown:
        await accept(child, draft(uuid4()))
    with pytest.raises(NotFound) as forbidden:
        await accept(child, draft(stranger.id))
    assert (unknown.value.name, unknown.value.sentence) == (forbidden.value.name, forbidden.value.sentence)
    for sender, target in ((child, parent), (parent, child), (parent, other), (child, child)):
        assert (await accept(sender, draft(target.id))).seq >= 1


async def test_revoked_token_is_refused_inside_the_writing_statement(house: House) -> None:
    agent = await house.workspace()
    await send(house, agent)
    [delivery] = await claim(house, agent)
    await house.sql("update credential set revoked_at = clock_timestamp() where workspace_id = $1", agent.id)
    with pytest.raises(Unauthenticated):
        await house.services.messages.accept(agent, draft(agent.id))
    with pytest.raises(Unauthenticated):
        await house.services.deliveries.reply(hold(delivery, agent), answer())
    with pytest.raises(Unauthenticated):
        await claim(house, agent)


async def test_counts_stay_true_through_everything(house: House) -> None:
    agents = [await house.workspace(f"a{n}", max_concurrent=n) for n in (1, 2, 5)]
    async with asyncio.TaskGroup() as group:
        for n in range(60):
            group.create_task(send(house, agents[n % 3], str(n)))
    for agent in agents:
        for delivery in await claim(house, agent, most=32):
            await house.services.deliveries.reply(hold(delivery, agent), answer())
    rows = await house.sql("""
        select b.open_count, b.active_count, b.max_concurrent, count(w.*) as open, count(w.*) filter (where w.due_at < 'infinity') as active
        from mailbox b left join work w using (workspace_id) group by b.workspace_id, b.open_count, b.active_count, b.max_concurrent""")
    for row in rows:
        assert row["open_count"] == row["open"]
        assert row["active_count"] == row["active"] == min(row["max_concurrent"], row["open"])


async def test_more_room_lets_more_out(house: House) -> None:
    agent = await house.workspace()
    for n in range(5):
        await send(house, agent, str(n))
    await house.services.workspaces.change(house.operator, agent.id, {"max_concurrent": 3})
    assert len(await claim(house, agent, most=10)) == 3


async def test_agent_that_was_never_reached_was_handed_nothing(house: House) -> None:
    agent = await house.workspace(url="http://agent.example", delivery_mode=DeliveryMode.PUSH)
    receipt = await send(house, agent)
    [(delivery, _target)] = await house.services.deliveries.claim_calls(8)
    await house.services.deliveries.give_back(Return(hold=hold(delivery), kind=ReturnKind.NOT_HANDED))
    assert await state(house, receipt) is State.ACCEPTED


async def test_answer_that_asks_back_says_so_everywhere_and_a_follow_up_names_the_agents_task(house: House) -> None:
    agent = await house.workspace()
    receipt = await send(house, agent)
    [delivery] = await claim(house, agent)
    asks = Reply(message=answer("which one?").message, interrupted="input-required", upstream={"taskId": "theirs", "contextId": "c"})
    await house.services.deliveries.reply(hold(delivery, agent), asks)
    assert await state(house, receipt) is State.INPUT_REQUIRED
    page = await house.services.reading.history(house.operator, agent.id, Passage())
    assert [entry.state for entry in page.entries] == ["input_required", None]
    follow_up = await send(house, agent, "the second", task_id=receipt.task_id)
    assert (follow_up.task_id, follow_up.thread_id) == (receipt.task_id, receipt.thread_id)
    [delivery] = await claim(house, agent)
    assert (delivery.message["taskId"], delivery.message["contextId"]) == ("theirs", "c")
    await house.services.deliveries.reply(hold(delivery, agent), answer())
    assert (await house.services.messages.task(house.operator, agent.id, receipt.task_id)).state is State.REPLIED


async def test_notice_is_posted_once_per_key(house: House) -> None:
    agent = await house.workspace()
    notify = house.services.messages.notify
    first = await notify(agent, draft(agent.id, "look", key="n"))
    again = await notify(agent, draft(agent.id, "look", key="n"))
    assert (again.message_id, again.seq, again.duplicate) == (first.message_id, first.seq, True)
    with pytest.raises(KeyReused):
        await notify(agent, draft(agent.id, "look elsewhere", key="n"))
    assert len(await house.sql("select * from message")) == 1
