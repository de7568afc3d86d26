"""From an answer that refuses back to the error type that the server raised.

The stable ``code`` decides; where it is not known (a newer server, a proxy in between), the HTTP status does, and the code is kept as the
error's ``name``. JSON-RPC errors without an HTTP status of their own (A2A 1.0, section 5.4) are read by their number.
"""

from typing import Any, cast

from postroom import errors
from postroom.errors import PostroomError

Json = dict[str, Any]

_BY_CODE: dict[str, type[PostroomError]] = {
    kind.code: kind
    for kind in (
        errors.Malformed,
        errors.TooLarge,
        errors.Unauthenticated,
        errors.Forbidden,
        errors.NotFound,
        errors.Conflict,
        errors.LeaseLost,
        errors.Superseded,
        errors.Gone,
        errors.Refused,
        errors.KeyReused,
        errors.TooMany,
        errors.Unavailable,
        errors.OutcomeUnknown,
    )
}

_BY_STATUS: dict[int, type[PostroomError]] = {
    400: errors.Malformed,
    401: errors.Unauthenticated,
    402: errors.Refused,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    410: errors.Gone,
    413: errors.TooLarge,
    422: errors.Refused,
    429: errors.TooMany,
    # 502 and 504 come from a proxy before the server; the request may or may not have reached it, as with a cut connection.
    502: errors.Unavailable,
    503: errors.Unavailable,
    504: errors.Unavailable,
}

_BY_RPC_NUMBER: dict[int, type[PostroomError]] = {
    -32700: errors.Malformed,
    -32600: errors.Malformed,
    -32602: errors.Malformed,
    -32001: errors.NotFound,
    -32002: errors.Conflict,
}

_OWN_FIELDS = frozenset({"error", "code", "request_id", "retry_after", "sentence"})


def error_from(status: int, body: Any, retry_after: float | None) -> PostroomError:
    """Rebuild the error of an answer.

    ``status`` is the HTTP status (200 for a JSON-RPC error that rides on success), ``body`` the decoded JSON or raw bytes, ``retry_after``
    the seconds of the header of that name. Fields beside the sentence and the code end up in the error's ``data``.
    """
    fields = cast(Json, body) if isinstance(body, dict) else {}
    rpc = fields.get("error")
    if isinstance(rpc, dict):
        return _from_rpc(status, cast(Json, rpc), retry_after)
    return _build(_BY_STATUS.get(status), status, fields, retry_after)


def _from_rpc(status: int, rpc: Json, retry_after: float | None) -> PostroomError:
    fields: Json = {"error": rpc.get("message"), **_rpc_details(rpc.get("data"))}
    by_status = _BY_STATUS.get(status) or _BY_RPC_NUMBER.get(rpc.get("code", 0), errors.Refused)
    return _build(by_status, status, fields, retry_after)


def _rpc_details(data: Any) -> Json:
    """Our fields inside a JSON-RPC error: a plain object, or google.rpc.ErrorInfo with the code as its reason."""
    if isinstance(data, dict):
        return cast(Json, data)
    details: Json = {}
    for entry in cast(list[Any], data) if isinstance(data, list) else []:
        if isinstance(entry, dict) and "reason" in entry:
            info = cast(Json, entry)
            details = {"code": str(info["reason"]).lower(), **cast(Json, info.get("metadata") or {})}
    return details


def _build(fallback: type[PostroomError] | None, status: int, fields: Json, retry_after: float | None) -> PostroomError:
    code = fields.get("code") if isinstance(fields.get("code"), str) else None
    kind = _BY_CODE.get(code or "", fallback or PostroomError)
    sentence = str(fields.get("error") or f"The server answered with status {status}.")
    data = {key: value for key, value in fields.items() if key not in _OWN_FIELDS}
    if issubclass(kind, errors.TooMany | errors.Unavailable):
        return kind(sentence, code=code, retry_after=1.0 if retry_after is None else retry_after, **data)
    return kind(sentence, code=code, **data)
