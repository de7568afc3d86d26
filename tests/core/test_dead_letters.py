"""What came to nothing is listed, said again once, or given up once."""

import asyncio
from collections.abc import Awaitable
from uuid import UUID, uuid4

import asyncpg
import pytest

from postroom.core.deliveries.model import Failure
from postroom.core.events.model import EventFilter
from postroom.core.identity.model import Principal
from postroom.core.messages.model import DeadLetterPage, Draft, Passage
from postroom.errors import Conflict, Forbidden, Gone, NotFound, PostroomError, TooMany
from tests.core.test_growth import Crowd
from tests.core.test_path import answer, claim, draft, hold, send
from tests.core.test_reading import person, texts, write_lines
from tests.support.database import House


async def fail(house: House, agent: Principal, text: str = "hello") -> UUID:
    """A message that failed."""
    receipt = await send(house, agent, text, thread_id="thread")
    [delivery] = await claim(house, agent)
    await house.services.deliveries.fail(hold(delivery, agent), Failure(code="agent_failed", detail="no", retry=False))
    return receipt.message_id


async def listed(house: House, agent: Principal | None = None, before: UUID | None = None, limit: int = 50) -> DeadLetterPage:
    return await house.services.dead_letters.list(house.operator, agent and agent.id, before=before, limit=limit)


async def ids(house: House, agent: Principal | None = None) -> list[UUID]:
    return [letter.line.id for letter in (await listed(house, agent)).letters]


async def replay(house: House, message: UUID, caller: Principal | None = None) -> UUID:
    return (await house.services.dead_letters.replay(caller or house.operator, message)).message_id


async def test_what_failed_or_expired_is_a_dead_letter_and_nothing_else_is(house: House) -> None:
    agent, other = await house.workspace("agent"), await house.workspace("other")
    failed = await fail(house, agent)
    late = await house.services.messages.accept(other, draft(agent.id, "late", deadline=0.001))
    while not await house.services.deliveries.reap():
        await asyncio.sleep(0.01)
    await send(house, agent, "answered")
    [delivery] = await claim(house, agent)
    await house.services.deliveries.reply(hold(delivery, agent), answer())
    cancelled = await send(house, agent, "cancelled")
    await house.services.deliveries.cancel(cancelled.message_id, "operator", house.operator.id)
    await send(house, agent, "waits")
    assert await ids(house) == [late.message_id, failed] == await ids(house, agent)
    assert await ids(house, other) == []
    expired, first = (await listed(house)).letters
    assert (expired.line.state, expired.line.sender_name, expired.workspace_name) == ("expired", "other", "agent")
    assert (first.line.state, first.line.error, first.line.attempt) == ("failed", {"code": "agent_failed", "detail": "no"}, 1)


async def test_pages_go_on_where_they_stopped_also_when_that_letter_is_gone(house: House) -> None:
    agent = await house.workspace()
    letters = [await fail(house, agent, str(number)) for number in range(5)][::-1]
    first = await listed(house, agent, limit=2)
    assert ([letter.line.id for letter in first.letters], first.next, first.total) == (letters[:2], letters[1], 5)
    await house.services.dead_letters.drop(house.operator, letters[1])
    second = await listed(house, limit=2, before=first.next)
    assert ([letter.line.id for letter in second.letters], second.next, second.total) == (letters[2:4], letters[3], 4)
    last = await listed(house, agent, limit=2, before=second.next)
    assert ([letter.line.id for letter in last.letters], last.next) == (letters[4:], None)
    with pytest.raises(NotFound):
        await listed(house, before=uuid4())


async def test_a_replay_is_a_message_of_the_same_parts_and_thread_from_who_asks(house: House) -> None:
    agent, you = await house.workspace(), await person(house)
    body = {"messageId": "m", "role": "ROLE_USER", "taskId": "old", "parts": [{"text": "again"}, {"data": {"a": 1}}], "metadata": {"x": 1}}
    await house.services.messages.accept(house.operator, Draft(workspace_id=agent.id, body=body, size=1, thread_id="thread"))
    [delivery] = await claim(house, agent)
    await house.services.deliveries.fail(hold(delivery, agent), Failure(code="agent_failed", detail="no", retry=False))
    said = await replay(house, delivery.message_id, you)
    [again] = await claim(house, agent)
    assert (again.message_id, again.thread_id, again.sender.id, again.sender.kind) == (said, "thread", you.id, "person")
    assert (again.message["parts"], again.message["metadata"], again.task_id) == (body["parts"], {"x": 1}, said)
    assert "taskId" not in again.message
    assert await ids(house) == []


async def test_a_replay_that_is_repeated_is_the_same_message_whoever_asks(house: House) -> None:
    agent, you = await house.workspace(), await person(house)
    letter = await fail(house, agent, "once")
    first = await replay(house, letter)
    assert {first} == {await replay(house, letter), await replay(house, letter, you)}
    assert await texts(house, agent) == ["once", "once"]
    events = await house.services.events.page(agent.id, cursor=None, before=None, limit=50, only=EventFilter(type="dead_letter"))
    assert [(event.type, event.message_id, event.payload) for event in events] == [
        ("dead_letter.replayed", letter, {"replayed_as": str(first)})
    ]


