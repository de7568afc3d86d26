"""A conversation as text: who said what, when, and what became of it."""

import textwrap
from collections.abc import Sequence

from postroom.cli.ages import clock_time
from postroom.cli.safe_text import clean, one_line
from postroom.client import Json

_UNREMARKABLE = (None, "replied")


def transcript(messages: Sequence[Json]) -> str:
    """Messages in the order of their mailbox, a blank line between them."""
    return "\n\n".join(entry(message) for message in sorted(messages, key=lambda message: message["seq"]))


def entry(message: Json) -> str:
    """A line of who and when, then the text. A state is named where it is not the expected end."""
    state = message.get("state")
    remark = "" if message["role"] == "agent" or state in _UNREMARKABLE else f" · {state}"
    # Indented, so that no text can pass for the head of another message.
    text = textwrap.indent(clean(message.get("content") or "(no text)"), "  ")
    return f"{clock_time(message['timestamp'])} {speaker(message)}{remark}\n{text}"


def speaker(message: Json) -> str:
    """The name of who said it, as the server knows it."""
    sender: Json | str | None = message.get("sender")
    name = sender.get("name") if isinstance(sender, dict) else sender
    return one_line(str(name or message["role"]), limit=60)
