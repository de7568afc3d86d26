"""Traffic: what an agent and others said to each other, in their mailboxes and its own, a page at a time."""

import random
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

import asyncpg
import pytest

from postroom.core.identity.model import Principal
from postroom.core.messages.model import Stretch, TrafficLine
from postroom.core.messages.reading import SEARCHED
from postroom.core.messages.store import Moment
from postroom.errors import Forbidden, NotFound, Refused
from tests.core.test_delegations import delegate, work_off
from tests.core.test_growth import Crowd
from tests.core.test_path import draft, send
from tests.support.database import House

Told = tuple[str, str | None, str]


async def told(house: House, agent: Principal, **stretch: object) -> list[Told]:
    """Who said what to whom."""
    page = await house.services.reading.traffic(house.operator, agent.id, Stretch(**stretch))  # pyright: ignore[reportArgumentType]
    return [(line.entry.sender_name, line.receiver_name, text(line)) for line in page.lines]


def text(line: TrafficLine) -> str:
    return line.entry.body["parts"][0]["text"]


async def test_both_directions_are_one_conversation_in_the_order_of_time(house: House) -> None:
    lead, clerk, boss = [await house.workspace(name) for name in ("lead", "clerk", "boss")]
    await send(house, lead, "from people, which is no traffic")
    await delegate(house, boss, lead, "boss asks")
    asked = await delegate(house, lead, clerk, "lead asks")
    await work_off(house, clerk, "clerk answers")
    await work_off(house, lead, "to people")
    await work_off(house, lead, "lead answers")
    await work_off(house, lead, "read")
    assert await told(house, lead) == [
        ("boss", "lead", "boss asks"),
        ("lead", "clerk", "lead asks"),
        ("clerk", "lead", "clerk answers"),
        ("lead", "boss", "lead answers"),
        ("lead", None, "read"),
    ]
    page = await house.services.reading.traffic(house.operator, lead.id, Stretch())
    _, sent, post, *_ = page.lines
    assert (sent.entry.state, sent.answer, sent.report) == ("replied", None, None)
    assert post.report == {"delegation_id": str(asked.message_id), "status": "completed"} and post.entry.state == "replied"
    # The other one's view of the same: its answer is a line of its own.
    assert await told(house, clerk) == [("lead", "clerk", "lead asks"), ("clerk", "lead", "clerk answers")]


async def test_what_comes_back_without_a_post_stands_with_what_was_asked(house: House) -> None:
    lead, clerk = await house.workspace("lead"), await house.workspace("clerk")
    await house.services.messages.accept(lead, draft(clerk.id, "asks"))
    [open_line] = (await house.services.reading.traffic(lead, lead.id, Stretch())).lines
    assert (open_line.entry.state, open_line.answer) == ("accepted", None)
    await work_off(house, clerk, "comes back")
    [line] = (await house.services.reading.traffic(lead, lead.id, Stretch())).lines
    assert line.entry.state == "replied" and line.answer and line.answer["body"]["parts"] == [{"text": "comes back"}]
    # Found by its words, and its parts can be read by the one that it was said to.
    assert await told(house, lead, words="COMES") == [("lead", "clerk", "asks")]
    assert await house.services.reading.part(lead, lead.id, UUID(line.answer["id"]), 0) == {"text": "comes back"}
    assert await house.services.reading.part(lead, lead.id, line.entry.id, 0) == {"text": "asks"}
    with pytest.raises(NotFound):
        other = await house.workspace("other")
        await house.services.reading.part(other, other.id, line.entry.id, 0)


async def test_traffic_is_for_those_who_read_the_history(house: House) -> None:
    lead, clerk = await house.workspace("lead"), await house.workspace("clerk")
    with pytest.raises(Forbidden):
        await house.services.reading.traffic(clerk, lead.id, Stretch())
    elsewhere = await send(house, clerk, "not lead's")
    for place in (uuid4(), elsewhere.message_id):
        with pytest.raises(NotFound):
            await house.services.reading.traffic(lead, lead.id, Stretch(before=place))
    with pytest.raises(Refused):
        await house.services.reading.traffic(lead, lead.id, Stretch(around=uuid4(), words="x"))


# Pages


async def write_traffic(house: House, agent: Principal, others: list[Principal], lines: list[tuple[bool, str, str]]) -> list[UUID]:
    """Lines (whether it is sent, thread, text), five to an instant, in the order of time; returns their ids in the order of the view."""
    await house.sql(
        """insert into message (id, workspace_id, seq, role, sender_kind, sender_id, thread_id, task_id, body, chain, report, strand,
            accepted_at)
        select gen_random_uuid(), case when l.sent then o.id else $1 end, 1000000 + l.number, 'user', 'workspace',
            case when l.sent then $1 else o.id end, l.thread, $1,
            jsonb_build_object('parts', jsonb_build_array(jsonb_build_object('text', l.words))), '{}', false, 'agents',
            timestamptz '2026-01-01' + (l.number / 5) * interval '1 ms'
        from unnest($3::bool[], $4::text[], $5::text[]) with ordinality l (sent, thread, words, number),
        lateral (select ($2::uuid[])[l.number % cardinality($2::uuid[]) + 1] as id) o""",
        agent.id,
        [other.id for other in others],
        *(list(column) for column in zip(*lines, strict=True)),
    )
    return [row["id"] for row in await house.sql("select id from message order by accepted_at, id")]


