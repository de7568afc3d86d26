"""The account of the feeds (P6, P7): every event once to each follower that may see it, in order, and to nobody else."""

from collections import Counter
from itertools import pairwise

from tests.crash.checker.database import Event
from tests.crash.checker.journal import Followed, Journal
from tests.crash.checker.verdict import Verdict

Position = tuple[int, int]


def judge_feeds(journal: Journal, events: list[Event], verdict: Verdict) -> None:
    """Add what is wrong with the feeds; ``events`` are all that there are."""
    for name, feed in journal.feeds.items():
        _judge_feed(name, feed, events, verdict)
    verdict.forbidden += journal.leaks
    verdict.counts["denied"] = journal.denied.total()
    verdict.counts["shown"] = sum(len(feed.shown) for feed in journal.feeds.values())


def _judge_feed(name: str, feed: Followed, events: list[Event], verdict: Verdict) -> None:
    by_position = {event.position: event for event in events}
    start = position_of(feed.start)
    shown = [position_of(item.cursor) for item in feed.shown]
    due = {event.position for event in events if event.position > start and event.at < feed.until and _belongs(event, feed.workspace)}
    verdict.missing += [f"{name}: {by_position[position]}" for position in sorted(due - set(shown))]
    verdict.repeated += [f"{name}: {position} {count} times" for position, count in Counter(shown).items() if count > 1]
    verdict.disordered += [f"{name}: {after} after {before}" for before, after in pairwise([start, *shown]) if after < before]
    for item, position in zip(feed.shown, shown, strict=True):
        event = by_position.get(position)
        if event is None or (event.type, event.workspace, event.message) != (item.type, item.workspace, item.message):
            verdict.unexpected.append(f"{name} showed {item}, there is {event}")
        elif not _may_see(event, feed.workspace):
            verdict.forbidden.append(f"{name} showed {event}")


def _belongs(event: Event, workspace: str | None) -> bool:
    return workspace is None or workspace in (event.workspace, event.peer)


def _may_see(event: Event, workspace: str | None) -> bool:
    """What happened to a workspace, and what came of what it sent: told by the message, not by what the event says of itself."""
    return workspace is None or workspace in (event.workspace, event.sender)


def position_of(cursor: str) -> Position:
    """The place that a cursor names: installation, transaction, number."""
    _, xid, id = cursor.rsplit("-", 2)
    return int(xid), int(id)
