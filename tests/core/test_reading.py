"""Reading: conversations a page at a time, apart for people and agents, and marks that move forward only."""

import asyncio
import random
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from postroom.core.events.model import EventFilter
from postroom.core.identity.model import Principal, PrincipalKind
from postroom.core.messages.model import Chat, Draft, Entry, Passage, Strand
from postroom.core.messages.reading import SEARCHED
from postroom.errors import Forbidden, Gone, Refused
from tests.core.test_growth import Crowd
from tests.core.test_path import answer, claim, draft, hold, send
from tests.support.database import House

PEOPLE = (Strand.FROM_PEOPLE, Strand.TO_PEOPLE)


async def person(house: House) -> Principal:
    """Somebody with a browser."""
    identity = house.services.identity
    session = await identity.open_session(await identity.make_login_code(), label=None)
    found = await identity.authenticate(session.token)
    assert found.kind is PrincipalKind.PERSON
    return found


async def reply(house: House, agent: Principal, text: str) -> None:
    [delivery] = await claim(house, agent)
    await house.services.deliveries.reply(hold(delivery, agent), answer(text))


async def notify(house: House, agent: Principal, text: str) -> None:
    body = {"messageId": "n", "parts": [{"text": text}]}
    await house.services.messages.notify(agent, Draft(workspace_id=agent.id, body=body, size=0))


async def texts(house: House, agent: Principal, **passage: Any) -> list[str]:
    page = await house.services.reading.history(house.operator, agent.id, Passage(**passage))
    return [said(entry) for entry in page.entries]


def said(entry: Entry) -> str:
    return "\n".join(part["text"] for part in entry.body["parts"] if "text" in part)


async def chat(house: House, reader: Principal, agent: Principal) -> Chat:
    [found] = [chat for chat in await house.services.reading.chats(reader) if chat.workspace_id == agent.id]
    return found


async def test_what_people_and_what_agents_say_are_two_conversations(house: House) -> None:
    lead = await house.workspace("lead")
    clerk = await house.workspace("clerk", parent_id=lead.id)
    await send(house, lead, "from a person")
    await house.services.delegations.delegate(lead, lead.id, draft(clerk.id, "from lead", report=True))
    await reply(house, clerk, "for lead")
    await reply(house, lead, "for the person")
    await reply(house, lead, "read the report")
    await notify(house, lead, "by the way")
    assert await texts(house, lead, strands=PEOPLE) == ["from a person", "for the person", "by the way"]
    assert await texts(house, lead, strands=(Strand.AGENTS,)) == ["for lead", "read the report"]
    assert await texts(house, clerk, strands=PEOPLE) == []
    assert await texts(house, clerk, strands=(Strand.AGENTS,)) == ["from lead", "for lead"]


async def test_unread_is_what_the_agent_said_to_people_since(house: House) -> None:
    agent, other = await house.workspace("agent"), await house.workspace("other")
    for reader in (house.operator, await person(house)):
        assert await chat(house, reader, other) == Chat(workspace_id=other.id, read_seq=0, unread=0, last=None)
    await send(house, agent, "one")
    await reply(house, agent, "two")
    await house.services.messages.accept(other, draft(agent.id, "not for people"))
    await reply(house, agent, "nor this")
    found = await chat(house, house.operator, agent)
    assert (found.unread, found.read_seq, found.last and found.last.preview) == (1, 0, "two")
    await notify(house, agent, "three")
    found = await chat(house, house.operator, agent)
    assert (found.unread, found.last and (found.last.preview, found.last.role, found.last.sender_name)) == (2, ("three", "agent", "agent"))
    marked = await house.services.reading.mark_read(house.operator, agent.id, 2)
    assert (marked.read_seq, marked.unread) == (2, 1)
    await send(house, agent, "four")
    found = await chat(house, house.operator, agent)
    assert (found.unread, found.last and (found.last.preview, found.last.state)) == (1, ("four", "accepted"))
    # The most recently spoken comes first, and what was never spoken last.
    assert [chat.workspace_id for chat in await house.services.reading.chats(house.operator)] == [agent.id, other.id]