@dataclass(frozen=True)
class Written:
    """Traffic whose every line is known, in order."""

    house: House
    agent: Principal
    lines: list[tuple[UUID, str, str]]

    def expected(self, stretch: Stretch) -> list[UUID]:
        """All lines that a stretch means, by looking at each."""
        return [
            id
            for id, thread, words in self.lines
            if stretch.thread in (None, thread) and (stretch.words is None or stretch.words.lower() in words.lower())
        ]

    async def page(self, stretch: Stretch) -> tuple[list[UUID], UUID | None]:
        page = await self.house.services.reading.traffic(self.house.operator, self.agent.id, stretch)
        assert len(page.lines) <= stretch.limit
        return [line.entry.id for line in page.lines], page.next

    async def walked(self, stretch: Stretch, *, forwards: bool) -> list[UUID]:
        """All pages, one after the other, in the order of time; forwards from the first line on."""
        first = self.lines[0][0]
        found, place = ([id for id in self.expected(stretch) if id == first], first) if forwards else ([], None)
        while True:
            here = replace(stretch, after=place) if forwards else replace(stretch, before=place)
            ids, place = await self.page(here)
            found = found + ids if forwards else ids + found
            if place is None:
                return found


@pytest.fixture(params=[(1, 40), (2, 300), (3, SEARCHED + 237)], ids=["few", "some", "many"])
async def written(house: House, request: pytest.FixtureRequest) -> Written:
    seed, count = request.param
    chance = random.Random(seed)
    agent, others = await house.workspace("agent"), [await house.workspace(f"other {number}") for number in range(3)]
    mostly = chance.random()
    lines = [(chance.random() < mostly, chance.choice("ab"), f"Line {chance.choice('xyz')} {number}") for number in range(count)]
    await write_traffic(house, agent, others, lines)
    rows = await house.sql("select id, thread_id, body #>> '{parts,0,text}' as words from message order by accepted_at, id")
    return Written(house, agent, [(row["id"], row["thread_id"], row["words"]) for row in rows])


@pytest.mark.parametrize("forwards", [False, True], ids=["back", "forth"])
async def test_pages_together_miss_nothing_and_repeat_nothing(written: Written, forwards: bool) -> None:
    for thread in (None, "b", "none"):
        for words in (None, "X 1", "nowhere"):
            stretch = Stretch(thread=thread, words=words, limit=max(len(written.lines) // 9, 7))
            assert await written.walked(stretch, forwards=forwards) == written.expected(stretch), stretch


async def test_a_page_around_a_line_has_what_stands_before_and_after_it(written: Written) -> None:
    every = [id for id, *_ in written.lines]
    for place in (0, 1, len(every) // 2, len(every) - 1):
        for limit in (1, 2, 9):
            ids, following = await written.page(Stretch(around=every[place], limit=limit))
            begins = max(place + 1 - (limit - limit // 2), 0)
            assert ids == every[begins : place + 1 + limit // 2]
            assert following == (every[begins] if begins > 0 else None)


async def test_a_time_leaves_out_what_is_later(written: Written) -> None:
    [row] = await written.house.sql("select accepted_at from message where id = $1", written.lines[20][0])
    ids, _ = await written.page(Stretch(before_time=row["accepted_at"], limit=200))
    rows = await written.house.sql("select id from message where accepted_at < $1 order by accepted_at, id", row["accepted_at"])
    assert ids == [row["id"] for row in rows]


# At size

LONG = 50_000
MOST_ROWS = 1_000


@pytest.fixture
async def street(house: House, dsn: str) -> AsyncGenerator[tuple[Crowd, Moment]]:
    """Very much was asked of an agent, and very much by it, of one that was asked by many."""
    agent, others = await house.workspace("agent"), [await house.workspace(f"other {number}") for number in range(2)]
    ids = await write_traffic(house, agent, others, [(number % 2 == 0, "t", f"line {number}") for number in range(LONG)])
    [row] = await house.sql("select accepted_at, id from message where id = $1", ids[LONG // 2])
    connection = await asyncpg.connect(dsn, server_settings={"plan_cache_mode": "force_generic_plan"})
    await connection.execute("vacuum analyze")
    try:
        yield Crowd(connection, agent.id, others[0].id, house.operator.credential_id), (row["accepted_at"], row["id"])
    finally:
        await connection.close()


async def test_a_page_of_the_traffic_costs_what_it_shows(street: tuple[Crowd, Moment]) -> None:
    crowd, middle = street
    last = (middle[0].replace(year=9999), UUID(int=2**128 - 1))
    for agent in (crowd.busy, crowd.quiet):
        for way in ((*last, None, None), (*middle, None, None), (*last, *middle)):
            assert await crowd.rows("messages", "read_traffic", agent, *way, 51, None, None, 2**24, 50) < MOST_ROWS, way
