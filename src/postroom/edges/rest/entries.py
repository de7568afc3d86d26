"""Lines of conversations: what was said, and how it stands."""

from typing import cast
from uuid import UUID

from postroom.core.messages.model import Entry, State, TrafficLine
from postroom.edges.rest.parts import with_addresses
from postroom.edges.rest.shapes import (
    ErrorShape,
    Json,
    Moment,
    Part,
    PlaceShape,
    ProgressShape,
    RoleName,
    SenderShape,
    Shape,
    StatusName,
    progress_shape,
    sender_shape,
)
from postroom.edges.wire import text_of


class EndShape(Shape):
    """What a post that tells an end tells of."""

    delegation_id: UUID
    status: StatusName


class AnswerShape(Shape):
    """What came back."""

    id: UUID
    content: str
    parts: list[Part]
    attachments: list[Part]
    timestamp: Moment


class EntryShape(Shape):
    """One line of a conversation. ``attachments`` are those of the parts that are files, ``sent_as`` is its ``messageId``.

    What is asked of the agent has a state; until it ends also what its agent tells of it (``progress``), and from then on ``ended_at``.

    Among agents: to whom it was said (``receiver``), of which delegation a post tells the end (``report``), and the ``answer`` to what this
    workspace asked, unless it came as such a post.
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
    receiver: PlaceShape | None
    report: EndShape | None
    answer: AnswerShape | None


def entry_shape(workspace: UUID, entry: Entry, *, inline: bool) -> EntryShape:
    """A line of that workspace's conversations; not ``inline``, bytes within it are told by their address."""
    parts = _parts(workspace, entry.id, entry.body, inline=inline)
    return EntryShape(
        id=entry.id,
        sent_as=entry.body.get("messageId"),
        seq=entry.seq,
        role=cast(RoleName, entry.role),
        sender=sender_shape(entry),
        content=text_of(entry.body),
        parts=parts,
        attachments=_files(parts),
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
        receiver=None,
        report=None,
        answer=None,
    )


def traffic_shape(workspace: UUID, line: TrafficLine, *, inline: bool) -> EntryShape:
    """A line of that workspace's traffic with other agents."""
    told: Json = {
        "receiver": None if line.receiver_id is None else PlaceShape(id=line.receiver_id, name=line.receiver_name or ""),
        "report": None if line.report is None else EndShape.model_validate(line.report),
        "answer": None if line.answer is None else _answer_shape(workspace, line.answer, inline=inline),
    }
    return entry_shape(workspace, line.entry, inline=inline).model_copy(update=told)


def _answer_shape(workspace: UUID, answer: Json, *, inline: bool) -> AnswerShape:
    """Of what ``read_traffic`` brings."""
    parts = _parts(workspace, answer["id"], answer["body"], inline=inline)
    return AnswerShape(id=answer["id"], content=text_of(answer["body"]), parts=parts, attachments=_files(parts), timestamp=answer["at"])


def _parts(workspace: UUID, message: UUID, body: Json, *, inline: bool) -> list[Part]:
    parts: list[Part] = body.get("parts", [])
    return parts if inline else with_addresses(parts, workspace, message)


def _files(parts: list[Part]) -> list[Part]:
    return [part for part in parts if "raw" in part or "url" in part]
