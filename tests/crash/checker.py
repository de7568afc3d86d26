"""Judges what a post room did under faults. It shares no code with the server.

It knows two things: what the senders and agents of the test wrote down (``Journal``), and what stands in the database in the end. The
account is that of Jepsen's total-queue checker: everything acknowledged must be there, once, in order, with one answer, at an end.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Any

import asyncpg


@dataclass(frozen=True, slots=True)
class Seen:
    """A hand-out as the agent saw it."""

    mailbox: str
    message: str
    text: str
    attempt: int


@dataclass(slots=True)
class Journal:
    """What the clients know, written down as they learn it: before a send what is meant, after it what was promised."""

    intents: dict[str, str] = field(default_factory=dict[str, str])
    acks: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    seen: list[Seen] = field(default_factory=list[Seen])
    answers: dict[str, str] = field(default_factory=dict[str, str])
    refused: list[str] = field(default_factory=list[str])
    finished: set[str] = field(default_factory=set[str])
    again: list[str] = field(default_factory=list[str])
    retried: Counter[str] = field(default_factory=Counter[str])

    def mean(self, key: str, mailbox: str) -> None:
        self.intents[key] = mailbox

    def acked(self, key: str, message: str) -> None:
        self.acks.append((key, message))

    def replied(self, message: str) -> None:
        """Its agent was told that the reply is kept."""
        self.finished.add(message)

    def saw(self, mailbox: str, message: str, text: str, attempt: int) -> None:
        self.seen.append(Seen(mailbox, message, text, attempt))
        if message in self.finished:
            self.again.append(message)


def answer_to(text: str) -> str:
    """What an honest agent of these tests answers; a text is its message's key."""
    return f"did {text}"


@dataclass(slots=True)
class Verdict:
    """What is wrong; every list must be empty. ``counts`` is for people."""

    lost: list[str] = field(default_factory=list[str])
    unexpected: list[str] = field(default_factory=list[str])
    doubled: list[str] = field(default_factory=list[str])
    disordered: list[str] = field(default_factory=list[str])
    gaps: list[str] = field(default_factory=list[str])
    stuck: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])
    counts: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def faults(self) -> dict[str, list[str]]:
        found = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "counts"}
        return {name: entries[:10] for name, entries in found.items() if entries}


@dataclass(frozen=True, slots=True)
class Row:
    """One message of the database."""

    id: str
    mailbox: str
    seq: int
    key: str | None
    text: str | None
    reply_to: str | None
    state: str | None
    work: bool


_ROWS = """
    select m.id::text, m.workspace_id::text as mailbox, m.seq, m.idempotency_key as key, m.body -> 'parts' -> 0 ->> 'text' as text,
        m.reply_to::text, o.state, w.message_id is not null as work
    from message m left join outcome o on o.message_id = m.id left join work w on w.message_id = m.id
    where m.workspace_id = any($1::uuid[]) order by m.workspace_id, m.seq"""


async def read_rows(dsn: str, mailboxes: Iterable[str]) -> list[Row]:
    """The database as it is, not as the server says it is."""
    connection: Any = await asyncpg.connect(dsn)
    try:
        return [Row(**dict(row)) for row in await connection.fetch(_ROWS, list(mailboxes))]
    finally:
        await connection.close()


async def unfinished(dsn: str, mailboxes: Iterable[str]) -> int:
    """How many messages have no end yet."""
    return sum(row.work for row in await read_rows(dsn, mailboxes))


async def describe_work(dsn: str, mailboxes: Iterable[str]) -> list[dict[str, Any]]:
    """What is unfinished, the first that is due first, for a person who wants to know why."""
    connection: Any = await asyncpg.connect(dsn)
    try:
        found = await connection.fetch(
            "select w.*, w.due_at - clock_timestamp() as due_in from work w where workspace_id = any($1::uuid[]) order by due_at limit 4",
            list(mailboxes),
        )
        return [dict(row) for row in found]
    finally:
        await connection.close()


