"""A statement reads what it needs, however much there is: counted in rows, by plans that know no parameter's value."""

from collections.abc import AsyncGenerator
from uuid import UUID

import asyncpg
import pytest

from benches.growth.seed import seed
from postroom.core.events.model import EventFilter
from postroom.core.messages.model import Strand
from postroom.db.statements import load
from postroom.edges.presence import Presence
from tests.core.test_path import draft, send
from tests.support.database import House

WAITING = 4_000
MOST_ROWS = 1_000
"""Rows that a statement may touch for a page of 50: the page, its joins, and room for a plan that looks a little further."""
PAGE = 50
# Everything the statements of one transaction fetched; the difference of two looks is what stood between them.
_TOUCHED = "select coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::bigint from pg_stat_xact_user_tables"


class Crowd:
    """A mailbox with many waiting messages, a quiet one, and a connection that plans without looking at parameters."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", busy: UUID, quiet: UUID, credential: UUID) -> None:
        self._connection = connection
        self.busy = busy
        self.quiet = quiet
        self.credential = credential

    async def rows(self, slice_name: str, statement: str, *args: object) -> int:
        """How many rows a statement touches; what it changes is undone."""
        text = str(getattr(load(slice_name), statement))
        turn = self._connection.transaction()
        await turn.start()
        try:
            before = await self._connection.fetchval(_TOUCHED)
            await self._connection.fetch(text, *args)
            return await self._connection.fetchval(_TOUCHED) - before
        finally:
            await turn.rollback()


@pytest.fixture
async def crowd(house: House, dsn: str) -> AsyncGenerator[Crowd]:
    busy, quiet = await house.workspace("busy"), await house.workspace("quiet")
    await send(house, quiet)
    sample = await send(house, busy)
    await seed(dsn, sample.message_id, WAITING)
    connection = await asyncpg.connect(dsn, server_settings={"plan_cache_mode": "force_generic_plan"})
    try:
        assert busy.id is not None and quiet.id is not None and quiet.credential_id is not None
        yield Crowd(connection, busy.id, quiet.id, quiet.credential_id)
    finally:
        await connection.close()


async def test_seeded_messages_are_as_accepted_ones(house: House, crowd: Crowd) -> None:
    sample, seeded = await house.sql(
        "select to_jsonb(m) as said, to_jsonb(w) as work, to_jsonb(e) as event from message m join work w on w.message_id = m.id "
        "join event e on e.message_id = m.id where m.workspace_id = $1 and m.seq <= 2 order by m.seq",
        crowd.busy,
    )
    for table in ("said", "work", "event"):
        assert {key for key, value in sample[table].items() if value is None} - {"idempotency_key"} == {
            key for key, value in seeded[table].items() if value is None
        } - {"idempotency_key"}
    assert seeded["event"]["payload"].keys() == sample["event"]["payload"].keys()
    [box] = await house.sql("select * from mailbox where workspace_id = $1", crowd.busy)
    assert (box["last_seq"], box["open_count"], box["active_count"]) == (WAITING, WAITING, 1)


@pytest.mark.parametrize(
    ("thread", "before", "after"),
    [(None, None, None), (None, WAITING // 2, None), (None, None, WAITING // 2), ("none", None, None), ("none", None, 1)],
)
async def test_page_of_the_history(crowd: Crowd, thread: str | None, before: int | None, after: int | None) -> None:
    args = (thread, before, after, None, PAGE + 1, None, 2**24, PAGE)
    assert await crowd.rows("messages", "read_history", crowd.busy, list(Strand), *args) < MOST_ROWS


@pytest.mark.parametrize("box", ["busy", "quiet"])
async def test_page_of_the_activity(crowd: Crowd, box: str) -> None:
    workspace = getattr(crowd, box)
    assert await crowd.rows("events", "read_recent_events", workspace, None, PAGE, None, None, None, None, None) < MOST_ROWS
    assert await crowd.rows("events", "read_recent_events", workspace, None, PAGE, None, None, None, str(2**62), 1) < MOST_ROWS
    assert await crowd.rows("events", "read_later_events", workspace, "0", 0, None, None, None, PAGE) < MOST_ROWS
    assert await crowd.rows("events", "read_workspace_events", "0", 0, PAGE, workspace) < MOST_ROWS


async def test_whole_feed(crowd: Crowd) -> None:
    assert await crowd.rows("events", "read_recent_events", None, None, PAGE, None, None, None, None, None) < MOST_ROWS
    assert await crowd.rows("events", "read_all_events", "0", 0, PAGE) < MOST_ROWS


@pytest.mark.parametrize("held", [True, False])
async def test_look_into_a_mailbox(crowd: Crowd, held: bool) -> None:
    """A page of it, and what a session holds of it, which here is nothing."""
    assert await crowd.rows("deliveries", "list_post", crowd.busy, PAGE, crowd.credential, held) < MOST_ROWS


async def test_signs_of_life_of_a_session(crowd: Crowd) -> None:
    assert await crowd.rows("deliveries", "extend_kept", [crowd.busy], [crowd.credential], [crowd.credential], [30.0]) < MOST_ROWS


async def test_claim_beside_a_crowd(crowd: Crowd) -> None:
    assert await crowd.rows("deliveries", "claim_post", [crowd.quiet], [crowd.credential], [1], [30.0], 10) < MOST_ROWS


async def test_page_of_the_delegations(house: House, dsn: str) -> None:
    """Of one who has asked for much, all of it open; and of one whose much has ended."""
    asking, asked = await house.workspace("asking"), await house.workspace("asked")
    sample = await house.services.messages.accept(asking, draft(asked.id))
    await seed(dsn, sample.message_id, WAITING)
    connection = await asyncpg.connect(dsn, server_settings={"plan_cache_mode": "force_generic_plan"})
    try:
        crowd = Crowd(connection, asked.id, asking.id, sample.message_id)
        for ended in (False, True):
            if ended:
                await end_all(house)
            for open_only in (False, True):
                args = (asking.id, open_only, None, None, None, None, PAGE)
                assert await crowd.rows("delegations", "list_delegations", *args) < MOST_ROWS, (ended, open_only)
            assert await crowd.rows("delegations", "find_delegation", sample.message_id, asking.id) < MOST_ROWS
            assert await crowd.rows("delegations", "list_tree", sample.message_id, "workspace", asking.id, PAGE) < MOST_ROWS
            assert await crowd.rows("delegations", "list_orphans", PAGE) < MOST_ROWS
    finally:
        await connection.close()


async def end_all(house: House) -> None:
    await house.sql("insert into outcome (message_id, state, error, attempts) select message_id, 'failed', '{}', 1 from work")
    await house.sql("delete from work")
    await house.sql("analyze")


async def test_background_looks(crowd: Crowd) -> None:
    assert await crowd.rows("deliveries", "count_work") < MOST_ROWS
    assert await crowd.rows("deliveries", "age_work") < MOST_ROWS
    assert await crowd.rows("deliveries", "list_queues", 10) < MOST_ROWS
    assert await crowd.rows("deliveries", "reap_work", 10, PAGE) < MOST_ROWS
    assert await crowd.rows("deliveries", "repair_work") < MOST_ROWS
    assert await crowd.rows("events", "prune_events", 30, PAGE) < MOST_ROWS


async def test_who_was_heard_of_is_forgotten(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Agents come and go; what a server remembers of them is bounded by how many speak within some seconds."""
    clock = iter(range(0, 1000, 2))
    monkeypatch.setattr("postroom.edges.presence.monotonic", lambda: float(next(clock)))
    presence = Presence(house.services.agents)
    for number in range(20):
        agent = await house.workspace(f"agent {number}")
        assert agent.id is not None
        await presence.touch(agent.id)
    assert len(presence._noted) == 3  # two seconds apart, five seconds long
    assert len(await house.sql("select * from presence where seen_at is not null")) == 20


async def test_pruning_goes_on_until_nothing_old_is_left(house: House, crowd: Crowd) -> None:
    events = house.services.events
    await house.sql("update event set at = at - interval '40 days'")
    await send(house, await house.workspace("later"))
    turns = 1
    while await events.prune(30, WAITING // 3):
        turns += 1
    assert turns > 3
    left = await events.page(None, cursor=None, before=None, limit=PAGE, only=EventFilter())
    assert {event.type for event in left} == {"workspace.created", "message.accepted"} and len(left) == 2
