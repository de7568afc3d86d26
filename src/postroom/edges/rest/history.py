"""What was said and what happened: ``chat-history``, ``activity``, and ``notify``, by which an agent tells its people something."""

from typing import Annotated, Any, Literal, cast
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request

from postroom.core.events.model import Event, EventFilter
from postroom.core.messages.model import Draft, Passage, Strand, Stretch
from postroom.edges.body import Fields, Id, Text
from postroom.edges.context import traceparent_of
from postroom.edges.idempotency import key_of, message_id_for
from postroom.edges.rest.calling import Caller, Use, body, takes
from postroom.edges.rest.entries import EntryShape, entry_shape, traffic_shape
from postroom.edges.rest.shapes import Json, Limit, Moment, Place, Shape, Time, Word
from postroom.edges.wire import part_from_wire, text_message
from postroom.errors import Refused

router = APIRouter(prefix="/workspaces/{id}", tags=["Talking"])

Sought = Annotated[Word, Field(min_length=1, max_length=200)]


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
_PEOPLE = (Strand.FROM_PEOPLE, Strand.TO_PEOPLE)


@router.get("/chat-history")
async def chat_history(  # noqa: PLR0913 - a parameter, a query field
    id: UUID,
    caller: Caller,
    services: Use,
    *,
    limit: Limit = 50,
    before: Place | None = None,
    after: Place | None = None,
    before_ts: Time | None = None,
    around: Annotated[Place | None, Query(description="A place to open the conversation at; it goes on before it.")] = None,
    thread_id: Word | None = None,
    between: Annotated[Between | None, Query(alias="with", description="People and the agent, or the agent and others.")] = None,
    q: Annotated[Sought | None, Query(description="Words that have to stand in it. Each call looks at some; `next` goes on.")] = None,
    inline: Annotated[bool, Query(description="False: bytes within messages are told by the address where they are.")] = True,
) -> HistoryShape:
    """A page of what was said to and by this workspace: the newest, or from a place on.

    A place is a `seq`; with other agents, whose mailboxes count for themselves, it is the id of a message.
    """
    narrowed: Json = {"thread": thread_id, "before_time": before_ts, "words": q, "limit": limit}
    places: dict[str, Place | None] = {"before": before, "after": after, "around": around}
    if between == "agents":
        page = await services.reading.traffic(caller, id, Stretch(**narrowed, **_places(places, UUID)))
        return _page_shape([traffic_shape(id, line, inline=inline) for line in page.lines], page.next)
    strands = tuple(Strand) if between is None else _PEOPLE
    page = await services.reading.history(caller, id, Passage(**narrowed, **_places(places, int), strands=strands))
    return _page_shape([entry_shape(id, entry, inline=inline) for entry in page.entries], page.next)


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


def _places(given: dict[str, Place | None], kind: type[int] | type[UUID]) -> dict[str, Any]:
    wrong = [name for name, place in given.items() if place is not None and not isinstance(place, kind)]
    if wrong:
        wanted = "a seq" if kind is int else "the id of a message"
        raise Refused(f"Not allowed: {', '.join(wrong)} must be {wanted} here.", code="invalid", fields=wrong)
    return given


def _page_shape(lines: list[EntryShape], following: Place | None) -> HistoryShape:
    return HistoryShape(messages=lines, reached_end=following is None, next=None if following is None else str(following))


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
