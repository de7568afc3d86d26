"""A2A shapes, both ways: whatever a client or an agent writes becomes the 1.0 form; the 1.0 form becomes 0.3 for those who speak it.

Within Postroom every message has its 1.0 form (ProtoJSON of ``lf.a2a.v1``). Readers here go by shape and not by the version somebody
claims, because peers mix them (L34): parts with ``kind``, with ``type`` or with neither, roles ``user`` and ``ROLE_USER``, names in
camelCase and, as ProtoJSON allows, in snake_case. Members that are not known are kept. A shape that can not be read raises Malformed
with a sentence that names the place. Sources: specification 1.0.1 sections 4.1 and 5.5, ``a2a.json`` of 0.3.0; the tests hold these
functions against ``a2a.compat.v0_3.conversions`` of the official SDK, which is too slow to stand on the hot path.
"""

import binascii
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, cast

from postroom.errors import Malformed

Json = dict[str, Any]

STATE_NAMES: Final = {
    word: f"TASK_STATE_{word.upper().replace('-', '_')}"
    for word in ("submitted", "working", "input-required", "auth-required", "completed", "failed", "canceled", "rejected")
}
"""The states as 0.3 writes them, which is also the word within Postroom, and as 1.0 writes them."""

ROLE_USER: Final = "ROLE_USER"
ROLE_AGENT: Final = "ROLE_AGENT"

_STATE_WORDS = {name: word for word, name in STATE_NAMES.items()} | {word: word for word in STATE_NAMES} | {"cancelled": "canceled"}
_ROLES = {"user": ROLE_USER, "agent": ROLE_AGENT, ROLE_USER: ROLE_USER, ROLE_AGENT: ROLE_AGENT}
_ROLE_WORDS = {ROLE_USER: "user", ROLE_AGENT: "agent"}
_CONTENT = ("text", "raw", "url", "data")
_KINDS = ("text", "file", "data")
_CAMEL_CASE = {
    "message_id": "messageId",
    "context_id": "contextId",
    "task_id": "taskId",
    "reference_task_ids": "referenceTaskIds",
    "media_type": "mediaType",
    "artifact_id": "artifactId",
    "mime_type": "mimeType",
}
# The SDK wraps data that is no object for 0.3, whose data parts hold objects only, and marks the part with this key.
_WRAPPED_DATA = "data_part_compat"


def state_word(state: object) -> str | None:
    """The word of a state written in either form; None for an unspecified, missing or unknown one."""
    return _STATE_WORDS.get(state) if isinstance(state, str) else None


