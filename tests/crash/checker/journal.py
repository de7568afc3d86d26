"""What the clients of a run know, in memory or as they wrote it to files."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson


@dataclass(frozen=True, slots=True)
class Seen:
    """A hand-out as the agent saw it, at a time of the machine's clock."""

    mailbox: str
    message: str
    text: str
    attempt: int
    at: float


@dataclass(frozen=True, slots=True)
class Told:
    """An answer whose agent was told that it counts."""

    message: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Shown:
    """An event as a follower of a feed saw it."""

    cursor: str
    type: str
    workspace: str
    message: str | None


@dataclass(slots=True)
class Followed:
    """A feed and what it showed: ``workspace`` None is everything. ``until`` is when its follower had stopped to listen."""

    workspace: str | None
    start: str
    shown: list[Shown] = field(default_factory=list[Shown])
    until: float = 0.0


def answer_to(text: str) -> str:
    """What an honest agent of these tests answers, or how its answer begins; a text is its message's key."""
    return f"did {text}"


def end_of(message: str) -> str:
    """What who delegated writes down as the text of the post that tells how ``message`` ended: many ends read alike."""
    return f"the end of {message}"


@dataclass(slots=True)
class Journal:
    """What the clients know, written down as they learn it: before a send what is meant, after it what was promised.

    ``allowed`` are the ends beside an answer that a sender asked for; ``told`` the answers whose agent was told that they count.
    """

    intents: dict[str, str] = field(default_factory=dict[str, str])
    allowed: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    acks: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    acked_at: list[float] = field(default_factory=list[float])
    seen: list[Seen] = field(default_factory=list[Seen])
    answers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    ends: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    told: list[Told] = field(default_factory=list[Told])
    refused: list[str] = field(default_factory=list[str])
    retried: Counter[str] = field(default_factory=Counter[str])
    unknown: dict[str, float] = field(default_factory=dict[str, float])
    feeds: dict[str, Followed] = field(default_factory=dict[str, Followed])
    leaks: list[str] = field(default_factory=list[str])
    denied: Counter[str] = field(default_factory=Counter[str])

    # Senders

    def mean(self, key: str, mailbox: str, *allowed: str) -> None:
        """A send is about to be tried; ``allowed`` are the ends that it may have beside ``replied``."""
        self.intents[key] = mailbox
        if allowed:
            self.allowed.setdefault(key, set()).update(allowed)

    def doubted(self, key: str, why: str, at: float | None = None) -> None:
        """A try brought no answer: whether it was accepted is not known."""
        self.retried[why] += 1
        self.unknown[key] = time.time() if at is None else at

    def acked(self, key: str, message: str, at: float | None = None) -> None:
        """A 2xx promised that the message is kept."""
        self.acks.append((key, message))
        self.acked_at.append(time.time() if at is None else at)

    def heard(self, key: str, text: str) -> None:
        """The sender got the answer."""
        self.answers.append((key, text))

    def ended(self, key: str, state: str) -> None:
        """The sender was told of an end that is no answer."""
        self.ends.append((key, state))

    def refuse(self, what: str) -> None:
        """A client got an answer that no fault explains."""
        self.refused.append(what)

    # Agents

    def saw(self, mailbox: str, message: str, text: str, attempt: int, at: float | None = None) -> None:
        """A message was handed out."""
        self.seen.append(Seen(mailbox, message, text, attempt, time.time() if at is None else at))

    def counted(self, message: str, text: str, at: float | None = None) -> None:
        """The agent was told that this answer of its took effect."""
        self.told.append(Told(message, text, time.time() if at is None else at))

    # Followers

    def follow(self, feed: str, workspace: str | None, start: str) -> None:
        """A feed was opened for the first time; it begins after ``start``. A process that follows another goes on with its feeds."""
        self.feeds.setdefault(feed, Followed(workspace, start))

    def show(self, feed: str, cursor: str, type: str, workspace: str, message: str | None) -> None:
        """The feed showed an event."""
        self.feeds[feed].shown.append(Shown(cursor, type, workspace, message))

    def leave(self, feed: str, until: float) -> None:
        """Everything that happened before ``until`` should have been shown by now."""
        self.feeds[feed].until = until

    def leak(self, what: str) -> None:
        """Somebody was given what is none of theirs."""
        self.leaks.append(what)

    def deny(self, what: str) -> None:
        """Somebody was refused what is none of theirs."""
        self.denied[what] += 1

    def read(self, lines: Iterable[bytes]) -> None:
        """Take in what a process wrote: ``[name, time, fields]`` a line. What a kill cut short is the last line, and is left out."""
        for line in lines:
            if line.endswith(b"]\n"):
                name, at, *fields = orjson.loads(line)
                _VERBS[name](self, at, fields)

    def read_directory(self, directory: Path) -> None:
        """All ``*.journal`` files below; hand-outs end up in the order of the clock."""
        for file in sorted(directory.glob("*.journal")):
            with file.open("rb") as lines:
                self.read(lines)
        self.seen.sort(key=lambda seen: seen.at)


Verb = Callable[[Journal, float, list[Any]], None]


def _plain(method: Callable[..., None]) -> Verb:
    return lambda journal, _, fields: method(journal, *fields)


def _timed(method: Callable[..., None]) -> Verb:
    return lambda journal, at, fields: method(journal, *fields, at=at)


def _passed_over(journal: Journal, at: float, fields: list[Any]) -> None:
    """For the eyes of people, and of the process that follows."""


_VERBS: Final[dict[str, Verb]] = {
    "mean": _plain(Journal.mean),
    "doubted": _timed(Journal.doubted),
    "acked": _timed(Journal.acked),
    "heard": _plain(Journal.heard),
    "ended": _plain(Journal.ended),
    "refuse": _plain(Journal.refuse),
    "saw": _timed(Journal.saw),
    "did": _passed_over,
    "counted": _timed(Journal.counted),
    "late": _passed_over,
    "follow": _plain(Journal.follow),
    "show": _plain(Journal.show),
    "leave": _plain(Journal.leave),
    "leak": _plain(Journal.leak),
    "deny": _plain(Journal.deny),
    "plan": _passed_over,
}
