"""Events: what happened, and where a reader stands in it."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from postroom.errors import Malformed


class EventType(StrEnum):
    """Every name that the feed uses; docs/http.md lists them and a test compares (lessons.md, L32)."""

    ACCEPTED = "message.accepted"
    HANDED = "message.handed"
    PROGRESS = "message.progress"
    RETRYING = "message.retrying"
    RELEASED = "message.released"
    CANCEL_REQUESTED = "message.cancel_requested"
    REPLIED = "message.replied"
    FAILED = "message.failed"
    CANCELLED = "message.cancelled"
    EXPIRED = "message.expired"
    LATE = "message.late"
    NOTICE = "notice.posted"
    READ = "mailbox.read"
    LETTER_REPLAYED = "dead_letter.replayed"
    LETTER_DROPPED = "dead_letter.dropped"
    CREATED = "workspace.created"
    UPDATED = "workspace.updated"
    MOVED = "workspace.moved"
    REGISTERED = "workspace.registered"
    CARD = "workspace.card_updated"
    ONLINE = "workspace.online"
    DEGRADED = "workspace.degraded"
    OFFLINE = "workspace.offline"
    PAUSED = "workspace.paused"
    RESUMED = "workspace.resumed"
    REMOVED = "workspace.removed"


_CURSOR = re.compile(r"([0-9a-f]{8})-([0-9]{1,20})-([0-9]{1,19})")


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where a reader stands: everything at or before it was seen. ``xid`` and ``id`` order the feed."""

    xid: int
    id: int

    def encode(self, installation: UUID) -> str:
        """The cursor on the wire. It names its installation: a cursor of another database is refused, not misread.

        It is not signed: it carries no right. Whoever reads from it sees what they may see, whatever it says.
        """
        return f"{installation.hex[-8:]}-{self.xid}-{self.id}"

    @staticmethod
    def decode(text: str, installation: UUID) -> "Position":
        """Raises Malformed for what is no cursor of this installation."""
        match = _CURSOR.fullmatch(text)
        if match is None or match[1] != installation.hex[-8:]:
            raise Malformed("This is not a cursor of this post room.", code="bad_cursor")
        position = Position(int(match[2]), int(match[3]))
        if position.xid >= 2**63 or position.id >= 2**63:
            raise Malformed("This is not a cursor of this post room.", code="bad_cursor")
        return position


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact. ``peer_id`` is the other workspace it concerns, if any."""

    position: Position
    type: str
    workspace_id: UUID
    peer_id: UUID | None
    message_id: UUID | None
    actor_kind: str
    actor_id: UUID | None
    payload: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """What a page of the activity is narrowed to; None narrows nothing. ``type`` is a name or its first word."""

    type: str | None = None
    source: str | None = None
    peer_id: UUID | None = None
