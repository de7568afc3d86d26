"""What was said and what happened: ``chat-history``, ``activity``, and ``notify``, by which an agent tells its people something."""

from typing import Annotated, Literal, cast
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request

from postroom.core.events.model import Event, EventFilter
from postroom.core.messages.model import Draft, Entry, Passage, State, Strand
from postroom.edges.body import Fields, Id, Text
from postroom.edges.context import traceparent_of
from postroom.edges.idempotency import key_of, message_id_for
from postroom.edges.rest.calling import Caller, Use, body, takes
from postroom.edges.rest.parts import with_addresses
from postroom.edges.rest.shapes import (
    ErrorShape,
    Json,
    Limit,
    Moment,
    Part,
    ProgressShape,
    RoleName,
    SenderShape,
    Seq,
    Shape,
    Time,
    Word,
    progress_shape,
    sender_shape,
)
from postroom.edges.wire import part_from_wire, text_message, text_of

router = APIRouter(prefix="/workspaces/{id}", tags=["Talking"])

Sought = Annotated[Word, Field(min_length=1, max_length=200)]


class EntryShape(Shape):
    """One line of a conversation. ``attachments`` are those of the parts that are files, ``sent_as`` is its ``messageId``.

    What is asked of the agent has a state; until it ends also what its agent tells of it (``progress``), and from then on ``ended_at``.
    """

    id: UUID
    sent_as: str | None
    seq: int
    role: RoleName
    sender: SenderShape
    content: str
    parts: list[Part]
    attachments: list[Part]
    state: State | None
    reply_to: UUID | None
    thread_id: str
    task_id: UUID
    error: ErrorShape | None
    timestamp: Moment
    attempt: int | None
    handed_at: Moment | None
    cancel_requested: bool
    progress: ProgressShape | None
    ended_at: Moment | None


class HistoryShape(Shape):
    """A page, oldest first. ``next`` is the ``before`` (or ``after``) of the page that follows."""

    messages: list[EntryShape]
    reached_end: bool
    next: str | None


ActorKind = Literal["operator", "person", "workspace", "server"]


class ActorShape(Shape):
    """Who did it."""

    kind: ActorKind
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


Between = Literal["people", "agents"]
_STRANDS: dict[Between | None, tuple[Strand, ...]] = {
    None: tuple(Strand),
    "people": (Strand.FROM_PEOPLE, Strand.TO_PEOPLE),
    "agents": (Strand.AGENTS,),
}


@router.get("/chat-history")
async def chat_history(  # noqa: PLR0913 - a parameter, a query field
    id: UUID,
    caller: Caller,
    services: Use,
    *,
    limit: Limit = 50,
    before: Seq | None = None,
    after: Seq | None = None,
    before_ts: Time | None = None,
    around: Annotated[Seq | None, Query(description="A place to open the conversation at; it goes on before it.")] = None,
    thread_id: Word | None = None,
    between: Annotated[Between | None, Query(alias="with", description="People and the agent, or the agent and others.")] = None,
    q: Annotated[Sought | None, Query(description="Words that have to stand in it. Each call looks at some; `next` goes on.")] = None,
    inline: Annotated[bool, Query(description="False: bytes within messages are told by the address where they are.")] = True,
) -> HistoryShape:
    """A page of what was said to and by this workspace: the newest, or from a place on."""
    wanted = Passage(
        strands=_STRANDS[between],
        thread=thread_id,
        before=before,
        after=after,
        before_time=before_ts,
        around=around,
        words=q,
        limit=limit,
    )
    page = await services.reading.history(caller, id, wanted)
    following = None if page.next is None else str(page.next)
    return HistoryShape(
        messages=[_entry_shape(id, entry, inline=inline) for entry in page.entries], reached_end=page.reached_end, next=following
    )


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
    before_id: Annotated[Word | None, Query(description="A cursor: the newest rows before it.")] = None,
    before_ts: Time | None = None,
    limit: Limit = 100,
) -> list[ActivityShape]:
    """The feed as rows, oldest first: after a cursor, or the newest there are. A cursor that was pruned: 410."""
    await services.workspaces.get(caller, id, removed=True)
    services.events.permit(caller, id)
    only = EventFilter(type=type, source=source, peer_id=peer_id)
    events = await services.events.page(id, cursor=since_id, before=before_id or before_ts, limit=limit, only=only)
    return [_activity_shape(event, services.events.installation) for event in events]


def _entry_shape(workspace: UUID, entry: Entry, *, inline: bool) -> EntryShape:
    parts: list[Part] = entry.body.get("parts", [])
    parts = parts if inline else with_addresses(parts, workspace, entry.id)
    return EntryShape(
        id=entry.id,
        sent_as=entry.body.get("messageId"),
        seq=entry.seq,
        role=cast(RoleName, entry.role),
        sender=sender_shape(entry),
        content=text_of(entry.body),
        parts=parts,
        attachments=[part for part in parts if "raw" in part or "url" in part],
        state=None if entry.state is None else State(entry.state),
        reply_to=entry.reply_to,
        thread_id=entry.thread_id,
        task_id=entry.task_id,
        error=None if entry.error is None else ErrorShape.model_validate(entry.error),
        timestamp=entry.accepted_at,
        attempt=entry.attempt,
        handed_at=entry.handed_at,
        cancel_requested=entry.cancel_requested,
        progress=None if entry.progress is None else progress_shape(entry.progress),
        ended_at=entry.ended_at,
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
        actor=ActorShape(kind=cast(ActorKind, event.actor_kind), id=event.actor_id),
        timestamp=event.at,
        payload=event.payload,
    )
