"""The feed: every committed event, once, in one order, whoever writes and however slowly (reliability.md, finding 2)."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from postroom.core.events.model import Event, EventFilter, EventType, Position
from postroom.errors import Forbidden, Gone, Malformed
from tests.core.test_path import answer, claim, draft, hold, send
from tests.support.database import House

WRITERS = 8
EACH = 40


async def _write(dsn: str, workspace: UUID, writer: int) -> None:
    """Commit events, every tenth of them slowly, so that numbers commit out of order."""
    connection = await asyncpg.connect(dsn)
    try:
        for n in range(EACH):
            async with connection.transaction():
                await connection.execute(
                    "insert into event (type, workspace_id, actor_kind, payload) values ('notice.posted', $1, 'server', $2::jsonb)",
                    workspace,
                    f'{{"n": "{writer}-{n}"}}',
                )
                if n % 10 == writer:
                    await connection.execute("select pg_sleep(0.05)")
    finally:
        await connection.close()


async def _follow(house: House, workspace: UUID | None, start: Position, count: int) -> list[Event]:
    seen: list[Event] = []
    position = start
    async with asyncio.timeout(20):
        while len(seen) < count:
            page = await house.services.events.after(workspace, position)
            seen += page
            position = page[-1].position if page else position
    return seen


async def test_follower_misses_nothing_while_many_write(house: House, dsn: str) -> None:
    agent = await house.workspace()
    start = await house.services.events.start(None)
    async with asyncio.TaskGroup() as group:
        follower = group.create_task(_follow(house, agent.id, start, WRITERS * EACH))
        for writer in range(WRITERS):
            group.create_task(_write(dsn, agent.id, writer))
    names = [event.payload["n"] for event in follower.result() if event.type == "notice.posted"]
    assert len(names) == len(set(names)) == WRITERS * EACH
    positions = [event.position for event in follower.result()]
    assert positions == sorted(positions)


async def test_everything_that_happens_to_a_message_is_told_under_its_name(house: House) -> None:
    agent = await house.workspace()
    start = await house.services.events.start(None)
    await send(house, agent)
    [delivery] = await claim(house, agent)
    await house.services.deliveries.report_progress(hold(delivery, agent), {"status": "half"})
    await house.services.deliveries.reply(hold(delivery, agent), answer())
    told = [event.type for event in await house.services.events.after(agent.id, start)]
    assert told == [EventType.ACCEPTED, EventType.HANDED, EventType.PROGRESS, EventType.REPLIED]


async def test_sender_sees_the_end_of_what_it_sent(house: House) -> None:
    lead = await house.workspace("lead")
    agent = await house.workspace("agent", parent_id=lead.id)
    start = await house.services.events.start(None)
    await house.services.messages.accept(lead, draft(agent.id))
    [delivery] = await claim(house, agent)
    await house.services.deliveries.reply(hold(delivery, agent), answer())
    assert EventType.REPLIED in {event.type for event in await house.services.events.after(lead.id, start)}


@pytest.mark.parametrize("everything", [True, False])
async def test_transactions_are_ordered_as_numbers_not_as_text(house: House, everything: bool) -> None:
    agent = await house.workspace()
    await house.sql("truncate event")
    for xid in ("10", "9", "100", "99"):
        await house.sql(
            "insert into event (xid, type, workspace_id, actor_kind) values ($1::text::xid8, 'notice.posted', $2, 'server')", xid, agent.id
        )
    told = await house.services.events.after(None if everything else agent.id, Position(0, 0))
    later = await house.services.events.page(agent.id, cursor=None, before=None, limit=10, only=EventFilter())
    assert [event.position.xid for event in told] == [event.position.xid for event in later] == [9, 10, 99, 100]


async def test_the_feed_is_read_backwards_without_a_gap_though_its_times_are_out_of_order(house: House) -> None:
    agent, events = await house.workspace(), house.services.events
    await house.sql("truncate event")
    for xid, minutes in (("9", 3), ("10", 1), ("10", 2), ("11", 1)):
        await house.sql(
            "insert into event (xid, type, workspace_id, actor_kind, at) values ($1::text::xid8, 'notice.posted', $2, 'server', "
            "now() - make_interval(mins => $3))",
            xid,
            agent.id,
            minutes,
        )
    seen: list[Event] = []
    before = None
    while page := await events.page(agent.id, cursor=None, before=before, limit=1, only=EventFilter()):
        seen = page + seen
        before = page[0].position.encode(events.installation)
    assert [event.position for event in seen] == [event.position for event in await events.after(agent.id, Position(0, 0))]
    assert len(seen) == 4


async def test_workspace_reads_its_own_feed_only(house: House) -> None:
    one, other = await house.workspace("one"), await house.workspace("other")
    house.services.events.permit(one, one.id)
    for theirs in (other.id, None):
        with pytest.raises(Forbidden):
            house.services.events.permit(one, theirs)


async def test_pruned_cursor_is_gone_and_a_foreign_one_is_refused(house: House) -> None:
    agent = await house.workspace()
    await send(house, agent)
    events = house.services.events
    [first, *_] = await events.page(None, cursor=None, before=None, limit=10, only=EventFilter())
    cursor = first.position.encode(events.installation)
    await house.sql("update event set at = at - interval '40 days'")
    await events.prune(30, 1000)
    assert await house.sql("select * from event") == []
    with pytest.raises(Gone):
        await events.start(cursor)
    assert len(await house.sql("select * from message")) == 1
    for foreign in ("0-0", "ffffffff-1-1", Position(2**40, 1).encode(events.installation), "", "x" * 1000):
        with pytest.raises(Malformed):
            await events.start(foreign)