async def test_replays_of_two_that_race_are_one_message(house: House) -> None:
    agent, you = await house.workspace(), await person(house)
    for number in range(10):
        letter = await fail(house, agent, f"race {number}")
        async with asyncio.TaskGroup() as group:
            replays = [group.create_task(replay(house, letter, caller)) for caller in (house.operator, you) * 4]
        assert len({task.result() for task in replays}) == 1
        [delivery] = await claim(house, agent, most=5)
        await house.services.deliveries.reply(hold(delivery, agent), answer())


async def test_a_replay_that_races_with_a_drop_is_one_or_the_other(house: House) -> None:
    agent = await house.workspace(max_concurrent=64)

    async def outcome(act: Awaitable[object]) -> bool:
        try:
            await act
        except Conflict:
            return False
        return True

    for number in range(10):
        letter = await fail(house, agent, f"race {number}")
        async with asyncio.TaskGroup() as group:
            said = group.create_task(outcome(replay(house, letter)))
            dropped = group.create_task(outcome(house.services.dead_letters.drop(house.operator, letter)))
        assert said.result() != dropped.result()
        found = await texts(house, agent)
        assert found.count(f"race {number}") == 1 + said.result()
        for delivery in await claim(house, agent, most=5):
            await house.services.deliveries.reply(hold(delivery, agent), answer())


async def test_what_was_dropped_is_not_replayed_and_what_was_replayed_is_not_dropped(house: House) -> None:
    agent = await house.workspace()
    letter, other = await fail(house, agent, "given up"), await fail(house, agent, "said again")
    for _ in range(2):
        await house.services.dead_letters.drop(house.operator, letter)
    with pytest.raises(Conflict) as dropped:
        await replay(house, letter)
    said = await replay(house, other)
    with pytest.raises(Conflict) as replayed:
        await house.services.dead_letters.drop(house.operator, other)
    assert (dropped.value.name, replayed.value.name, replayed.value.data) == (
        "dead_letter_dropped",
        "dead_letter_replayed",
        {"message_id": str(said)},
    )
    assert await texts(house, agent) == ["given up", "said again", "said again"]
    events = await house.services.events.page(agent.id, cursor=None, before=None, limit=50, only=EventFilter(type="dead_letter"))
    assert [(event.type, event.message_id) for event in events] == [("dead_letter.dropped", letter), ("dead_letter.replayed", other)]


async def test_a_replay_that_fails_is_a_dead_letter_of_its_own(house: House) -> None:
    agent = await house.workspace()
    letter = await fail(house, agent)
    said = await replay(house, letter)
    [delivery] = await claim(house, agent)
    await house.services.deliveries.fail(hold(delivery, agent), Failure(code="agent_failed", detail="still no", retry=False))
    assert await ids(house) == [said]
    assert await replay(house, letter) == said
    assert await replay(house, said) != said


async def test_a_replay_that_is_refused_leaves_the_letter(house: House) -> None:
    agent = await house.workspace()
    letter = await fail(house, agent)
    limit = house.services.settings.mailbox_limit
    await house.sql("update mailbox set open_count = $2 where workspace_id = $1", agent.id, limit)
    with pytest.raises(TooMany):
        await replay(house, letter)
    assert await ids(house) == [letter]
    await house.sql("update mailbox set open_count = 0 where workspace_id = $1", agent.id)
    await house.services.workspaces.remove(house.operator, agent.id, confirm=True)
    with pytest.raises(Gone):
        await replay(house, letter)
    assert await ids(house, agent) == [letter]
    await house.services.dead_letters.drop(house.operator, letter)
    assert await ids(house, agent) == []


async def test_they_are_for_those_who_manage(house: House) -> None:
    agent = await house.workspace()
    letter = await fail(house, agent)
    letters = house.services.dead_letters
    refused: list[PostroomError] = []
    for act in (letters.list(agent, agent.id, before=None, limit=5), letters.replay(agent, letter), letters.drop(agent, letter)):
        with pytest.raises(Forbidden) as forbidden:
            await act
        refused.append(forbidden.value)
    for missing in (replay(house, uuid4()), letters.drop(house.operator, uuid4())):
        with pytest.raises(NotFound):
            await missing
    assert len(refused) == 3 and await ids(house) == [letter]
    assert len((await house.services.reading.history(house.operator, agent.id, Passage())).entries) == 1


async def test_a_page_costs_what_it_shows_however_many_were_dropped(house: House, dsn: str) -> None:
    agent = await house.workspace()
    await write_lines(house, agent, [("from_people", "t", "x")] * 4000)
    await house.sql(
        """with ended as (
            insert into outcome (message_id, state, error, attempts) select id, 'failed', '{"code": "c", "detail": "d"}', 1 from message
            returning message_id, ended_at)
        insert into dead_letter (message_id, workspace_id, ended_at, dropped_at)
        select message_id, $1, ended_at, case when random() < 0.95 then ended_at end from ended""",
        agent.id,
    )
    connection = await asyncpg.connect(dsn, server_settings={"plan_cache_mode": "force_generic_plan"})
    try:
        await connection.execute("vacuum analyze")
        crowd = Crowd(connection, agent.id, agent.id, house.operator.credential_id)
        for workspace in (None, agent.id):
            assert await crowd.rows("messages", "list_dead_letters", workspace, None, None, 50) < 1000
    finally:
        await connection.close()
