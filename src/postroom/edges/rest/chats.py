"""``/chats``: the people's conversation with every agent at a glance, its threads, and how far each reader has read."""

from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from postroom.core.messages.model import Chat, LastLine, State, Thread
from postroom.edges.body import Fields
from postroom.edges.rest.calling import Caller, Manager, ManagerHere, Use, body, takes
from postroom.edges.rest.shapes import Limit, Moment, RoleName, SenderShape, Seq, Shape, sender_shape

router = APIRouter(tags=["Talking"])


class LastMessageShape(Shape):
    """The newest message between people and the agent; ``preview`` are its first words, or the name of its file."""

    id: UUID
    seq: int
    role: RoleName
    sender: SenderShape
    thread_id: str
    preview: str | None
    state: State | None
    timestamp: Moment


class ChatShape(Shape):
    """The conversation with one agent; ``unread`` is what it said to people after ``read_seq``, counted up to 100."""

    workspace_id: UUID
    unread: int
    read_seq: int
    last_message: LastMessageShape | None


class ThreadShape(Shape):
    """One thread of it; ``begins`` are its first words, ``messages`` is counted up to 1000."""

    thread_id: str
    begins: str | None
    messages: int
    last_message: LastMessageShape


class ThreadsShape(Shape):
    """The most recently spoken first. ``next`` is the ``before`` of the page that follows."""

    threads: list[ThreadShape]
    next: str | None


class Mark(Fields):
    """How far the caller has read."""

    seq: Annotated[int, Field(strict=True, ge=0, lt=2**63)]


class MarkShape(Shape):
    """How far the caller has read now, and what is left."""

    read_seq: int
    unread: int


@router.get("/chats")
async def list_all(caller: Manager, services: Use) -> list[ChatShape]:
    """The people's conversation with every agent, the most recently spoken first, and what of it the caller has not read."""
    return [_chat_shape(chat) for chat in await services.reading.chats(caller)]


@router.get("/workspaces/{id}/threads")
async def threads(id: UUID, caller: Caller, services: Use, *, limit: Limit = 50, before: Seq | None = None) -> ThreadsShape:
    """The threads of the people's conversation. Each call looks at some of its messages; `next` goes on."""
    page = await services.reading.threads(caller, id, before=before, limit=limit)
    return ThreadsShape(threads=[_thread_shape(thread) for thread in page.threads], next=None if page.next is None else str(page.next))


@router.put("/workspaces/{id}/read", openapi_extra=takes(Mark))
async def mark_read(id: UUID, caller: ManagerHere, services: Use, mark: Annotated[Mark, body(Mark)]) -> MarkShape:
    """Move the caller's own mark forward; a place before it changes nothing, and none is beyond the newest message."""
    return MarkShape.model_validate(await services.reading.mark_read(caller, id, mark.seq))


def _chat_shape(chat: Chat) -> ChatShape:
    last = None if chat.last is None else _last_shape(chat.last)
    return ChatShape(workspace_id=chat.workspace_id, unread=chat.unread, read_seq=chat.read_seq, last_message=last)


def _thread_shape(thread: Thread) -> ThreadShape:
    return ThreadShape(thread_id=thread.id, begins=thread.begins, messages=thread.messages, last_message=_last_shape(thread.last))


def _last_shape(line: LastLine) -> LastMessageShape:
    return LastMessageShape(
        id=line.id,
        seq=line.seq,
        role=cast(RoleName, line.role),
        sender=sender_shape(line),
        thread_id=line.thread_id,
        preview=line.preview,
        state=None if line.state is None else State(line.state),
        timestamp=line.accepted_at,
    )
