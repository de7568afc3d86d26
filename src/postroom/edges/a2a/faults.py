"""What A2A calls an error: specification 1.0.1 sections 3.3.2 and 5.4, JSON-RPC 2.0 section 5.1.

These ride on HTTP 200. Every other refusal carries its HTTP status and a JSON-RPC error object together (contract, "Errors"); which
number that has is decided where all codes are decided, in ``edges/problems.py``.
"""

from enum import Enum
from typing import Any, Final

from postroom.errors import Malformed, PostroomError

Json = dict[str, Any]

DOMAIN: Final = "a2a-protocol.org"


class Fault(Enum):
    """The errors of the protocol that this endpoint gives; the value is the JSON-RPC number, the name is the reason in ErrorInfo."""

    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    PARSE_ERROR = -32700
    TASK_NOT_FOUND = -32001
    TASK_NOT_CANCELABLE = -32002
    PUSH_NOTIFICATION_NOT_SUPPORTED = -32003
    UNSUPPORTED_OPERATION = -32004
    CONTENT_TYPE_NOT_SUPPORTED = -32005
    VERSION_NOT_SUPPORTED = -32009


class Faulty(Exception):
    """The request comes to an error of the protocol."""

    def __init__(self, fault: Fault, sentence: str, **metadata: str) -> None:
        super().__init__(sentence)
        self.fault = fault
        self.sentence = sentence
        self.metadata = metadata

    def as_object(self) -> Json:
        """The JSON-RPC error object, with google.rpc.ErrorInfo (its metadata holds texts only)."""
        info: Json = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": self.fault.name, "domain": DOMAIN}
        if self.metadata:
            info["metadata"] = self.metadata
        return {"code": self.fault.value, "message": self.sentence, "data": [info]}


# What the core refuses by these names is an error of the protocol; everything else that it refuses is ours.
_BY_NAME: Final = {
    "task_not_found": Fault.TASK_NOT_FOUND,
    "task_ended": Fault.UNSUPPORTED_OPERATION,
    "task_busy": Fault.UNSUPPORTED_OPERATION,
    "thread_mismatch": Fault.INVALID_PARAMS,
}


def as_fault(error: PostroomError) -> Faulty | None:
    """The error of the protocol that a refusal comes to, if it is one. A form that is wrong inside the envelope is one of its params."""
    fault = _BY_NAME.get(error.name) or (Fault.INVALID_PARAMS if error.name == Malformed.code else None)
    return Faulty(fault, error.sentence, code=error.name) if fault else None
