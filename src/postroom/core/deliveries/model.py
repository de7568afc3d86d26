"""Deliveries: one message being handed to one agent, and the ways in which that ends.

State machine of a message (drawn in ``docs/concepts.md``)::

    accepted -> handed -> replied | failed | cancelled | expired

``accepted`` and ``handed`` are rows of ``work``; the four ends are rows of ``outcome``. A row moves from one table to the other in one
transaction, so a message is always in exactly one of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol
from uuid import UUID

Json = dict[str, Any]


class End(StrEnum):
    """The four ends of a message."""

    REPLIED = "replied"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who said it, as the server knows it: never taken from a body."""

    kind: str
    id: UUID
    name: str
    role: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One hand-out. ``token`` is the number that every write about this hand-out carries.

    ``lease_until`` and ``deadline`` are times of the database's clock; ``message`` is the A2A message in its 1.0 form. ``chain`` are the
    workspaces (``id``, ``name``) that asked one another for it; ``report`` is set when it tells the end of what this agent delegated
    (``delegation_id``, ``status``, ``error``).
    """

    message_id: UUID
    workspace_id: UUID
    token: int
    attempt: int
    lease_until: datetime
    deadline: datetime
    sender: Sender
    thread_id: str
    task_id: UUID
    idempotency_key: str | None
    message: Json
    traceparent: str | None
    cancel: bool = False
    chain: Sequence[Json] = ()
    report: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An agent's answer. ``message`` is an A2A message in its 1.0 form (``parts`` at least).

    ``interrupted`` is the A2A state in which the agent waits for more (``input-required``, ``auth-required``) or None;
    ``upstream`` are the agent's own ids (``{"taskId", "contextId"}``), kept so that a follow-up can name them.
    """

    message: Json
    interrupted: str | None = None
    upstream: Json | None = None
    usage: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The attempt was handed and failed. ``retry`` says whether another attempt makes sense."""

    code: str
    detail: str
    retry: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NotHanded:
    """The agent could not be reached before it was given anything: it costs no attempt and pauses the mailbox (R24)."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """The agent confirms that it has stopped."""


CallResult = Reply | Failure | NotHanded | Cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTarget:
    """Where a called agent lives: the URL that it registered, and its card as it gave it (may be None)."""

    workspace_id: UUID
    url: str
    agent_card: Json | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What a claim, or an accept that lends at once, yields. ``lost`` tells that an earlier hand-out ran out."""

    message_id: UUID
    token: int
    attempt: int
    lease_until: datetime
    lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A fetching agent asks for at most ``most`` messages, for ``lease`` seconds each."""

    workspace_id: UUID
    credential_id: UUID
    most: int
    lease: float


@dataclass(slots=True)
class Claimed:
    """What a claim brought; ``lost`` counts hand-outs that ran out before. ``refused``: ``unauthenticated``, ``called``."""

    deliveries: list[Delivery] = field(default_factory=list[Delivery])
    lost: int = 0
    refused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A write about a hand-out names all three; ``credential_id`` is None for the calls of a server itself."""

    message_id: UUID
    workspace_id: UUID
    token: int
    credential_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The end of a hand-out, as it is written: a reply (with the id it will have) or an error."""

    hold: Hold
    state: End
    fingerprint: bytes
    reply_id: UUID | None = None
    reply: Reply | None = None
    error: Json | None = None
    preview: str | None = None


class ReturnKind(StrEnum):
    """Why a hand-out is given back without an end."""

    RETRY = "retry"
    NOT_HANDED = "not_handed"
    RELEASE = "release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """A hand-out that brought no end."""

    hold: Hold
    kind: ReturnKind
    error: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of a Finish or a Return: the verdict, who is next in line, and the ``reader`` whose mailbox let out the news."""

    verdict: str
    workspace_id: UUID
    message_id: UUID
    promoted: int = 0
    called: bool = False
    attempts: int = 0
    ended_at: datetime | None = None
    reader: UUID | None = None
    reader_called: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a message ended, as it was just committed; ``at`` is the database's time."""

    message_id: UUID
    state: End
    attempts: int
    at: datetime
    reply_id: UUID | None
    reply: Reply | None
    error: Json | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """In whose name leases are kept of an agent that speaks in single calls, to whichever server."""

    id: UUID
    workspace_id: UUID
    credential_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Unfinished post as it is seen without taking it. ``handed``: somebody has it; ``held``: the session that looks."""

    delivery: Delivery
    accepted_at: datetime
    handed: bool
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """A lease that goes on until then; ``cancel`` when the sender no longer wants the answer."""

    message_id: UUID
    lease_until: datetime
    cancel: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What waits in one mailbox, and since how many seconds."""

    workspace_id: UUID
    name: str
    waiting: int
    oldest_seconds: float
    paused: bool
    unreachable_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """Unfinished post: what waits, what somebody has in hand, and the mailboxes in which most of it waits."""

    waiting: int
    handed: int
    oldest_waiting_seconds: float
    mailboxes: Sequence[Queue]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """A server that is running, as it told itself."""

    id: UUID
    started_at: datetime
    seen_at: datetime


class Watch:
    """Hears how a call goes while it lasts; this one does not care."""

    def begun(self, upstream: Json) -> None:
        """The agent has made a task of it; ``upstream`` names it (``taskId``, ``contextId`` if the agent told)."""

    async def progress(self, told: Json) -> None:
        """The agent tells how far it is: ``parts``. Raises nothing."""


UNWATCHED: Final = Watch()


class Caller(Protocol):
    """The port through which a delivery leaves the house; ``edges/push`` plugs it in."""

    async def call(self, delivery: Delivery, target: CallTarget, watch: Watch = UNWATCHED) -> CallResult:
        """Hand the message to the agent and bring its answer. Never raises for what the agent or the network does."""
        ...

    async def cancel(self, target: CallTarget, upstream: Json) -> None:
        """Tell the agent, as far as it can be told, that its task is no longer wanted."""
        ...
