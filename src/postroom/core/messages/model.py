"""Messages: what is said, and where it stands."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from postroom.core.deliveries.model import Ended

Json = dict[str, Any]


class State(StrEnum):
    """Where a message stands. The last four are ends; INPUT_REQUIRED is an answer that asks back."""

    ACCEPTED = "accepted"
    HANDED = "handed"
    INPUT_REQUIRED = "input_required"
    REPLIED = "replied"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message that somebody wants to send. ``body`` is an A2A message in its 1.0 form, ``deadline`` seconds from now, ``size`` bytes.

    For workspaces: ``on_behalf_of`` is the message that the sender works on (None: the server looks), ``report`` asks for the end as post
    in the sender's own mailbox, and with ``cancel_with_parent`` it is not wanted any more when what the sender works on has ended.

    ``letter`` is the dead letter that it says again, which is done once, whoever asks for it.
    """

    workspace_id: UUID
    body: Json
    size: int
    key: str | None = None
    options: Json | None = None
    thread_id: str | None = None
    task_id: UUID | None = None
    deadline: float | None = None
    traceparent: str | None = None
    on_behalf_of: UUID | None = None
    report: bool = False
    cancel_with_parent: bool = False
    letter: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a message stands now; ``reply`` and ``error`` are set when it ended."""

    message_id: UUID
    workspace_id: UUID
    thread_id: str
    task_id: UUID
    state: State
    body: Json
    accepted_at: datetime
    deadline: datetime | None
    changed_at: datetime
    attempt: int
    cancel_requested: bool
    reply_id: UUID | None
    reply: Json | None
    error: Json | None
    usage: Json | None
    interrupted: str | None

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.state not in (State.ACCEPTED, State.HANDED)

    def after(self, end: Ended) -> "Standing":
        """Where it stands with that end."""
        reply = end.reply
        return replace(
            self,
            state=State.INPUT_REQUIRED if reply and reply.interrupted else State(end.state),
            changed_at=end.at,
            attempt=end.attempts,
            reply_id=end.reply_id,
            reply=reply and reply.message,
            error=end.error,
            usage=reply and reply.usage,
            cancel_requested=False,
            interrupted=reply and reply.interrupted,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What an accepted message is known by. ``duplicate`` tells that the same key had been accepted before.

    ``standing`` is how it stood when it was accepted; None for what was accepted before.
    """

    message_id: UUID
    workspace_id: UUID
    seq: int
    thread_id: str
    task_id: UUID
    duplicate: bool
    standing: Standing | None = None


class Strand(StrEnum):
    """The conversation that a message belongs to, and which way it went: what people say to an agent, what it says to them, and the post
    of agents among themselves."""

    FROM_PEOPLE = "from_people"
    TO_PEOPLE = "to_people"
    AGENTS = "agents"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a conversation. ``progress`` is the newest that its agent told while it works on it (``parts``, ``status``, ``at``)."""

    id: UUID
    workspace_id: UUID
    seq: int
    role: str
    sender_kind: str
    sender_id: UUID
    sender_name: str
    thread_id: str
    task_id: UUID
    reply_to: UUID | None
    body: Json
    state: str | None
    error: Json | None
    attempt: int | None
    accepted_at: datetime
    handed_at: datetime | None
    ended_at: datetime | None
    cancel_requested: bool
    progress: Json | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Which lines of a workspace's conversations to read; None narrows nothing.

    ``before`` and ``after`` are places (seq) to go on from, ``around`` one to open the conversation at; ``words`` have to stand in it.
    """

    strands: Sequence[Strand] = tuple(Strand)
    thread: str | None = None
    before: int | None = None
    after: int | None = None
    before_time: datetime | None = None
    around: int | None = None
    words: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """A page of a conversation, oldest first. ``next`` is the seq to go on from; ``reached_end`` that there is no more that way."""

    entries: Sequence[Entry]
    next: int | None

    @property
    def reached_end(self) -> bool:
        """Whether there is no more that way."""
        return self.next is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Which lines of a workspace's traffic with other agents to read; None narrows nothing.

    ``before`` and ``after`` are messages to go on from, ``around`` one to open it at; ``words`` have to stand in it.
    """

    thread: str | None = None
    before: UUID | None = None
    after: UUID | None = None
    before_time: datetime | None = None
    around: UUID | None = None
    words: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficLine:
    """What one agent said to another (``receiver_id``; None: what is said to a post that tells an end goes to nobody).

    ``report`` says of a post that tells an end which one (``delegation_id``, ``status``); ``answer`` is what came back for what the
    workspace itself asked, unless it came as such a post (``id``, ``body``, ``at``).
    """

    entry: Entry
    receiver_id: UUID | None
    receiver_name: str | None
    report: Json | None
    answer: Json | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficPage:
    """A page of traffic, oldest first. ``next`` is the message to go on from."""

    lines: Sequence[TrafficLine]
    next: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastLine:
    """Where a conversation stands: its newest message, and the first words of it."""

    id: UUID
    seq: int
    role: str
    sender_kind: str
    sender_id: UUID
    sender_name: str
    thread_id: str
    preview: str | None
    state: str | None
    accepted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """The people's conversation with one agent, for one reader. ``unread`` counts up to 100."""

    workspace_id: UUID
    read_seq: int
    unread: int
    last: LastLine | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """One thread of the people's conversation with an agent: how it begins, and where it stands. ``messages`` counts up to 1000."""

    id: str
    messages: int
    begins: str | None
    last: LastLine


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadPage:
    """Threads, the most recently spoken first. ``next`` is the seq to go on from."""

    threads: Sequence[Thread]
    next: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that came to nothing (``line``: failed or expired), and that nobody has replayed or dropped."""

    workspace_name: str
    line: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterPage:
    """Dead letters, the newest first. ``next`` is the message to go on from, ``total`` how many there are."""

    letters: Sequence[DeadLetter]
    next: UUID | None
    total: int
