"""A conversation as text: who said what, when, and what became of it."""

import textwrap
from collections.abc import Sequence

from postroom.cli.ages import clock_time
from postroom.cli.safe_text import clean, one_line
from postroom.client import Json

_UNREMARKABLE = (None, "replied")


def transcript(messages: Sequence[Json]) -> str:
    """Messages in their order, a blank line between them; what came back for one below it."""
    return "\n\n".join(entry(said) for message in messages for said in (message, *_answer(message)))


def _answer(message: Json) -> list[Json]:
    answer: Json | None = message.get("answer")
    return [] if answer is None else [{**answer, "role": "agent", "sender": message["receiver"], "receiver": message["sender"]}]


def entry(message: Json) -> str:
    """A line of who and when, then the text. A state is named where it is not the expected end."""
    state = message.get("state")
    report: Json | None = message.get("report")
    remark = "" if message["role"] == "agent" or state in _UNREMARKABLE else f" · {state}"
    remark = remark if report is None else f" · the end of what it asked: {report['status']}"
    # Indented, so that no text can pass for the head of another message.
    lines = [message["content"]] if message.get("content") else []
    lines += [f"[{line}]" for line in enclosures(message.get("parts") or [])]
    text = textwrap.indent(clean("\n".join(lines) or "(no text)"), "  ")
    return f"{clock_time(message['timestamp'])} {speaker(message)}{remark}{_reason(message)}\n{text}"


def _reason(message: Json) -> str:
    error: Json = message.get("error") or {}
    return f": {one_line(str(error['detail']), limit=200)}" if error.get("detail") else ""


def enclosures(parts: Sequence[Json]) -> list[str]:
    """What came beside the words, a line each: files by name and size, addresses, data."""
    return [_enclosure(part) for part in parts if "text" not in part]


def _enclosure(part: Json) -> str:
    if "data" in part:
        return "data"
    name = f"file {one_line(str(part.get('filename') or 'without a name'), limit=100)}"
    raw = part.get("raw")
    return (
        f"{name}, {len(str(raw).rstrip('=')) * 3 // 4} bytes"
        if raw is not None
        else f"{name} at {one_line(str(part.get('url')), limit=200)}"
    )


def speaker(message: Json) -> str:
    """The name of who said it, as the server knows it, and among agents to whom."""
    receiver: Json | None = message.get("receiver")
    return _name(message) if receiver is None else f"{_name(message)} → {one_line(str(receiver['name']), limit=60)}"


def _name(message: Json) -> str:
    sender: Json | str | None = message.get("sender")
    name = sender.get("name") if isinstance(sender, dict) else sender
    return one_line(str(name or message["role"]), limit=60)
