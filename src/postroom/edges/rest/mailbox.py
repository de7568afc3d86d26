"""``GET /workspaces/{id}/inbox``: what waits in a mailbox, seen without taking it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from postroom.core.deliveries.model import Waiting
from postroom.edges.rest.calling import Caller, Use
from postroom.edges.rest.shapes import Json, Moment, SenderShape, Shape
from postroom.errors import Forbidden

router = APIRouter(prefix="/workspaces/{id}", tags=["Inbox"])


class PosterShape(SenderShape):
    """Who said it, and what they do."""

    role: str | None


class WaitingShape(Shape):
    """A message that has not ended; ``state``: accepted, or handed when somebody works on it."""

    message_id: UUID
    state: str
    attempt: int
    sender: PosterShape
    on_behalf_of: list[Json]
    report: Json | None
    thread_id: str
    task_id: UUID
    accepted_at: Moment
    deadline: Moment
    cancel_requested: bool
    message: Json


class MailboxShape(Shape):
    """Unfinished post, in the order in which it is handed out."""

    items: list[WaitingShape]


@router.get("/inbox")
async def peek(id: UUID, caller: Caller, services: Use, *, limit: Annotated[int, Field(ge=1, le=100)] = 20) -> MailboxShape:
    """Unfinished post without taking any. The workspace's own token, or those who manage."""
    await services.workspaces.get(caller, id)
    if not caller.manages and caller.id != id:
        raise Forbidden("A workspace looks into its own mailbox only.")
    return MailboxShape(items=[_shape(waiting) for waiting in await services.keeping.look(id, limit)])


def _shape(found: Waiting) -> WaitingShape:
    delivery = found.delivery
    same: dict[str, Any] = {
        name: getattr(delivery, name) for name in ("message_id", "attempt", "report", "thread_id", "task_id", "deadline")
    }
    return WaitingShape(
        **same,
        state="handed" if found.handed else "accepted",
        sender=PosterShape.model_validate(delivery.sender),
        on_behalf_of=list(delivery.chain),
        accepted_at=found.accepted_at,
        cancel_requested=delivery.cancel,
        message=delivery.message,
    )
