"""``/workspaces/{id}/delegate`` and ``/workspaces/{id}/delegations``: what a workspace asks of others, and what came of it.

``/delegations``: what everybody still waits for.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Response
from pydantic import Field
from starlette.requests import Request

from postroom.core.delegations.model import Delegation, Status, Wanted
from postroom.core.messages.model import Draft
from postroom.edges.body import Fields, Id, Text
from postroom.edges.context import traceparent_of
from postroom.edges.idempotency import checked_key, key_of, message_id_for
from postroom.edges.rest.calling import Caller, Manager, Use, body, takes
from postroom.edges.rest.shapes import ErrorShape, Json, Limit, Moment, Part, PlaceShape, ProgressShape, Shape, StatusName, progress_shape
from postroom.edges.wire import ROLE_USER, message_from_wire, text_of
from postroom.errors import Refused

router = APIRouter(tags=["Delegations"])
_HERE = "/workspaces/{id}"

Wait = Annotated[float, Field(ge=0, le=3600)]


class Task(Fields):
    """What is asked of whom. ``report``: the end comes as post into one's own mailbox; it does unless one waits for it."""

    target_id: UUID
    task: Annotated[Text, Field(min_length=1)] | None = None
    parts: Annotated[list[Json], Field(min_length=1)] | None = None
    thread_id: Annotated[Id, Field(max_length=256)] | None = None
    idempotency_key: Id | None = None
    deadline_seconds: Annotated[float, Field(ge=1, le=30 * 86400)] | None = None
    wait_seconds: Wait = 0.0
    report: bool | None = None
    cancel_with_parent: bool = False
    on_behalf_of: UUID | None = None


class ResultShape(Shape):
    """The answer, whole."""

    text: str
    parts: list[Part]


class DelegationShape(Shape):
    """One delegation, as its delegator sees it."""

    delegation_id: UUID
    status: StatusName
    source: PlaceShape
    target: PlaceShape
    target_id: UUID
    task: str
    parts: list[Part]
    thread_id: str
    created_at: Moment
    updated_at: Moment
    ended_at: Moment | None
    deadline: Moment
    attempt: int
    cancel_requested: bool
    report: bool
    on_behalf_of: UUID | None
    chain: list[PlaceShape]
    progress: ProgressShape | None
    result: ResultShape | None
    error: ErrorShape | None


class DelegatedShape(DelegationShape):
    """What was just asked; ``idempotent_hit``: the same key had asked it before."""

    idempotent_hit: bool


class TreeShape(DelegationShape):
    """A delegation with what was delegated as part of it; null where no tree was asked for."""

    children: list["TreeShape"] | None = None


class OpenShape(Shape):
    """A delegation that has not ended: who waits for whom, and since when."""

    delegation_id: UUID
    source_id: UUID
    target_id: UUID
    created_at: Moment


class DelegationsShape(Shape):
    """A page, the newest first. ``next`` is the ``before`` of the page that follows."""

    delegations: list[DelegationShape]
    next: UUID | None


@router.post(f"{_HERE}/delegate", status_code=202, openapi_extra=takes(Task), response_model=DelegatedShape)
async def delegate(id: UUID, request: Request, caller: Caller, services: Use, task: Annotated[Task, body(Task)]) -> Response:
    """Ask another workspace and go on. 202 while it is under way; 200 when the same key had asked before, or it ended within the wait."""
    receipt = await services.delegations.delegate(caller, id, _draft(request, task))
    found = await services.delegations.wait(id, receipt.message_id, task.wait_seconds, _enough(request))
    told = view(found) | {"idempotent_hit": receipt.duplicate}
    status = 200 if receipt.duplicate or found.ended_at else 202
    return Response(orjson.dumps(told), status, {"X-Postroom-Message-Id": str(found.id)}, media_type="application/json")


@router.get("/delegations")
async def list_open(caller: Manager, services: Use) -> list[OpenShape]:
    """What the team's workspaces have asked of one another and still wait for, the oldest first; at most 1,000."""
    found = await services.delegations.open(caller)
    return [OpenShape(delegation_id=one.id, source_id=one.source_id, target_id=one.target_id, created_at=one.created_at) for one in found]


