"""The account of the messages: what was promised, what is there, what took effect."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from itertools import pairwise

from tests.crash.checker.database import ENDS, Event, Row, read_events, read_rows
from tests.crash.checker.journal import Journal, answer_to, end_of
from tests.crash.checker.reports import judge_reports
from tests.crash.checker.verdict import Verdict

COME_TO_NOTHING = ("failed", "expired")


async def judge(journal: Journal, dsn: str, mailboxes: Iterable[str], *, ends: Collection[str] = ()) -> Verdict:
    """The verdict on the messages of a run that has come to rest; ``ends`` are those that any may have beside an answer."""
    mailboxes = list(mailboxes)
    for key, mailbox in journal.intents.items():
        journal.mean(key, mailbox, *ends)
    return judge_messages(journal, await read_rows(dsn, mailboxes), await read_events(dsn, mailboxes))


def judge_messages(journal: Journal, rows: list[Row], events: list[Event], *, loose: Collection[str] = ()) -> Verdict:
    """The same on what was read. ``loose`` mailboxes hand out several at a time: no order is due."""
    asked = [row for row in rows if row.reply_to is None or row.told is not None]
    replies = [row for row in rows if row.reply_to is not None and row.told is None]
    verdict = Verdict()
    _judge_presence(journal, asked, verdict)
    _judge_single(journal, asked, replies, verdict)
    _judge_events(asked, events, verdict)
    _judge_ends(journal, asked, verdict)
    _judge_answers(journal, asked, replies, verdict)
    _judge_order(journal, asked, replies, verdict, loose)
    _judge_numbers(rows, verdict)
    judge_reports(asked, replies, verdict)
    verdict.stuck += [f"{row.id} {row.state}" for row in asked if row.state is None or row.work]
    verdict.counts = _count(journal, asked)
    return verdict


def _name(journal: Journal, row: Row) -> str:
    """What the sender calls a message: its key, or its text where a client makes the keys by itself; post about an end is called so."""
    if row.told is not None:
        return end_of(row.told)
    return row.key if row.key in journal.intents else row.text or ""


def _judge_presence(journal: Journal, asked: list[Row], verdict: Verdict) -> None:
    present = {row.id: row for row in asked}
    for key, message in journal.acks:
        row = present.get(message)
        if row is None or (_name(journal, row), row.text, row.mailbox) != (key, key, journal.intents.get(key)):
            verdict.lost.append(f"{key} acknowledged as {message}: {row}")
    verdict.unexpected += [f"{row.id} {row.key}" for row in asked if row.told is None and _name(journal, row) not in journal.intents]
    known, there = {key for key, _ in [*journal.acks, *journal.answers, *journal.ends]}, {row.text for row in asked}
    verdict.unresolved += [f"{key}: in the database: {key in there}" for key in journal.intents if key not in known]


def _judge_single(journal: Journal, asked: list[Row], replies: list[Row], verdict: Verdict) -> None:
    for key, count in Counter(_name(journal, row) for row in asked).items():
        if count > 1:
            verdict.doubled.append(f"{count} messages with the key {key}")
    for key, messages in _grouped(journal.acks).items():
        if len(messages) > 1:
            verdict.doubled.append(f"{key} was acknowledged as {messages}")
    for key, messages in _grouped((seen.text, seen.message) for seen in journal.seen).items():
        if len(messages) > 1:
            verdict.doubled.append(f"{key} was handed out as {messages}")
    for key, texts in _grouped(journal.answers).items():
        if len(texts) > 1:
            verdict.doubled.append(f"the sender of {key} heard {texts}")
    verdict.doubled += [f"{message} was handed out again after its answer counted" for message in _handed_after_the_end(journal)]
    answered = Counter(row.reply_to for row in replies)
    verdict.doubled += [f"{count} answers to {message}" for message, count in answered.items() if count > 1]


def _handed_after_the_end(journal: Journal) -> set[str]:
    """What arrives late may have left early: it is the number of the attempt that tells."""
    ended = {told.message: told.at for told in reversed(journal.told)}
    before: dict[str, int] = defaultdict(int)
    for seen in journal.seen:
        if seen.at <= ended.get(seen.message, 0.0):
            before[seen.message] = max(before[seen.message], seen.attempt)
    return {seen.message for seen in journal.seen if seen.message in before and seen.attempt > before[seen.message]}


def _judge_events(asked: list[Row], events: list[Event], verdict: Verdict) -> None:
    """The history has one acceptance and one end of each message, and the end that the message has."""
    accepted = Counter(event.message for event in events if event.type == "message.accepted")
    ends: dict[str | None, list[str]] = defaultdict(list)
    for event in events:
        if event.type in ENDS:
            ends[event.message].append(event.type)
    for row in asked:
        if accepted[row.id] > 1 or len(ends[row.id]) > 1:
            verdict.doubled.append(f"{row.id}: accepted {accepted[row.id]} times, ends {ends[row.id]}")
        if not accepted[row.id] or (row.state is not None and ends[row.id][:1] != [f"message.{row.state}"]):
            verdict.missing.append(f"{row.id} {row.state}: accepted {accepted[row.id]} times, ends {ends[row.id]}")


def _judge_ends(journal: Journal, asked: list[Row], verdict: Verdict) -> None:
    by_name = {_name(journal, row): row for row in asked}
    for name, row in by_name.items():
        if row.state not in (None, "replied", *journal.allowed.get(name, ())):
            verdict.wrong.append(f"{row.id} is {row.state}, which nobody asked for")
    verdict.wrong += [f"{row.id} is {row.state}, a dead letter: {row.dead}" for row in asked if row.dead != (row.state in COME_TO_NOTHING)]
    for key, state in journal.ends:
        if (row := by_name.get(key)) is None or row.state != state:
            verdict.wrong.append(f"the sender of {key} was told {state}: {row}")


def _judge_answers(journal: Journal, asked: list[Row], replies: list[Row], verdict: Verdict) -> None:
    texts = {row.reply_to: row.text or "" for row in replies}
    done = {seen.message for seen in journal.seen}
    names = {_name(journal, row): row.id for row in asked}
    for row in asked:
        given = texts.get(row.id, "")
        if row.state == "replied" and (not _is_answer(given, row.text if row.told is None else end_of(row.told)) or row.id not in done):
            verdict.wrong.append(f"{row.id} was answered {given!r}, seen by its agent: {row.id in done}")
    for key, said in journal.answers:
        if texts.get(names.get(key)) != said:
            verdict.wrong.append(f"the sender of {key} heard {said!r}, and there is {texts.get(names.get(key))!r}")
    for told in journal.told:
        if texts.get(told.message) != told.text:
            verdict.wrong.append(f"the agent was told that {told.text!r} counts for {told.message}: {texts.get(told.message)!r}")


def _is_answer(given: str, text: str | None) -> bool:
    return given == answer_to(text or "") or given.startswith(answer_to(text or "") + " ")


def _judge_order(journal: Journal, asked: list[Row], replies: list[Row], verdict: Verdict, loose: Collection[str]) -> None:
    """First hand-outs in the order of acceptance, and the answers in that order as well: these mailboxes are strict.

    A message that was ended from outside makes room while it may still be on its way to an agent, so its own place says nothing.
    """
    numbers = {row.id: row.seq for row in asked if row.state == "replied"}
    firsts: dict[str, list[int]] = defaultdict(list)
    known: set[str] = set()
    for seen in journal.seen:
        if seen.mailbox not in loose and seen.message not in known and seen.message in numbers:
            known.add(seen.message)
            firsts[seen.mailbox].append(numbers[seen.message])
    for row in replies:
        if row.mailbox not in loose and row.reply_to in numbers:
            firsts[f"answers of {row.mailbox}"].append(numbers[row.reply_to])
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
    handed = {seen.message for seen in journal.seen}
    there_before = [row for row in asked if row.accepted < journal.unknown.get(_name(journal, row), 0.0)]
    return {
        "attempted": len(journal.intents),
        "acknowledged": len({key for key, _ in journal.acks}),
        "acks": len(journal.acks),
        "ok": sum(row.state is not None for row in asked),
        "messages": len(asked),
        "reports": sum(row.told is not None for row in asked),
        "heard": len({key for key, _ in journal.answers}),
        "hand_outs": len(journal.seen),
        "handed_again": len(journal.seen) - len(handed),
        "answers_told": len(journal.told),
        "retries": journal.retried.total(),
        "unknown": len(journal.unknown),
        "unknown_there": len(there_before),
        **{str(row_state): count for row_state, count in Counter(row.state for row in asked).items()},
    }


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for key, value in pairs:
        found[key].add(value)
    return found
