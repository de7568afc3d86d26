"""One event as the wire has it, on both kinds of feed."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson

from postroom.core.events.model import Event
from postroom.edges.wire import rfc3339

Json = dict[str, Any]

READY: Final = "postroom.ready"
BEAT: Final = "postroom.beat"
RESTART: Final = "postroom.restart"
END: Final = "postroom.end"

# What readers of lines take for a line end although JSON does not (a2a.md, section 4, 19): escaped, it is the same text to every parser.
_LINE_ENDS: Final = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"), (b"\xc2\x85", b"\\u0085"))


def frame_of(event: Event, cursor: str) -> bytes:
    """``{event, workspace_id, timestamp, cursor, payload}`` on one line."""
    concerned: Json = {
        "message_id": _text(event.message_id),
        "peer_id": _text(event.peer_id),
        "actor": {"kind": event.actor_kind, "id": _text(event.actor_id)},
    }
    frame = {
        "event": event.type,
        "workspace_id": str(event.workspace_id),
        "timestamp": rfc3339(event.at),
        "cursor": cursor,
        "payload": event.payload | concerned,
    }
    return one_line(orjson.dumps(frame))


def control_frame(name: str, cursor: str, payload: Json) -> bytes:
    """What the server says about the feed itself, in the shape of an event; nothing of it is kept, so the clock may be ours."""
    moment = rfc3339(datetime.now(UTC))
    return one_line(orjson.dumps({"event": name, "workspace_id": None, "timestamp": moment, "cursor": cursor, "payload": payload}))


def one_line(data: bytes) -> bytes:
    """JSON in which no reader finds a line end."""
    for raw, escaped in _LINE_ENDS:
        if raw in data:
            data = data.replace(raw, escaped)
    return data


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
