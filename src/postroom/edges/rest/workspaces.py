"""``/workspaces``: who there is, as the operator manages them and as workspaces see each other."""

from typing import Annotated, Any, Literal, cast
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from postroom.core.identity.model import Principal
from postroom.core.registry.model import DeliveryMode, NewWorkspace, Status, Workspace
from postroom.core.services import Services
from postroom.edges.body import Fields, Name, Text
from postroom.edges.rest.calling import Caller, Manager, ManagerHere, Use, body, takes
from postroom.edges.rest.shapes import Json, Moment, Shape
from postroom.errors import Forbidden, Refused

router = APIRouter(prefix="/workspaces", tags=["Workspaces"])

Role = Annotated[Text, Field(max_length=1000)]
Url = Annotated[Text, Field(min_length=1, max_length=2000)]
Mode = Literal["push", "poll"]
Concurrency = Annotated[int, Field(strict=True, ge=1, le=64)]
Coordinate = Annotated[float, Field(strict=True, ge=-1e9, le=1e9)]


class PeerShape(Shape):
    """A workspace as its peers see it."""

    id: UUID
    name: str
    role: str | None
    status: Status
    skills: list[Any]
    card: Json | None
    parent_id: UUID | None
    active_tasks: int


class WorkspaceShape(Shape):
    """A workspace as it sees itself, and as those see it who manage it."""

    id: UUID
    name: str
    role: str | None
    status: Status
    parent_id: UUID | None
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
    last_heartbeat: Moment | None
    registered_at: Moment | None
    created_at: Moment
    removed_at: Moment | None
    unreachable_until: Moment | None


class CreatedShape(WorkspaceShape):
    """A new workspace; the only time its token is shown."""

    token: str


class RemovedShape(Shape):
    """What was removed: the workspace and everything below it."""

    id: UUID
    status: Literal["removed"] = "removed"
    removed: list[UUID]


class Creation(Fields):
    """A workspace to make."""

    name: Name
    role: Role | None = None
    parent_id: UUID | None = None
    delivery_mode: Mode | None = None
    url: Url | None = None
    max_concurrent: Concurrency = 1
    agent_card: Json | None = None
    metadata: Json | None = None


class Change(Fields):
    """What to change; a field that is not named stays as it is."""

    name: Name = ""
    role: Role | None = None
    parent_id: UUID | None = None
    delivery_mode: Mode = "poll"
    url: Url | None = None
    max_concurrent: Concurrency = 1
    x: Coordinate = 0.0
    y: Coordinate = 0.0
    collapsed: Annotated[bool, Field(strict=True)] = False
    metadata: Json = Field(default_factory=dict[str, Any])
    agent_card: Json = Field(default_factory=dict[str, Any], description="Alone, and by the workspace's own token too.")


def shape_for(caller: Principal, workspace: Workspace) -> WorkspaceShape | PeerShape:
    """As much of a workspace as this caller may see."""
    if caller.manages or caller.id == workspace.id:
        return WorkspaceShape.model_validate(workspace)
    return peer_shape(workspace)


def peer_shape(workspace: Workspace) -> PeerShape:
    """A workspace for its peers. Its address and its troubles are not theirs."""
    card = workspace.agent_card
    skills = (card or {}).get("skills")
    return PeerShape(
        id=workspace.id,
        name=workspace.name,
        role=workspace.role,
        status=workspace.status,
        skills=cast(list[Any], skills) if isinstance(skills, list) else [],
        card=_without_address(card),
        parent_id=workspace.parent_id,
        active_tasks=workspace.active_tasks,
    )


def _without_address(card: Json | None) -> Json | None:
    """The card without the agent's own addresses: peers reach it by its mailbox, where the tree rule holds."""
    hidden = ("url", "additionalInterfaces", "supportedInterfaces")
    return None if card is None else {name: value for name, value in card.items() if name not in hidden}


@router.post("", status_code=201, openapi_extra=takes(Creation))
async def create(caller: Manager, services: Use, new: Annotated[Creation, body(Creation)]) -> CreatedShape:
    """Make a workspace and its first token, which is shown here only."""
    fields: dict[str, Any] = new.model_dump() | {"delivery_mode": DeliveryMode(new.delivery_mode) if new.delivery_mode else None}
    made = await services.workspaces.create(caller, NewWorkspace(**fields))
    return CreatedShape(**WorkspaceShape.model_validate(made.workspace).model_dump(), token=made.token.token)


@router.get("")
async def list_all(caller: Caller, services: Use, *, include_removed: bool = False) -> list[WorkspaceShape | PeerShape]:
    """Everything for those who manage; itself and its peers for a workspace."""
    found = await services.workspaces.list(caller, removed=include_removed)
    return [shape_for(caller, workspace) for workspace in found]


@router.get("/{id}")
async def get(id: UUID, caller: Caller, services: Use, *, include_removed: bool = False) -> WorkspaceShape | PeerShape:
    """One workspace."""
    return shape_for(caller, await services.workspaces.get(caller, id, removed=include_removed))


@router.patch("/{id}", openapi_extra=takes(Change))
async def change(id: UUID, caller: Caller, services: Use, wanted: Annotated[Change, body(Change)]) -> WorkspaceShape:
    """Change the named fields, all or nothing. A workspace may change its own card and nothing else."""
    fields = wanted.model_dump(exclude_unset=True)
    if "agent_card" in fields:
        return await _change_card(services, caller, id, fields)
    if not caller.manages:
        await services.workspaces.get(caller, id)
        raise Forbidden("A workspace may change its card and nothing else.")
    changed = await services.workspaces.change(caller, id, fields)
    return WorkspaceShape.model_validate(changed)


async def _change_card(services: Services, caller: Principal, id: UUID, fields: Json) -> WorkspaceShape:
    if len(fields) > 1 and caller.manages:
        raise Refused("The card is changed in a request of its own.", code="invalid", fields=["agent_card"])
    if len(fields) > 1:
        await services.workspaces.get(caller, id)
        raise Forbidden("A workspace may change its card and nothing else.")
    return WorkspaceShape.model_validate(await services.agents.update_card(caller, id, fields["agent_card"]))


@router.delete("/{id}")
async def remove(id: UUID, caller: ManagerHere, services: Use, *, confirm: bool = False) -> RemovedShape:
    """Remove it and what is below. Children without ``confirm``: 409 with their list."""
    return RemovedShape(id=id, removed=list(await services.workspaces.remove(caller, id, confirm=confirm)))


@router.post("/{id}/pause")
async def pause(id: UUID, caller: ManagerHere, services: Use) -> WorkspaceShape:
    """Let its mailbox accept post and hand out none."""
    return WorkspaceShape.model_validate(await services.workspaces.pause(caller, id, paused=True))


@router.post("/{id}/resume")
async def resume(id: UUID, caller: ManagerHere, services: Use) -> WorkspaceShape:
    """Let its mailbox hand out again."""
    return WorkspaceShape.model_validate(await services.workspaces.pause(caller, id, paused=False))