async def test_a_file_without_words_is_previewed_by_its_name(house: House) -> None:
    agent = await house.workspace()
    body = {"messageId": "m", "parts": [{"raw": "aGk=", "filename": "report.pdf"}]}
    await house.services.messages.accept(house.operator, Draft(workspace_id=agent.id, body=body, size=1))
    found = await chat(house, house.operator, agent)
    assert found.last and found.last.preview == "report.pdf"


async def test_marks_are_each_readers_own_and_never_move_back(house: House) -> None:
    agent, you = await house.workspace(), await person(house)
    for number in range(3):
        await notify(house, agent, str(number))
    reading = house.services.reading
    assert [(await reading.mark_read(you, agent.id, seq)).read_seq for seq in (0, 2, 1, 0, 2)] == [0, 2, 2, 2, 2]
    assert (await chat(house, house.operator, agent)).unread == 3
    # Nothing that is still to come has been read.
    assert (await reading.mark_read(you, agent.id, 2**62)).read_seq == 3
    await notify(house, agent, "later")
    assert (await chat(house, you, agent)).unread == 1
    events = await house.services.events.page(agent.id, cursor=None, before=None, limit=50, only=EventFilter(type="mailbox.read"))
    assert [(event.payload, event.actor_kind, event.actor_id) for event in events] == [
        ({"seq": 2}, "person", you.id),
        ({"seq": 3}, "person", you.id),
    ]


async def test_devices_of_one_reader_that_race_end_at_the_furthest(house: House) -> None:
    agent = await house.workspace()
    for number in range(30):
        await notify(house, agent, str(number))
    seqs = list(range(1, 31)) * 2
    random.Random(7).shuffle(seqs)
    async with asyncio.TaskGroup() as group:
        marks = [group.create_task(house.services.reading.mark_read(house.operator, agent.id, seq)) for seq in seqs]
    assert all(mark.result().read_seq >= seq for mark, seq in zip(marks, seqs, strict=True))
    assert (await chat(house, house.operator, agent)).read_seq == 30
    events = await house.services.events.page(agent.id, cursor=None, before=None, limit=200, only=EventFilter(type="mailbox.read"))
    told = [event.payload["seq"] for event in events]
    assert told[-1] == 30 and len(set(told)) == len(told)


async def test_unread_is_counted_up_to_100(house: House) -> None:
    agent = await house.workspace()
    await write_lines(house, agent, [("to_people", "t", "x")] * 150)
    assert (await chat(house, house.operator, agent)).unread == 100
    assert (await house.services.reading.mark_read(house.operator, agent.id, 51)).unread == 99


async def test_an_agent_sees_no_chats_and_marks_nothing(house: House) -> None:
    agent = await house.workspace()
    with pytest.raises(Forbidden):
        await house.services.reading.chats(agent)
    with pytest.raises(Forbidden):
        await house.services.reading.mark_read(agent, agent.id, 1)
    await house.services.workspaces.remove(house.operator, agent.id, confirm=True)
    with pytest.raises(Gone):
        await house.services.reading.mark_read(house.operator, agent.id, 1)
    assert await house.services.reading.chats(house.operator) == []


async def test_what_is_worked_on_shows_how_far_it_is(house: House) -> None:
    agent = await house.workspace()
    await send(house, agent, "work")
    [waiting] = (await house.services.reading.history(house.operator, agent.id, Passage())).entries
    assert (waiting.state, waiting.handed_at, waiting.progress, waiting.ended_at, waiting.attempt) == ("accepted", None, None, None, 0)
    [delivery] = await claim(house, agent)
    for words in ("begun", "half"):
        await house.services.deliveries.report_progress(hold(delivery, agent), {"parts": [{"text": words}], "status": "on it"})
    await house.services.deliveries.cancel(delivery.message_id, "operator", house.operator.id)
    [handed] = (await house.services.reading.history(house.operator, agent.id, Passage())).entries
    assert handed.handed_at and handed.progress and handed.cancel_requested
    assert (handed.progress["parts"], handed.progress["status"], handed.attempt) == ([{"text": "half"}], "on it", 1)
    await house.services.deliveries.reply(hold(delivery, agent), answer("whole"))
    asked, told = (await house.services.reading.history(house.operator, agent.id, Passage())).entries
    assert asked.ended_at and (asked.progress, asked.handed_at, asked.cancel_requested) == (None, None, False)
    assert (told.ended_at, told.attempt, told.state) == (None, None, None)


