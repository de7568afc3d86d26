"""What the server answers, as the tools show it. Fields that a newer server adds are passed over."""

from collections.abc import Sequence

from postroom.client import Delegation, Item, Json
from postroom.client.talk import text_of
from postroom.mcp.results import File, Letter, Line, Task


def letter_of(item: Item, *, cancelled: bool) -> Letter:
    """A message that was handed to this session."""
    sender = {"kind": item.sender.kind, "id": item.sender.id, "name": item.sender.name}
    return Letter.model_validate(
        {
            "message_id": item.message_id,
            "sender": sender,
            "on_behalf_of": item.chain,
            **_said(item.message.get("parts", [])),
            "report": _report(item.report),
            "thread_id": item.thread_id,
            "deadline": item.deadline,
            "attempt": item.attempt,
            "held": True,
            "cancel_requested": cancelled,
        }
    )


def waiting_letter(row: Json, *, held: bool) -> Letter:
    """A message that is looked at."""
    told = {**_said(row["message"].get("parts", [])), "report": _report(row["report"]), "attempt": max(row["attempt"], 1), "held": held}
    return Letter.model_validate(row | told)


def _report(row: Json | None) -> Json | None:
    return None if row is None else {**row, "task_id": row["delegation_id"]}


def task_of(delegation: Delegation) -> Task:
    """A task that this workspace delegated."""
    row = delegation.row
    result = None if row["result"] is None else _said(row["result"]["parts"])
    return Task.model_validate({**row, "task_id": row["delegation_id"], "result": result})


def line_of(row: Json) -> Line:
    """One line of the history."""
    return Line.model_validate({**row, **_said(row["parts"])})


def _said(parts: Sequence[Json]) -> Json:
    return {"text": text_of(list(parts)), "files": [File.of_part(part) for part in parts if "text" not in part]}
