"""Workspaces: who there is, where they sit, how they are doing."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from postroom.core.identity.model import NewToken

Json = dict[str, Any]
DEEPEST = 32


class DeliveryMode(StrEnum):
    """Whether a workspace is called at its URL or fetches its post."""

    PUSH = "push"
    POLL = "poll"


class Status(StrEnum):
    """How an agent is doing, as far as it is known."""

    OFFLINE = "offline"
    ONLINE = "online"
    DEGRADED = "degraded"
    PAUSED = "paused"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A workspace as it is shown.

    ``queue_depth`` counts unfinished messages, ``active_tasks`` those that are out, or what the agent says if that is more.
    """

    id: UUID
    name: str
    role: str | None
    parent_id: UUID | None
    status: Status
    delivery_mode: DeliveryMode
    url: str | None
    agent_card: Json | None
    metadata: Json
    max_concurrent: int
    queue_depth: int
    active_tasks: int
    current_task: str | None
    error_rate: float
    sample_error: str | None
    uptime_seconds: float
    x: float
    y: float
    collapsed: bool
    last_heartbeat: datetime | None
    registered_at: datetime | None
    created_at: datetime
    removed_at: datetime | None
    unreachable_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWorkspace:
    """What a workspace begins with; ``delivery_mode`` None means push if there is a URL, else poll."""

    name: str
    role: str | None = None
    parent_id: UUID | None = None
    delivery_mode: DeliveryMode | None = None
    url: str | None = None
    max_concurrent: int = 1
    agent_card: Json | None = None
    metadata: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedWorkspace:
    """A new workspace and its token, at the only moment that is seen."""

    workspace: Workspace
    token: NewToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """What an agent says about itself; ``error_rate`` is a share from 0 to 1."""

    active_tasks: int | None = None
    current_task: str | None = None
    error_rate: float | None = None
    sample_error: str | None = None
    uptime_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatAnswer:
    """What the post room says back; ``cancel`` are messages that the agent holds and nobody wants any more."""

    status: Status
    queue_depth: int
    cancel: list[UUID]


class AddressCheck(Protocol):
    """The port that says whether a URL may be an agent's; ``edges/push`` plugs it in."""

    async def check_url(self, url: str) -> object:
        """Raises Refused (``address_refused``)."""
        ...