# Pages


async def write_lines(house: House, agent: Principal, lines: list[tuple[str, str, str]]) -> None:
    """Lines (strand, thread, text) straight into the history, from seq 1 on."""
    await house.sql(
        """insert into message (id, workspace_id, seq, role, sender_kind, sender_id, thread_id, task_id, body, chain, report, strand)
        select uuidv7(), $1, l.seq, case l.strand when 'to_people' then 'agent' else 'user' end,
            case l.strand when 'from_people' then 'operator' else 'workspace' end, $1, l.thread, $1,
            jsonb_build_object('parts', jsonb_build_array(jsonb_build_object('text', l.words))), '{}', false, l.strand
        from unnest($2::text[], $3::text[], $4::text[]) with ordinality l (strand, thread, words, seq)""",
        agent.id,
        *(list(column) for column in zip(*lines, strict=True)),
    )
    await house.sql("update mailbox set last_seq = $2 where workspace_id = $1", agent.id, len(lines))


@dataclass(frozen=True)
class Written:
    """A conversation whose every line is known."""

    house: House
    agent: Principal
    lines: list[tuple[str, str, str]]

    def expected(self, passage: Passage) -> list[int]:
        """The seqs of all lines that a passage means, by looking at each."""
        return [
            seq
            for seq, (strand, thread, words) in enumerate(self.lines, start=1)
            if strand in passage.strands
            and passage.thread in (None, thread)
            and (passage.words is None or passage.words.lower() in words.lower())
        ]

    async def walked(self, passage: Passage, *, forwards: bool) -> list[int]:
        """The seqs of all pages, one after the other, in the order of the conversation."""
        found: list[int] = []
        here = replace(passage, after=0) if forwards else passage
        while True:
            page = await self.house.services.reading.history(self.house.operator, self.agent.id, here)
            seqs = [entry.seq for entry in page.entries]
            assert len(seqs) <= passage.limit
            found = found + seqs if forwards else seqs + found
            if page.next is None:
                return found
            here = replace(passage, after=page.next) if forwards else replace(passage, before=page.next)


@pytest.fixture(params=[(1, 60), (2, 400), (3, SEARCHED * 2 + 37)], ids=["few", "some", "many"])
async def written(house: House, request: pytest.FixtureRequest) -> Written:
    seed, count = request.param
    chance = random.Random(seed)
    agent, strands = await house.workspace(), [strand.value for strand in Strand]
    weights = [chance.random() ** 4 + 0.001 for _ in strands]
    words = ["Straße", "STRASSE", "100%", "a_b", "näher", "NÄHER", "back\\slash", "plain"]
    lines = [
        (chance.choices(strands, weights)[0], chance.choice("abc"), " ".join(chance.choices(words, k=2)) + f" {number}")
        for number in range(count)
    ]
    # At both ends, and nowhere between: a search that goes on past all that does not have it finds the other one.
    for end in (0, -1):
        lines[end] = (*lines[end][:2], "needle")
    await write_lines(house, agent, lines)
    return Written(house, agent, lines)


