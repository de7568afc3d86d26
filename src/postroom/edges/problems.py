"""The one table from errors to protocol codes, and the answers made of it. The exit codes of commands are in ``cli/exits.py``."""

from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from typing import Any, cast

import orjson
import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler
from starlette.websockets import WebSocket, WebSocketState

from postroom import errors
from postroom.edges.body import refused_fields
from postroom.edges.context import request_id_of
from postroom.errors import PostroomError
from postroom.metrics import FAULTS

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Codes:
    """How one class of errors is said: HTTP status, JSON-RPC code, WebSocket close code."""

    http: int
    rpc: int
    close: int


# The first class that fits counts, so a subclass stands before its base. JSON-RPC: -32600 and -32603 are of its specification, the A2A
# protocol owns -32001 to -32099 and names its own errors itself; ours share -32000 and are told apart by ``data.code``. WebSocket: the
# codes of RFC 6455 where there is one, else 4000 plus the HTTP status, from the range that is free to use.
TABLE: tuple[tuple[type[PostroomError], Codes], ...] = (
    (errors.Malformed, Codes(400, -32600, 4400)),
    (errors.TooLarge, Codes(413, -32000, 1009)),
    (errors.Unauthenticated, Codes(401, -32000, 4401)),
    (errors.Forbidden, Codes(403, -32000, 4403)),
    (errors.NotFound, Codes(404, -32000, 4404)),
    (errors.Conflict, Codes(409, -32000, 4409)),
    (errors.Gone, Codes(410, -32000, 4410)),
    (errors.Refused, Codes(422, -32602, 4422)),
    (errors.TooMany, Codes(429, -32000, 4429)),
    (errors.Unavailable, Codes(503, -32000, 1013)),
    (PostroomError, Codes(500, -32603, 1011)),
)
# Statuses of one code that differ from its class: 408 is what HTTP calls a request that did not arrive in time (RFC 9110, 15.5.9).
_BY_NAME = {
    "body_timeout": Codes(408, -32600, 4408),
    "method_not_allowed": Codes(405, -32601, 4405),
    "range_not_satisfiable": Codes(416, -32602, 4416),
}
# After these the rest of the body is still under way, and nobody will read it.
_CLOSING = frozenset({408, 413})


def codes_of(error: PostroomError) -> Codes:
    """The row of the table for an error."""
    return _BY_NAME.get(error.name) or next(codes for kind, codes in TABLE if isinstance(error, kind))


def problem_body(error: PostroomError, request_id: str) -> dict[str, Any]:
    """The error as JSON; it is also the ``data`` of a JSON-RPC error. The three own fields win over the error's data."""
    return {**error.data, "error": error.sentence, "code": error.name, "request_id": request_id}


def problem_headers(error: PostroomError) -> dict[str, str]:
    """What the answer's head says about an error."""
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, errors.Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, errors.TooMany | errors.Unavailable):
        # Whole seconds (RFC 9110, 10.2.3), and never 0, which would be a loop without a pause.
        headers["Retry-After"] = str(max(1, ceil(error.retry_after)))
    if codes_of(error).http in _CLOSING:
        headers["Connection"] = "close"
    return headers


def problem_response(error: PostroomError, request_id: str) -> Response:
    """The answer for an error."""
    content = orjson.dumps(problem_body(error, request_id))
    return Response(content, codes_of(error).http, headers=problem_headers(error), media_type="application/json")


def problem_of(error: Exception, request_id: str, *, place: str) -> PostroomError:
    """An error of ours for whatever was raised; what nobody expected is logged and counted, and its text stays here."""
    if isinstance(error, PostroomError):
        return error
    FAULTS.labels(place).inc()
    log.error("request.failed", place=place, request_id=request_id, reason=type(error).__name__, exc_info=error)
    if isinstance(error, OSError | TimeoutError):
        return errors.Unavailable("The server can not do this now.", retry_after=2.0)
    return PostroomError("Something went wrong in the server; its log has more under this request id.")


def handlers() -> dict[Any, ExceptionHandler]:
    """The exception handlers of a FastAPI or Starlette application.

    What they do not take is for ``middleware.answer_faults``: Starlette's own last handler raises the exception again after its answer.
    """
    return {
        PostroomError: cast(ExceptionHandler, _answer_refusal),
        RequestValidationError: _answer_validation,
        HTTPException: _answer_http,
    }


async def _answer_refusal(connection: Request | WebSocket, error: Exception) -> Response | None:
    assert isinstance(error, PostroomError)  # noqa: S101 - the handler's registration says so
    response = problem_response(error, request_id_of(connection.scope))
    if not isinstance(connection, WebSocket):
        return response
    if connection.application_state is WebSocketState.CONNECTING:
        await connection.send_denial_response(response)
    else:
        await connection.close(codes_of(error).close, error.name)
    return None


async def _answer_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - the handler's registration says so
    found = error.errors()
    problem: PostroomError = refused_fields(found)
    if any(item["loc"][0] == "path" for item in found):
        # What is no id names nothing: the same answer as for an id that nothing has.
        problem = errors.NotFound("There is no such thing: the address does not hold a valid id.")
    return problem_response(problem, request_id_of(request.scope))


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - the handler's registration says so
    response = problem_response(_problem_of_status(error.status_code), request_id_of(request.scope))
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


def _problem_of_status(status: int) -> PostroomError:
    """The router's own refusals in our shape."""
    if status == HTTPStatus.NOT_FOUND:
        return errors.NotFound("There is nothing at this address.", code="route_not_found")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return errors.Refused("This address does not take this method.", code="method_not_allowed")
    return errors.Malformed("The request can not be read.")
