"""``/dead-letters``: what came to nothing, to be sent again or given up."""

from datetime import datetime
from typing import Literal, cast
from uuid import UUID

from fastapi import APIRouter, Response

from postroom.core.deliveries.service import preview_of
from postroom.core.messages.model import DeadLetter
from postroom.edges.rest.calling import Manager, Use
from postroom.edges.rest.shapes import ErrorShape, Limit, Moment, Part, PlaceShape, SenderShape, Shape, sender_shape

router = APIRouter(prefix="/dead-letters", tags=["Dead letters"])

DeadState = Literal["failed", "expired"]


class DeadLetterShape(Shape):
    """A message that failed or expired, and that nobody has replayed or dropped."""

    message_id: UUID
    workspace: PlaceShape
    sender: SenderShape
    thread_id: str
    preview: str | None
    parts: list[Part]
    state: DeadState
    error: ErrorShape
    attempts: int
    accepted_at: Moment
    ended_at: Moment


class DeadLettersShape(Shape):
    """A page, the newest first. ``next`` is the ``before`` of the page that follows, ``total`` how many there are in all."""

    dead_letters: list[DeadLetterShape]
    next: UUID | None
    total: int


class ReplayShape(Shape):
    """The message that says it again."""

    message_id: UUID


@router.get("")
async def list_all(
    caller: Manager, services: Use, *, workspace_id: UUID | None = None, before: UUID | None = None, limit: Limit = 50
) -> DeadLettersShape:
    """What came to nothing, the newest first: of one workspace, or of all."""
    page = await services.dead_letters.list(caller, workspace_id, before=before, limit=limit)
    return DeadLettersShape(dead_letters=[_shape(letter) for letter in page.letters], next=page.next, total=page.total)


@router.post("/{message_id}/replay", status_code=201)
async def replay(message_id: UUID, caller: Manager, services: Use) -> ReplayShape:
    """Send it again, in the caller's name: the same parts, to the same workspace, in the same thread. Once, whoever asks for it."""
    receipt = await services.dead_letters.replay(caller, message_id)
    return ReplayShape(message_id=receipt.message_id)


@router.post("/{message_id}/drop", status_code=204)
async def drop(message_id: UUID, caller: Manager, services: Use) -> Response:
    """Give it up: it stays in the history, and is no dead letter any more."""
    await services.dead_letters.drop(caller, message_id)
    return Response(status_code=204)


def _shape(letter: DeadLetter) -> DeadLetterShape:
    line = letter.line
    return DeadLetterShape(
        message_id=line.id,
        workspace=PlaceShape(id=line.workspace_id, name=letter.workspace_name),
        sender=sender_shape(line),
        thread_id=line.thread_id,
        preview=preview_of(line.body),
        parts=line.body["parts"],
        state=cast(DeadState, line.state),
        error=ErrorShape.model_validate(line.error),
        attempts=line.attempt or 0,
        accepted_at=line.accepted_at,
        ended_at=cast(datetime, line.ended_at),
    )