@pytest.mark.parametrize("forwards", [False, True], ids=["back", "forth"])
@pytest.mark.parametrize("words", [None, "nÄHer", "100%", "a_b", "\\", "1", "needle", "nowhere"])
async def test_pages_together_miss_nothing_and_repeat_nothing(written: Written, words: str | None, forwards: bool) -> None:
    for strands in (tuple(Strand), PEOPLE, (Strand.AGENTS,)):
        for thread in (None, "b", "none"):
            passage = Passage(strands=strands, thread=thread, words=words, limit=len(written.lines) // 9)
            assert await written.walked(passage, forwards=forwards) == written.expected(passage), passage


async def test_a_search_through_large_messages_stops_sooner_and_misses_nothing(house: House) -> None:
    """Files within messages: each call looks at so many bytes, and at one message at least."""
    agent = await house.workspace()
    large = random.Random(5).randbytes(1_500_000).hex()
    await write_lines(house, agent, [("to_people", "t", f"{large} line {number}") for number in range(12)])
    house_of = Written(house, agent, [("to_people", "t", f"line {number}") for number in range(12)])
    for forwards in (False, True):
        passage = Passage(words="line 1", limit=50)
        assert await house_of.walked(passage, forwards=forwards) == house_of.expected(passage)
    page = await house.services.reading.history(house.operator, agent.id, Passage(words="nowhere"))
    assert page.next is not None and 1 < page.next < 11


async def test_a_page_around_a_place_has_what_stands_before_and_after_it(written: Written) -> None:
    reading, count = written.house.services.reading, len(written.lines)
    for strands in (tuple(Strand), PEOPLE):
        every = written.expected(Passage(strands=strands))
        for place in (0, 1, count // 2, count, 10 * count, 2**63 - 1):
            for limit in (1, 2, 9):
                passage = Passage(strands=strands, around=place, limit=limit)
                page = await reading.history(written.house.operator, written.agent.id, passage)
                before, after = [seq for seq in every if seq <= place], [seq for seq in every if seq > place]
                shown = before[-(limit - limit // 2) :]
                assert [entry.seq for entry in page.entries] == shown + after[: limit // 2]
                assert page.next == (shown[0] if len(before) > len(shown) else None)


async def test_a_place_to_open_at_goes_with_no_other(house: House) -> None:
    agent = await house.workspace()
    for passage in (Passage(around=1, before=1), Passage(around=1, after=1), Passage(around=1, words="x")):
        with pytest.raises(Refused):
            await house.services.reading.history(house.operator, agent.id, passage)


# At size

LONG, MANY = 100_000, 500
MOST_ROWS = 1_000


@dataclass(frozen=True)
class Town:
    """Many agents; one of them has heard very much, of which hardly anything was between it and people."""

    crowd: Crowd
    agent: UUID


@pytest.fixture
async def town(house: House, dsn: str) -> AsyncGenerator[Town]:
    agent = await house.workspace("much")
    lines = [("agents", "t", f"line {number}") for number in range(LONG)]
    for place in (10, LONG // 2, LONG - 10):
        lines[place] = ("to_people", "t", "for people")
    await write_lines(house, agent, lines)
    await house.sql(
        """with made as (
            insert into workspace (id, name, delivery_mode) select uuidv7(), 'w' || n, 'poll' from generate_series(2, $1) n returning id)
        insert into mailbox (workspace_id) select id from made""",
        MANY,
    )
    connection = await asyncpg.connect(dsn, server_settings={"plan_cache_mode": "force_generic_plan"})
    await connection.execute("vacuum analyze")
    try:
        yield Town(Crowd(connection, agent.id, agent.id, house.operator.credential_id), agent.id)
    finally:
        await connection.close()


async def test_chats_and_rare_lines_cost_what_they_show(house: House, town: Town) -> None:
    for thread in (None, "t"):
        for way in ((None, None), (LONG // 2, None), (None, LONG // 2)):
            rare = (town.agent, list(PEOPLE), thread, *way, None, 51, None, 2**24, 50)
            assert await town.crowd.rows("messages", "read_history", *rare) < MOST_ROWS
            often = (town.agent, list(Strand), thread, *way, None, 51, None, 2**24, 50)
            assert await town.crowd.rows("messages", "read_history", *often) < MOST_ROWS
    # A workspace, a mark and the newest line of it each.
    assert await town.crowd.rows("messages", "list_chats", house.operator.id, None) < MANY * 10
    assert await town.crowd.rows("messages", "list_chats", house.operator.id, town.agent) < MOST_ROWS
    began = perf_counter()
    chats = await house.services.reading.chats(house.operator)
    print(f"chats of {MANY} workspaces: {(perf_counter() - began) * 1000:.1f} ms")
    assert len(chats) == MANY and chats[0].unread == 3
