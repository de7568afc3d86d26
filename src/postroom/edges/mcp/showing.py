"""What the core knows, as the tools show it. Who somebody is comes from the server's own rows and from nothing that anybody wrote."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from postroom.core.delegations.model import Delegation, Place
from postroom.core.deliveries.model import Delivery, Waiting
from postroom.core.messages.model import Entry
from postroom.core.registry.model import Workspace
from postroom.edges.wire import text_of
from postroom.mcp.results import File, Letter, Line, Office, Party, Peer, Progress, Report, Task, TaskError, Words

Json = dict[str, Any]


def office(found: Workspace) -> Office:
    """A workspace, to itself."""
    return Office(
        id=found.id,
        name=found.name,
        role=found.role,
        status=found.status.value,
        parent_id=found.parent_id,
        delivery_mode=found.delivery_mode.value,
        queue_depth=found.queue_depth,
        max_concurrent=found.max_concurrent,
    )


def peer(found: Workspace) -> Peer:
    """A workspace, to those who may talk to it."""
    skills: Any = (found.agent_card or {}).get("skills")
    return Peer(
        id=found.id,
        name=found.name,
        role=found.role,
        status=found.status.value,
        skills=cast(list[Any], skills) if isinstance(skills, list) else [],
        parent_id=found.parent_id,
        active_tasks=found.active_tasks,
    )


def waiting(found: Waiting) -> Letter:
    """Post that is looked at."""
    return letter(found.delivery, held=found.held).model_copy(update={"accepted_at": found.accepted_at})


def letter(found: Delivery, *, held: bool) -> Letter:
    """Post, to its reader."""
    sender = found.sender
    return Letter(
        message_id=found.message_id,
        sender=_party(sender.kind, sender.id, sender.name),
        on_behalf_of=[Party(id=UUID(link["id"]), name=link["name"]) for link in found.chain],
        text=text_of(found.message),
        files=files(found.message),
        report=None if found.report is None else _report(found.report),
        thread_id=found.thread_id,
        deadline=found.deadline,
        attempt=found.attempt,
        held=held,
        cancel_requested=found.cancel,
    )


def task(found: Delegation) -> Task:
    """A delegation, to its delegator."""
    return Task(
        task_id=found.id,
        target=_place(found.target),
        status=found.status.value,
        task=text_of(found.body),
        thread_id=found.thread_id,
        created_at=found.created_at,
        ended_at=found.ended_at,
        deadline=found.deadline,
        cancel_requested=found.cancel_requested,
        progress=None if found.progress is None else _progress(found.progress),
        result=None if found.reply is None else Words(text=text_of(found.reply), files=files(found.reply)),
        error=None if found.error is None else TaskError(code=found.error["code"], detail=found.error.get("detail")),
    )


def line(found: Entry) -> Line:
    """A line of the history."""
    return Line(
        id=found.id,
        seq=found.seq,
        sender=_party(found.sender_kind, found.sender_id, found.sender_name),
        text=text_of(found.body),
        files=files(found.body),
        state=found.state,
        reply_to=found.reply_to,
        thread_id=found.thread_id,
        timestamp=found.accepted_at,
    )


def files(message: Json) -> list[File]:
    """The parts of a message (1.0 form) that are no text."""
    parts: Sequence[Json] = message.get("parts") or ()
    return [File.of_part(part) for part in parts if "text" not in part]


def _party(kind: str, id: UUID, name: str) -> Party:
    return Party.model_validate({"kind": kind, "id": id, "name": name})


def _place(place: Place) -> Party:
    return Party(id=place.id, name=place.name)


def _report(report: Json) -> Report:
    return Report(task_id=UUID(report["delegation_id"]), status=report["status"], error=report.get("error"))


def _progress(told: Json) -> Progress:
    return Progress(text=text_of({"parts": told["parts"] or []}) or None, status=told["status"], at=told["at"])
