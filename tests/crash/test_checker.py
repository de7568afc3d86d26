"""The checker can be made to complain: an honest account, and one lie at a time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.crash.checker import Event, Journal, Row, answer_to, end_of, read_rows
from tests.crash.checker.feeds import judge_feeds
from tests.crash.checker.messages import judge_messages
from tests.crash.checker.public import Resident, Run, judge_public
from tests.crash.checker.verdict import Verdict
from tests.crash.load import House, fetched_mailbox, make_mailbox
from tests.support.server import ServerProcess

BOX, STRANGER, SENDER = "box", "stranger", "sender"
LATE = 1e9


@dataclass
class Account:
    """A run of three messages to a strict mailbox: a, b and c, each acknowledged, handed out, answered and shown."""

    journal: Journal
    rows: list[Row]
    events: list[Event]

    @property
    def verdict(self) -> Verdict:
        """What the checker says."""
        verdict = judge_messages(self.journal, self.rows, self.events)
        judge_feeds(self.journal, self.events, verdict)
        return verdict

    def row(self, id: str, **changed: object) -> None:
        """Another row in place of this one."""
        place = next(number for number, row in enumerate(self.rows) if row.id == id)
        self.rows[place] = replace(self.rows[place], **changed)


def honest() -> Account:
    journal, rows, events = Journal(), list[Row](), list[Event]()
    journal.follow("all", None, "i-0-0")
    journal.follow("box", BOX, "i-0-0")
    for number, key in enumerate("abc"):
        message, answer = f"message {key}", f"{answer_to(key)} #1"
        journal.mean(key, BOX)
        journal.acked(key, message)
        journal.saw(BOX, message, key, 1)
        journal.counted(message, answer)
        journal.heard(key, answer)
        rows.append(Row(message, BOX, number + 1, "user", SENDER, key, key, None, "replied", False, 1.0))
        rows.append(Row(f"reply {key}", BOX, number + 4, "agent", BOX, None, answer, message, None, False, 2.0))
        for place, type in enumerate(("accepted", "handed", "replied")):
            events.append(Event(number + 1, place, f"message.{type}", BOX, None, message, SENDER, 1.0))
    rows.sort(key=lambda row: row.seq)
    for feed in ("all", "box"):
        for event in events:
            journal.show(feed, f"i-{event.xid}-{event.id}", event.type, event.workspace, event.message)
        journal.leave(feed, LATE)
    return Account(journal, rows, events)


def test_an_honest_account_holds() -> None:
    assert honest().verdict.faults == {}
    assert with_a_report().verdict.faults == {}


def acknowledged_and_gone(account: Account) -> None:
    account.journal.mean("d", BOX)
    account.journal.acked("d", "message d")


def kept_under_another_id(account: Account) -> None:
    account.journal.acks[0] = ("a", "message z")


def kept_with_another_text(account: Account) -> None:
    account.row("message a", text="tampered")


def never_sent(account: Account) -> None:
    del account.journal.intents["b"]


def shown_and_never_committed(account: Account) -> None:
    account.journal.show("all", "i-9-9", "message.accepted", BOX, "message z")


def two_messages_of_one_key(account: Account) -> None:
    account.rows.append(Row("message a2", BOX, 7, "user", SENDER, "a", "a", None, "replied", False, 1.0))


def two_acknowledgements(account: Account) -> None:
    account.journal.acked("a", "message b")


def two_answers(account: Account) -> None:
    account.rows.append(Row("reply a2", BOX, 7, "agent", BOX, None, "did a #2", "message a", None, False, 2.0))


def two_ends(account: Account) -> None:
    account.events.append(Event(8, 0, "message.failed", BOX, None, "message a", SENDER, LATE + 1))


def handed_out_after_its_end(account: Account) -> None:
    account.journal.saw(BOX, "message a", "a", 2)


def two_answers_heard(account: Account) -> None:
    account.journal.heard("a", "did a #2")


def handed_out_in_another_order(account: Account) -> None:
    account.journal.seen.reverse()


def a_feed_in_another_order(account: Account) -> None:
    account.journal.feeds["all"].shown.reverse()


def a_number_is_left_out(account: Account) -> None:
    account.row("reply c", seq=9)


def without_an_end(account: Account) -> None:
    account.row("message c", state=None, work=True)


def ended_and_still_at_work(account: Account) -> None:
    account.row("message c", work=True)


def answered_by_nobody(account: Account) -> None:
    account.journal.seen = [seen for seen in account.journal.seen if seen.text != "b"]


def answered_with_the_answer_of_another(account: Account) -> None:
    account.row("reply b", text="did c #1")


def failed_for_no_reason(account: Account) -> None:
    account.row("message a", state="failed")


def answered_and_yet_a_dead_letter(account: Account) -> None:
    account.row("message a", dead=True)


def told_an_end_that_it_has_not(account: Account) -> None:
    account.journal.ended("a", "expired")


def the_agent_was_told_that_another_answer_counts(account: Account) -> None:
    account.journal.counted("message a", "did a #2")


def not_known(account: Account) -> None:
    account.journal.mean("d", BOX)
    account.journal.doubted("d", "503")


def an_end_without_an_event(account: Account) -> None:
    account.events = [event for event in account.events if (event.type, event.message) != ("message.replied", "message c")]
    for feed in account.journal.feeds.values():
        feed.shown.pop()


def not_shown(account: Account) -> None:
    del account.journal.feeds["box"].shown[4]


def shown_twice(account: Account) -> None:
    shown = account.journal.feeds["box"].shown
    shown.insert(4, shown[4])


def shown_to_a_stranger(account: Account) -> None:
    account.journal.follow("stranger", STRANGER, "i-0-0")
    account.journal.show("stranger", "i-1-0", "message.accepted", BOX, "message a")


def let_in(account: Account) -> None:
    account.journal.leak("history: 200")


LIES: list[tuple[Callable[[Account], None], set[str]]] = [
    (acknowledged_and_gone, {"lost"}),
    (kept_under_another_id, {"lost"}),
    (kept_with_another_text, {"lost", "wrong"}),
    (never_sent, {"unexpected", "lost"}),
    (shown_and_never_committed, {"unexpected"}),
    (two_messages_of_one_key, {"doubled", "missing", "wrong"}),
    (two_acknowledgements, {"doubled", "lost"}),
    (two_answers, {"doubled", "disordered", "wrong"}),
    (two_ends, {"doubled"}),
    (handed_out_after_its_end, {"doubled"}),
    (two_answers_heard, {"doubled", "wrong"}),
    (handed_out_in_another_order, {"disordered"}),
    (a_feed_in_another_order, {"disordered"}),
    (a_number_is_left_out, {"gaps"}),
    (without_an_end, {"stuck"}),
    (ended_and_still_at_work, {"stuck"}),
    (answered_by_nobody, {"wrong"}),
    (answered_with_the_answer_of_another, {"wrong"}),
    (failed_for_no_reason, {"wrong", "missing"}),
    (answered_and_yet_a_dead_letter, {"wrong"}),
    (told_an_end_that_it_has_not, {"wrong"}),
    (the_agent_was_told_that_another_answer_counts, {"wrong"}),
    (not_known, {"unresolved"}),
    (an_end_without_an_event, {"missing"}),
    (not_shown, {"missing"}),
    (shown_twice, {"repeated"}),
    (shown_to_a_stranger, {"forbidden"}),
    (let_in, {"forbidden"}),
]


def with_a_report() -> Account:
    """The same, and the sender of c is a workspace that is told of its end, and has read that."""
    account = honest()
    account.row("message c", report=True)
    account.journal.saw(SENDER, "report c", end_of("message c"), 1)
    account.rows.append(Row("report c", SENDER, 1, "user", BOX, None, f"{answer_to('c')} #1", "message c", "replied", False, 3.0))
    account.rows.append(Row("reply d", SENDER, 2, "agent", SENDER, None, answer_to(end_of("message c")), "report c", None, False, 4.0))
    for place, type in enumerate(("accepted", "handed", "replied")):
        account.events.append(Event(7, place, f"message.{type}", SENDER, None, "report c", BOX, LATE + 1))
    return account


def not_told(account: Account) -> None:
    account.rows = [row for row in account.rows if row.mailbox != SENDER]


def told_twice(account: Account) -> None:
    account.rows.append(replace(account.rows[-2], id="report c2", seq=3))


def told_without_having_asked(account: Account) -> None:
    account.row("message c", report=False)


def told_of_something_else(account: Account) -> None:
    account.row("report c", reply_to="message z")


def told_to_somebody_else(account: Account) -> None:
    account.row("report c", mailbox=STRANGER)
    account.row("reply d", seq=1)


def told_other_words(account: Account) -> None:
    account.row("report c", text="did b #1")


def read_twice(account: Account) -> None:
    account.journal.saw(SENDER, "report c2", end_of("message c"), 1)


REPORTED_LIES: list[tuple[Callable[[Account], None], set[str]]] = [
    (not_told, {"lost"}),
    (told_twice, {"doubled", "missing", "wrong"}),
    (told_without_having_asked, {"unexpected"}),
    (told_of_something_else, {"lost", "unexpected", "wrong"}),
    (told_to_somebody_else, {"wrong"}),
    (told_other_words, {"wrong"}),
    (read_twice, {"doubled"}),
]


@pytest.mark.parametrize(("lie", "classes"), REPORTED_LIES, ids=[lie.__name__ for lie, _ in REPORTED_LIES])
def test_a_lie_about_an_end_that_is_told_is_found(lie: Callable[[Account], None], classes: set[str]) -> None:
    account = with_a_report()
    lie(account)
    assert account.verdict.faults.keys() == classes


@pytest.mark.parametrize(("lie", "classes"), LIES, ids=[lie.__name__ for lie, _ in LIES])
def test_a_lie_is_found(lie: Callable[[Account], None], classes: set[str]) -> None:
    account = honest()
    lie(account)
    assert account.verdict.faults.keys() == classes


def test_a_mailbox_that_hands_out_several_at_a_time_owes_no_order() -> None:
    account = honest()
    account.journal.seen.reverse()
    assert judge_messages(account.journal, account.rows, account.events, loose={BOX}).faults == {}


def test_a_journal_is_read_as_it_was_written_and_what_a_kill_cut_short_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "one.journal").write_bytes(b'["saw",2.0,"box","m2","b",1]\n["acked",1.0,"a","m')
    (tmp_path / "two.journal").write_bytes(b'["saw",1.0,"box","m1","a",1]\n["mean",1.0,"a","box","expired"]\n')
    journal = Journal()
    journal.read_directory(tmp_path)
    assert [seen.message for seen in journal.seen] == ["m1", "m2"]
    assert (journal.intents, journal.allowed, journal.acks) == ({"a": "box"}, {"a": {"expired"}}, [])


@pytest.fixture
async def answered(server: ServerProcess) -> tuple[Run, list[Row]]:
    """Two siblings, one of which has answered a message."""
    house = House([server.url], server.operator_token)
    async with fetched_mailbox(house, "one") as one, httpx.AsyncClient(timeout=30) as http:
        await house.send(http, one, wait=20)
        other = await asyncio.to_thread(make_mailbox, server.url, server.operator_token, "other")
    residents = [Resident(id=each.id, name="r", token=each.token, parent=None) for each in (one, other)]
    run = Run(dsn=server.dsn(), url=server.url, operator_token=server.operator_token, residents=residents)
    return run, await read_rows(run.dsn, run.mailboxes)


async def shown(run: Run, rows: list[Row]) -> Verdict:
    verdict = Verdict()
    await judge_public(run, rows, verdict)
    return verdict


async def test_a_public_api_that_shows_all_to_its_owners_and_nothing_to_others_holds(answered: tuple[Run, list[Row]]) -> None:
    assert (await shown(*answered)).faults == {}


@pytest.mark.parametrize(
    ("changed", "classes"),
    [
        ({"seq": 7}, {"hidden"}),
        ({"text": "tampered"}, {"hidden"}),
        ({"state": "expired"}, {"hidden"}),
        ({"id": SENDER}, {"hidden", "unexpected"}),
    ],
    ids=["seq", "text", "state", "id"],
)
async def test_what_the_public_api_hides_is_found(answered: tuple[Run, list[Row]], changed: dict[str, Any], classes: set[str]) -> None:
    run, (asked, reply) = answered
    assert (await shown(run, [replace(asked, **changed), reply])).faults.keys() == classes


async def test_what_the_public_api_gives_away_is_found(answered: tuple[Run, list[Row]]) -> None:
    run, rows = answered
    moved = replace(run, residents=[run.residents[0], replace(run.residents[1], parent="elsewhere")])
    assert (await shown(moved, rows)).faults.keys() == {"forbidden"}