def rfc3339(moment: datetime) -> str:
    """Write an aware time as the wire has it: UTC with milliseconds and ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def text_of(message: Json) -> str:
    """The words of a message in 1.0 form: its text parts, a line each."""
    return "\n".join(part["text"] for part in message.get("parts", ()) if isinstance(part.get("text"), str))


def text_message(text: str, *, message_id: str, role: str = ROLE_AGENT) -> Json:
    """A message in 1.0 form that says one text."""
    return {"role": role, "messageId": message_id, "parts": [{"text": text}]}


def message_from_wire(message: object) -> Json:
    """Read a message of either version; the given object stays as it is.

    Ids that are null or empty count as absent. Role and messageId may be missing: who calls knows what they should be.
    Raises Malformed.
    """
    given = _members(message, "The message")
    for name in ("messageId", "contextId", "taskId"):
        _check(given, name, str, "The message")
        if given.get(name) == "":
            del given[name]
    if "role" in given:
        given["role"] = _role(given["role"])
    _check(given, "metadata", dict, "The message")
    for name in ("extensions", "referenceTaskIds"):
        _check_texts(given, name)
    given.pop("kind", None)
    return given | {"parts": _parts_from_wire(given.get("parts"), "The message")}


def artifact_from_wire(artifact: object) -> Json:
    """Read an artifact of either version. Raises Malformed."""
    given = _members(artifact, "The artifact")
    for name in ("artifactId", "name", "description"):
        _check(given, name, str, "The artifact")
    _check(given, "metadata", dict, "The artifact")
    return given | {"parts": _parts_from_wire(given.get("parts"), "The artifact")}


def part_from_wire(part: object, place: str = "The part") -> Json:
    """Read a part of either version into its 1.0 form: exactly one of text, raw (base64), url, data. Raises Malformed."""
    given = _members(part, place, keep_null=("data",))
    kind = next((given[name] for name in ("kind", "type") if given.get(name) in _KINDS), None)
    if kind is not None:
        given = _without_kind(given, kind, place)
    present = [name for name in _CONTENT if name in given]
    if len(present) != 1:
        raise Malformed(f"{place} needs exactly one of text, raw, url and data (or kind text, file, data); it has {len(present)}.")
    for name in ("text", "raw", "url", "filename", "mediaType"):
        _check(given, name, str, place)
    _check(given, "metadata", dict, place)
    if "raw" in given:
        _check_base64(given["raw"], place)
    return given


def _without_kind(given: Json, kind: str, place: str) -> Json:
    rest = {name: value for name, value in given.items() if not (name in ("kind", "type") and value == kind)}
    if kind == "file" and "file" in rest:
        return _file_from_03(rest, place)
    if kind == "data" and isinstance(rest.get("metadata"), dict) and rest["metadata"].get(_WRAPPED_DATA):
        return _unwrapped(rest, place)
    return rest


def _file_from_03(rest: Json, place: str) -> Json:
    names = {"bytes": "raw", "uri": "url", "name": "filename", "mimeType": "mediaType"}
    file = _members(rest.pop("file"), f"{place}: its file")
    return rest | {names.get(name, name): value for name, value in file.items()}


def _unwrapped(rest: Json, place: str) -> Json:
    if not isinstance(rest.get("data"), dict) or "value" not in rest["data"]:
        raise Malformed(f"{place} says {_WRAPPED_DATA}, but its data has no member value.")
    metadata = {name: value for name, value in rest["metadata"].items() if name != _WRAPPED_DATA}
    kept = {name: value for name, value in rest.items() if name != "metadata"} | ({"metadata": metadata} if metadata else {})
    return kept | {"data": rest["data"]["value"]}


def message_to_03(message: Json) -> Json:
    """Write a message (1.0 form) for 0.3."""
    role = _ROLE_WORDS.get(message.get("role", ROLE_USER), "user")
    return message | {"kind": "message", "role": role, "parts": [part_to_03(part) for part in message["parts"]]}


def artifact_to_03(artifact: Json) -> Json:
    """Write an artifact (1.0 form) for 0.3."""
    return artifact | {"parts": [part_to_03(part) for part in artifact["parts"]]}


def part_to_03(part: Json) -> Json:
    """Write a part (1.0 form) for 0.3. Names and media types of texts and data, which 0.3 lacks, go along as further members."""
    if "text" in part:
        return {"kind": "text"} | part
    if "data" in part:
        return {"kind": "data"} | (part if isinstance(part["data"], dict) else _wrapped(part))
    names = {"raw": "bytes", "url": "uri", "filename": "name", "mediaType": "mimeType"}
    rest = {name: value for name, value in part.items() if name not in names}
    return {"kind": "file"} | rest | {"file": {names[name]: part[name] for name in names if name in part}}


def _wrapped(part: Json) -> Json:
    return part | {"data": {"value": part["data"]}, "metadata": part.get("metadata", {}) | {_WRAPPED_DATA: True}}


def task_view_1_0(
    *,
    id: str,
    context_id: str,
    state: str,
    timestamp: datetime | None = None,
    message: Json | None = None,
    artifacts: list[Json] | None = None,
    history: list[Json] | None = None,
    metadata: Json | None = None,
) -> Json:
    """Build a Task for 1.0. ``state`` is a word of STATE_NAMES; messages and artifacts are in 1.0 form; None leaves a member out."""
    status: Json = {"state": STATE_NAMES[state]}
    if message is not None:
        status["message"] = message
    if timestamp is not None:
        status["timestamp"] = rfc3339(timestamp)
    further = {"artifacts": artifacts, "history": history, "metadata": metadata}
    return {"id": id, "contextId": context_id, "status": status} | {name: value for name, value in further.items() if value is not None}


def task_view_0_3(task: Json) -> Json:
    """Write a Task, as task_view_1_0 builds it, for 0.3."""
    view = task | {"kind": "task", "status": status_to_03(task["status"])}
    writers: dict[str, Callable[[Json], Json]] = {"artifacts": artifact_to_03, "history": message_to_03}
    for name, write in writers.items():
        if name in task:
            view[name] = [write(item) for item in task[name]]
    return view


def status_to_03(status: Json) -> Json:
    """Write a task's status (1.0 form) for 0.3, whose word for an unspecified state is ``unknown``."""
    written = status | {"state": state_word(status.get("state")) or "unknown"}
    if "message" in status:
        written["message"] = message_to_03(status["message"])
    return written


def _members(value: object, place: str, *, keep_null: tuple[str, ...] = ()) -> Json:
    """The members of an object by their camelCase names, without those that are null: ProtoJSON reads null as not there."""
    if not isinstance(value, dict):
        raise Malformed(f"{place} must be an object.")
    members = cast(Json, value)
    return {_CAMEL_CASE.get(name, name): member for name, member in members.items() if member is not None or name in keep_null}


def _parts_from_wire(parts: object, place: str) -> list[Json]:
    if not isinstance(parts, list) or not parts:
        raise Malformed(f"{place} needs parts: a list with at least one part.")
    return [part_from_wire(part, f"{place}: part {number}") for number, part in enumerate(cast(list[object], parts))]


def _role(role: object) -> str:
    if not isinstance(role, str) or role not in _ROLES:
        raise Malformed("The message's role must be ROLE_USER or ROLE_AGENT (0.3: user or agent).")
    return _ROLES[role]


def _check(given: Json, name: str, kind: type, place: str) -> None:
    if name in given and not isinstance(given[name], kind):
        raise Malformed(f"{place}: {name} must be {'a text' if kind is str else 'an object'}.")


def _check_texts(given: Json, name: str) -> None:
    items = given.get(name, [])
    if not isinstance(items, list) or not all(isinstance(item, str) for item in cast(list[object], items)):
        raise Malformed(f"The message: {name} must be a list of texts.")


def _check_base64(text: str, place: str) -> None:
    # ProtoJSON takes the standard and the URL-safe alphabet, with and without padding.
    standard = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        binascii.a2b_base64(standard + "=" * (-len(standard) % 4), strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(f"{place}: raw (0.3: bytes) is not base64.") from error
