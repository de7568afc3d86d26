"""Delegations: one workspace asks another and goes on; the end comes back as post.

A delegation is a message (its id is the delegation's), so what holds for messages holds for it: durable before it is acknowledged, handed
until it ends, cancelled by a compare-and-set. This slice adds how its delegator looks at it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

Json = dict[str, Any]


class Status(StrEnum):
    """Where a delegation stands; the last five are ends, of which INPUT_REQUIRED is an answer that asks back."""

    ACCEPTED = "accepted"
    HANDED = "handed"
    INPUT_REQUIRED = "input_required"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Who stands at one end of it."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """One delegation. ``on_behalf_of`` is the message that it is part of, ``chain`` those who asked one another (``id``, ``name``).

    ``body`` and ``reply`` are A2A messages in their 1.0 form; ``progress`` is the newest that the callee told (``parts``, ``status``,
    ``at``). ``children`` are filled in a tree only.
    """

    id: UUID
    source: Place
    target: Place
    status: Status
    body: Json
    thread_id: str
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    deadline: datetime
    attempt: int
    cancel_requested: bool
    report: bool
    on_behalf_of: UUID | None
    chain: Sequence[Json]
    progress: Json | None
    reply: Json | None
    error: Json | None
    children: list["Delegation"] = field(default_factory=list["Delegation"])


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDelegation:
    """One that has not ended, as far as it is a line between two workspaces."""

    id: UUID
    source_id: UUID
    target_id: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which delegations a page holds; None narrows nothing. ``before`` is the id of a delegation: the page goes on below it."""

    open: bool = False
    status: Status | None = None
    on_behalf_of: UUID | None = None
    before: UUID | None = None
    limit: int = 50
