"""The JSON-RPC envelope: which call, in which version of A2A.

0.3 and 1.0 differ in the names of the methods. A request is read by the version that it names, in the header ``A2A-Version`` or the query
parameter of that name; naming none means 0.3 (specification 1.0.1, section 3.6.2), unless the method is called as in 1.0.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, cast

from postroom.edges.a2a.faults import Fault, Faulty
from postroom.ids import new_id

Json = dict[str, Any]
RequestId = str | int | float | None


class Version(StrEnum):
    """The versions of A2A spoken here."""

    V0_3 = "0.3"
    V1_0 = "1.0"


class Operation(StrEnum):
    """What a method does; the last two kinds are not offered."""

    SEND = "send"
    GET = "get"
    CANCEL = "cancel"
    NOT_OFFERED = "not_offered"
    PUSH = "push"


@dataclass(frozen=True, slots=True)
class Call:
    """One request, taken out of its envelope."""

    id: RequestId
    version: Version
    operation: Operation
    params: Json


_METHODS: Final = {
    Version.V1_0: {
        "SendMessage": Operation.SEND,
        "GetTask": Operation.GET,
        "CancelTask": Operation.CANCEL,
        "SendStreamingMessage": Operation.NOT_OFFERED,
        "SubscribeToTask": Operation.NOT_OFFERED,
        "ListTasks": Operation.NOT_OFFERED,
        "GetExtendedAgentCard": Operation.NOT_OFFERED,
        "CreateTaskPushNotificationConfig": Operation.PUSH,
        "GetTaskPushNotificationConfig": Operation.PUSH,
        "ListTaskPushNotificationConfigs": Operation.PUSH,
        "DeleteTaskPushNotificationConfig": Operation.PUSH,
    },
    Version.V0_3: {
        "message/send": Operation.SEND,
        "tasks/get": Operation.GET,
        "tasks/cancel": Operation.CANCEL,
        "message/stream": Operation.NOT_OFFERED,
        "tasks/resubscribe": Operation.NOT_OFFERED,
        "agent/getAuthenticatedExtendedCard": Operation.NOT_OFFERED,
        "tasks/pushNotificationConfig/set": Operation.PUSH,
        "tasks/pushNotificationConfig/get": Operation.PUSH,
        "tasks/pushNotificationConfig/list": Operation.PUSH,
        "tasks/pushNotificationConfig/delete": Operation.PUSH,
    },
}
# Patch numbers never matter (specification 1.0.1, section 3.6).
_VERSION = re.compile(r"(\d+\.\d+)(\.\d+)*")


def with_envelope(body: object, named_version: str) -> Json:
    """The request as JSON-RPC. What came without an envelope is wrapped: method and params, params, a message, or a text.

    Raises Faulty for what is no single request: batches are not part of A2A (specification 1.0.1, section 9).
    """
    if not isinstance(body, dict):
        raise Faulty(Fault.INVALID_REQUEST, "The body must be one JSON-RPC request object.")
    given = cast(Json, body)
    if "jsonrpc" in given:
        return given
    if "method" in given:
        return {"id": str(new_id()), **given, "jsonrpc": "2.0"}
    method = "SendMessage" if named_version.strip().startswith("1.") else "message/send"
    return {"jsonrpc": "2.0", "id": str(new_id()), "method": method, "params": _bare_params(given)}


def _bare_params(given: Json) -> Json:
    if "message" in given:
        message = given["message"]
        return given | {"message": _said(message)} if isinstance(message, str) else given
    if "parts" in given:
        return {"message": given}
    if isinstance(given.get("text"), str):
        return {"message": _said(given["text"])}
    raise Faulty(Fault.INVALID_REQUEST, "The body is neither a JSON-RPC request nor a message.")


def _said(text: str) -> Json:
    return {"parts": [{"text": text}]}


def request_id(body: object) -> RequestId:
    """The id to answer with; null where there is none that JSON-RPC allows."""
    given: Any = cast(Json, body).get("id") if isinstance(body, dict) else None
    return given if isinstance(given, str | int | float) and not isinstance(given, bool) else None


def read_call(request: Json, named_version: str) -> Call:
    """Read the envelope. ``named_version`` is what header or query say, empty for nothing. Raises Faulty."""
    if request["jsonrpc"] != "2.0":
        raise Faulty(Fault.INVALID_REQUEST, 'The member jsonrpc must be "2.0".')
    if request.get("id") is not None and request_id(request) is None:
        raise Faulty(Fault.INVALID_REQUEST, "The id must be a text, a number or null.")
    method: Any = request.get("method")
    version = _version(named_version, method)
    params: Any = request.get("params") if request.get("params") is not None else {}
    if not isinstance(params, dict):
        raise Faulty(Fault.INVALID_PARAMS, "The params must be an object.")
    return Call(request_id(request), version, _operation(version, method), cast(Json, params))


def _version(named: str, method: object) -> Version:
    if not named.strip():
        return Version.V1_0 if isinstance(method, str) and method in _METHODS[Version.V1_0] else Version.V0_3
    match = _VERSION.fullmatch(named.strip())
    try:
        return Version(match[1] if match else "")
    except ValueError:
        raise Faulty(Fault.VERSION_NOT_SUPPORTED, "This endpoint speaks A2A 1.0 and 0.3.", supported="1.0,0.3") from None


def _operation(version: Version, method: object) -> Operation:
    if not isinstance(method, str):
        raise Faulty(Fault.INVALID_REQUEST, "The method must be a text.")
    operation = _METHODS[version].get(method)
    if operation is None:
        raise Faulty(Fault.METHOD_NOT_FOUND, f"A2A {version} has no such method.")
    return operation
