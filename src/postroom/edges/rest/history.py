"""What was said and what happened: ``chat-history``, ``activity``, and ``notify``, by which an agent tells its people something."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request

from postroom.core.events.model import Event, EventFilter
from postroom.core.messages.model import Draft, Entry
from postroom.edges.body import Fields, Id, Text
from postroom.edges.context import traceparent_of
from postroom.edges.idempotency import key_of, message_id_for
from postroom.edges.rest.calling import Caller, Use, body, takes
from postroom.edges.rest.shapes import Json, Limit, Moment, Seq, Shape, Time, Word
from postroom.edges.wire import part_from_wire, text_message, text_of

router = APIRouter(prefix="/workspaces/{id}", tags=["Talking"])


class SenderShape(Shape):
    """Who said it."""

    kind: str
    id: UUID
    name: str


class EntryShape(Shape):
    """One line of a conversation. ``attachments`` are those of the parts that are files."""

    id: UUID
    seq: int
    role: str
    sender: SenderShape
    content: str
    parts: list[Json]
    attachments: list[Json]
    state: str | None
    reply_to: UUID | None
    thread_id: str
    task_id: UUID
    error: Json | None
    timestamp: Moment


class HistoryShape(Shape):
    """A page, oldest first. ``next`` is the ``before`` (or ``after``) of the page that follows."""

    messages: list[EntryShape]
    reached_end: bool
    next: str | None


class ActorShape(Shape):
    """Who did it."""

    kind: str
    id: UUID | None


class ActivityShape(Shape):
    """One event of the feed; its id is the cursor to go on from."""

    id: str
    cursor: str
    event: str
    workspace_id: UUID
    peer_id: UUID | None
    message_id: UUID | None
    actor: ActorShape
    timestamp: Moment
    payload: Json


class Notice(Fields):
    """What the agent tells."""

    message: Annotated[Text, Field(min_length=1)]
    attachments: Annotated[list[Json], Field(max_length=100)] | None = None
    thread_id: Id | None = None


class NoticeReceipt(Shape):
    """The notice is kept."""

    id: UUID
    seq: int
    thread_id: str


@router.get("/chat-history")
async def chat_history(
    id: UUID,
    caller: Caller,
    services: Use,
    *,
    limit: Limit = 50,
    before: Seq | None = None,
    after: Seq | None = None,
    before_ts: Time | None = None,
    thread_id: Word | None = None,
) -> HistoryShape:
    """A page of what was said to and by this workspace: the newest, or from a place on."""
    page = await services.messages.history(caller, id, thread=thread_id, before=before, after=after, before_time=before_ts, limit=limit)
    following = None if page.next is None else str(page.next)
    return HistoryShape(messages=[_entry_shape(entry) for entry in page.entries], reached_end=page.reached_end, next=following)


@router.post("/notify", status_code=201, openapi_extra=takes(Notice))
async def notify(id: UUID, request: Request, caller: Caller, services: Use, notice: Annotated[Notice, body(Notice)]) -> NoticeReceipt:
    """Kept in the history, then shown to the workspace's people. Its own token only. The same Idempotency-Key again is the same notice."""
    key = key_of(request.headers)
    message = text_message(notice.message, message_id=message_id_for(key))
    message["parts"] += [part_from_wire(part, f"Attachment {number}") for number, part in enumerate(notice.attachments or [])]
    said = Draft(workspace_id=id, body=message, size=0, key=key, thread_id=notice.thread_id, traceparent=traceparent_of(request))
    receipt = await services.messages.notify(caller, said)
    return NoticeReceipt(id=receipt.message_id, seq=receipt.seq, thread_id=receipt.thread_id)


@router.get("/activity")
async def activity(  # noqa: PLR0913 - a parameter, a query field
    id: UUID,
    caller: Caller,
    services: Use,
    *,
    type: Word | None = None,
    source: Word | None = None,
    peer_id: UUID | None = None,
    since_id: Annotated[Word | None, Query(description="A cursor: rows after it, oldest first.")] = None,
    before_ts: Time | None = None,
    limit: Limit = 100,
) -> list[ActivityShape]:
    """The feed as rows, oldest first: after a cursor, or the newest there are. A cursor that was pruned: 410."""
    await services.workspaces.get(caller, id, removed=True)
    services.events.permit(caller, id)
    only = EventFilter(type=type, source=source, peer_id=peer_id)
    events = await services.events.page(id, cursor=since_id, before=before_ts, limit=limit, only=only)
    return [_activity_shape(event, services.events.installation) for event in events]


def _entry_shape(entry: Entry) -> EntryShape:
    parts: list[Json] = entry.body.get("parts", [])
    return EntryShape(
        id=entry.id,
        seq=entry.seq,
        role=entry.role,
        sender=SenderShape(kind=entry.sender_kind, id=entry.sender_id, name=entry.sender_name),
        content=text_of(entry.body),
        parts=parts,
        attachments=[part for part in parts if "raw" in part or "url" in part],
        state=entry.state,
        reply_to=entry.reply_to,
        thread_id=entry.thread_id,
        task_id=entry.task_id,
        error=entry.error,
        timestamp=entry.timestamp,
    )


def _activity_shape(event: Event, installation: UUID) -> ActivityShape:
    cursor = event.position.encode(installation)
    return ActivityShape(
        id=cursor,
        cursor=cursor,
        event=event.type,
        workspace_id=event.workspace_id,
        peer_id=event.peer_id,
        message_id=event.message_id,
        actor=ActorShape(kind=event.actor_kind, id=event.actor_id),
        timestamp=event.at,
        payload=event.payload,
    )