async def judge(journal: Journal, dsn: str, mailboxes: Iterable[str]) -> Verdict:
    """The verdict on a run that has come to rest."""
    rows = await read_rows(dsn, mailboxes)
    asked = [row for row in rows if row.reply_to is None]
    replies = [row for row in rows if row.reply_to is not None]
    verdict = Verdict()
    _judge_presence(journal, asked, verdict)
    _judge_effects(journal, asked, replies, verdict)
    _judge_order(journal, asked, replies, verdict)
    _judge_numbers(rows, verdict)
    verdict.stuck = [f"{row.id} {row.state}" for row in asked if row.state is None or row.work]
    verdict.counts = _count(journal, asked)
    return verdict


def _judge_presence(journal: Journal, asked: list[Row], verdict: Verdict) -> None:
    present = {row.id: row for row in asked}
    for key, message in journal.acks:
        row = present.get(message)
        if row is None or (row.key, row.text, row.mailbox) != (key, key, journal.intents.get(key)):
            verdict.lost.append(f"{key} acknowledged as {message}: {row}")
    verdict.unexpected = [f"{row.id} {row.key}" for row in asked if row.key not in journal.intents]


def _judge_effects(journal: Journal, asked: list[Row], replies: list[Row], verdict: Verdict) -> None:
    for key, count in Counter(row.key for row in asked).items():
        if count > 1:
            verdict.doubled.append(f"{count} messages with the key {key}")
    for key, messages in _grouped(journal.acks).items():
        if len(messages) > 1:
            verdict.doubled.append(f"{key} was acknowledged as {messages}")
    for key, messages in _grouped((seen.text, seen.message) for seen in journal.seen).items():
        if len(messages) > 1:
            verdict.doubled.append(f"{key} was handed out as {messages}")
    verdict.doubled += [f"{message} was handed out again after its reply was acknowledged" for message in journal.again]
    answered = Counter(row.reply_to for row in replies)
    verdict.doubled += [f"{count} answers to {message}" for message, count in answered.items() if count > 1]
    texts = {row.reply_to: row.text for row in replies}
    done = {seen.message for seen in journal.seen}
    for row in asked:
        if row.state == "replied" and (texts.get(row.id) != answer_to(row.text or "") or row.id not in done):
            verdict.wrong.append(f"{row.id} was answered {texts.get(row.id)!r}, seen by its agent: {row.id in done}")
    verdict.wrong += [f"the sender of {key} heard {said!r}" for key, said in journal.answers.items() if said != answer_to(key)]


def _judge_order(journal: Journal, asked: list[Row], replies: list[Row], verdict: Verdict) -> None:
    """First hand-outs in the order of acceptance, and the answers in that order as well: these mailboxes are strict."""
    numbers = {row.id: row.seq for row in asked}
    firsts: dict[str, list[int]] = defaultdict(list)
    known: set[str] = set()
    for seen in journal.seen:
        if seen.message not in known and seen.message in numbers:
            known.add(seen.message)
            firsts[seen.mailbox].append(numbers[seen.message])
    for row in replies:
        firsts[f"answers of {row.mailbox}"].append(numbers[row.reply_to or ""])
    for place, order in firsts.items():
        verdict.disordered += [f"{place}: {after} after {before}" for before, after in pairwise(order) if after <= before]


def _judge_numbers(rows: list[Row], verdict: Verdict) -> None:
    by_mailbox: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        by_mailbox[row.mailbox].append(row.seq)
    for mailbox, numbers in by_mailbox.items():
        if numbers != list(range(1, len(numbers) + 1)):
            verdict.gaps.append(f"{mailbox} ends at {numbers[-1]} with {len(numbers)} messages")


def _count(journal: Journal, asked: list[Row]) -> dict[str, int]:
    return {
        "intents": len(journal.intents),
        "acks": len(journal.acks),
        "messages": len(asked),
        "hand_outs": len(journal.seen),
        "handed_again": len(journal.seen) - len({seen.message for seen in journal.seen}),
        "retries": journal.retried.total(),
        **{str(row_state): count for row_state, count in Counter(row.state for row in asked).items()},
    }


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for key, value in pairs:
        found[key].add(value)
    return found
