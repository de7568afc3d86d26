"""``/registry``: agents announce themselves, say that they live, and find each other."""

from dataclasses import replace
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from postroom.core.identity.model import Principal, PrincipalKind
from postroom.core.registry.model import DeliveryMode, Heartbeat, Status
from postroom.core.services import Services
from postroom.edges.body import Fields, Text
from postroom.edges.rest.calling import Caller, Use, body, takes
from postroom.edges.rest.shapes import Json, Shape, Word
from postroom.edges.rest.workspaces import Mode, PeerShape, Url, WorkspaceShape, peer_shape
from postroom.errors import Forbidden

router = APIRouter(prefix="/registry", tags=["Registry"])


class Registration(Fields):
    """An agent's card, and its address if it is called."""

    id: UUID
    agent_card: Json
    url: Url | None = None
    delivery_mode: Mode | None = None


class Beat(Fields):
    """A sign of life, and how it goes."""

    workspace_id: UUID
    active_tasks: Annotated[int, Field(strict=True, ge=0, lt=2**31)] | None = None
    current_task: Annotated[Text, Field(max_length=10_000)] | None = None
    error_rate: Annotated[float, Field(strict=True, ge=0, le=1)] | None = None
    sample_error: Annotated[Text, Field(max_length=10_000)] | None = None
    uptime_seconds: Annotated[float, Field(strict=True, ge=0, le=1e12)] | None = None


class BeatAnswer(Shape):
    """How the post room sees the agent; ``cancel`` are messages that it holds and nobody wants any more."""

    status: Status
    queue_depth: int
    cancel: list[UUID]


class CardChange(Fields):
    """A card in the place of the present one."""

    workspace_id: UUID
    agent_card: Json


class AccessQuestion(Fields):
    """May the one talk to the other?"""

    caller_id: UUID
    target_id: UUID


class AccessAnswer(Shape):
    """What the tree rule says."""

    allowed: bool


@router.post("/register", openapi_extra=takes(Registration))
async def register(caller: Caller, services: Use, given: Annotated[Registration, body(Registration)]) -> WorkspaceShape:
    """Store card and address; the workspace is online from now on. Never makes a workspace."""
    mode = DeliveryMode(given.delivery_mode) if given.delivery_mode else None
    known = await services.agents.register(caller, given.id, card=given.agent_card, url=given.url, mode=mode)
    return WorkspaceShape.model_validate(known)


@router.post("/heartbeat", openapi_extra=takes(Beat))
async def heartbeat(caller: Caller, services: Use, given: Annotated[Beat, body(Beat)]) -> BeatAnswer:
    """Heard of. Silence for longer than the setting makes the agent offline; its post keeps being accepted."""
    beat = Heartbeat(**given.model_dump(exclude={"workspace_id"}))
    return BeatAnswer.model_validate(await services.agents.heartbeat(caller, given.workspace_id, beat))


@router.post("/update-card", openapi_extra=takes(CardChange))
async def update_card(caller: Caller, services: Use, given: Annotated[CardChange, body(CardChange)]) -> WorkspaceShape:
    """Replace the card."""
    return WorkspaceShape.model_validate(await services.agents.update_card(caller, given.workspace_id, given.agent_card))


@router.get("/discover/{id}")
async def discover(id: UUID, caller: Caller, services: Use) -> PeerShape:
    """One workspace that the caller may talk to."""
    return peer_shape(await services.workspaces.get(caller, id))


@router.get("/{id}/peers")
async def peers(id: UUID, caller: Caller, services: Use, q: Word | None = None) -> list[PeerShape]:
    """Whom this workspace may talk to; ``q`` searches in names, roles and skills."""
    found = await services.workspaces.list(await _as_seen_by(services, caller, id))
    shapes = [peer_shape(workspace) for workspace in found if workspace.id != id]
    return [shape for shape in shapes if q is None or _matches(shape, q.casefold())]


@router.post("/check-access", openapi_extra=takes(AccessQuestion))
async def check_access(caller: Caller, services: Use, asked: Annotated[AccessQuestion, body(AccessQuestion)]) -> AccessAnswer:
    """The tree rule between two workspaces; a workspace asks about itself only."""
    return AccessAnswer(allowed=await services.workspaces.related(caller, asked.caller_id, asked.target_id))


async def _as_seen_by(services: Services, caller: Principal, id: UUID) -> Principal:
    """The caller, if it is that workspace; for those who manage, whose eyes see more, that workspace's view."""
    await services.workspaces.get(caller, id)
    if caller.manages:
        return replace(caller, kind=PrincipalKind.WORKSPACE, id=id)
    if caller.id != id:
        raise Forbidden("A workspace asks for its own peers only.")
    return caller


def _matches(shape: PeerShape, wanted: str) -> bool:
    texts = [shape.name, shape.role or "", *(text for skill in shape.skills for text in _texts_of(skill))]
    return any(wanted in text.casefold() for text in texts)


def _texts_of(skill: Any) -> list[str]:
    fields = cast(Json, skill) if isinstance(skill, dict) else {}
    tags = cast(list[Any], fields["tags"]) if isinstance(fields.get("tags"), list) else []
    return [text for text in (fields.get("id"), fields.get("name"), fields.get("description"), *tags) if isinstance(text, str)]