@router.get(f"{_HERE}/delegations")
async def list_all(
    id: UUID,
    caller: Caller,
    services: Use,
    *,
    open: bool = False,
    status: StatusName | None = None,
    on_behalf_of: UUID | None = None,
    before: UUID | None = None,
    limit: Limit = 50,
) -> DelegationsShape:
    """What this workspace has asked of others, the newest first."""
    wanted = Wanted(open=open, status=Status(status) if status else None, on_behalf_of=on_behalf_of, before=before, limit=limit)
    found, following = await services.delegations.list(caller, id, wanted)
    return DelegationsShape(delegations=[DelegationShape(**view(one)) for one in found], next=following)


@router.get(f"{_HERE}/delegations/{{delegation_id}}")
async def get(
    id: UUID, delegation_id: UUID, request: Request, caller: Caller, services: Use, *, tree: bool = False, wait_seconds: Wait = 0.0
) -> TreeShape:
    """One delegation, at its end or after ``wait_seconds``; with ``tree`` also what was delegated as part of it, as far as the caller may
    talk to both ends."""
    found = await services.delegations.get(caller, id, delegation_id)
    if wait_seconds > 0 and found.ended_at is None:
        found = await services.delegations.wait(id, delegation_id, wait_seconds, _enough(request))
    return _tree(await services.delegations.tree(caller, id, delegation_id)) if tree else TreeShape(**view(found))


@router.post(f"{_HERE}/delegations/{{delegation_id}}/cancel")
async def cancel(id: UUID, delegation_id: UUID, caller: Caller, services: Use) -> DelegationShape:
    """Nobody wants it any more: cancelled at once, or its holder is asked to stop."""
    return DelegationShape(**view(await services.delegations.cancel(caller, id, delegation_id)))


def view(found: Delegation) -> Json:
    """A delegation on the wire."""
    source, target = ({"id": str(place.id), "name": place.name} for place in (found.source, found.target))
    return DelegationShape.model_validate(
        {
            "delegation_id": found.id,
            "status": found.status.value,
            "source": source,
            "target": target,
            "target_id": found.target.id,
            "task": text_of(found.body),
            "parts": found.body["parts"],
            "result": None if found.reply is None else {"text": text_of(found.reply), "parts": found.reply["parts"]},
            "progress": None if found.progress is None else progress_shape(found.progress),
            **{name: getattr(found, name) for name in _SAME},
        }
    ).model_dump(mode="json")


def _enough(request: Request) -> Callable[[], Awaitable[bool]]:
    """Nobody waits any more, or the server stops."""

    async def enough() -> bool:
        return request.app.state.closing.is_set() or await request.is_disconnected()

    return enough


_SAME = (
    *("thread_id", "created_at", "updated_at", "ended_at", "deadline", "attempt"),
    *("cancel_requested", "report", "on_behalf_of", "chain", "error"),
)


def _tree(found: Delegation) -> TreeShape:
    return TreeShape(**view(found), children=[_tree(child) for child in found.children])


def _draft(request: Request, task: Task) -> Draft:
    if (task.task is None) == (task.parts is None):
        raise Refused("A delegation needs exactly one of task and parts.", code="invalid", fields=["task", "parts"])
    key = key_of(request.headers) or (None if task.idempotency_key is None else checked_key(task.idempotency_key))
    message = message_from_wire({"parts": task.parts if task.parts is not None else [{"text": task.task}]})
    report = task.report if task.report is not None else task.wait_seconds == 0
    return Draft(
        workspace_id=task.target_id,
        body={"role": ROLE_USER, "messageId": message_id_for(key)} | message,
        size=int(request.headers.get("content-length") or 0),
        key=key,
        options={"report": report, "cancel_with_parent": task.cancel_with_parent},
        thread_id=task.thread_id,
        deadline=task.deadline_seconds,
        traceparent=traceparent_of(request),
        on_behalf_of=task.on_behalf_of,
        report=report,
        cancel_with_parent=task.cancel_with_parent,
    )
