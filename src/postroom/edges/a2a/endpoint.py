"""``POST /workspaces/{id}/a2a``: the address of a workspace.

A request becomes a message the moment it is accepted, and from then on nothing hangs on the request: the accept is written by a batcher
that owns it, and a caller that waits only reads. A caller that goes away is noticed within seconds and its wait ends.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response

from postroom.core.identity.model import Principal
from postroom.core.messages.model import Receipt, Standing
from postroom.core.services import Services
from postroom.edges import strict_json
from postroom.edges.a2a.envelope import Call, Operation, RequestId, read_call, request_id, with_envelope
from postroom.edges.a2a.faults import Fault, Faulty, as_fault
from postroom.edges.a2a.sending import read_history, read_send, task_id
from postroom.edges.a2a.views import answer, task
from postroom.edges.body import read_body
from postroom.edges.context import authenticate, recognise, refusing, request_id_of
from postroom.edges.problems import codes_of, problem_body, problem_headers, problem_of
from postroom.errors import Malformed, NotFound
from postroom.failpoints import reach

Json = dict[str, Any]
Headers = dict[str, str]

_JSON_TYPES: Final = ("application/json", "application/a2a+json")


class Endpoint:
    """One for all workspaces; holds nothing between requests."""

    def __init__(self, services: Services, closing: asyncio.Event) -> None:
        self._services = services
        self._closing = closing
        self._operations: dict[Operation, Callable[[Request, Principal, Call, int], Awaitable[tuple[Json, Standing]]]] = {
            Operation.SEND: self._send,
            Operation.GET: self._get,
            Operation.CANCEL: self._cancel,
            Operation.NOT_OFFERED: _refuse_operation,
            Operation.PUSH: _refuse_push,
        }

    async def answer(self, request: Request) -> Response:
        """Answer one request; every refusal that this project makes becomes a JSON-RPC error."""
        asked: RequestId = None
        settings = self._services.settings
        try:
            principal = await recognise(request, self._services)
            _check_type(request)
            raw = await read_body(request, settings.request_limit, settings.body_seconds)
            body = _parse(raw)
            asked = request_id(body)
            named = request.headers.get("a2a-version") or request.query_params.get("A2A-Version", "")
            call = read_call(with_envelope(body, named), named)
            asked = call.id
            result, standing = await self._operations[call.operation](request, principal, call, len(raw))
        except Faulty as fault:
            return _fault(asked, fault)
        except Exception as error:  # boundary: whatever it is, the caller gets a JSON-RPC error, and problem_of logs and counts it
            return _refusal(request, asked, error)
        return _json(200, {"jsonrpc": "2.0", "id": asked, "result": result}, _names(standing))

    async def _send(self, request: Request, principal: Principal, call: Call, size: int) -> tuple[Json, Standing]:
        default = self._services.settings.wait_seconds
        send = read_send(call, request.headers, _workspace(request), size=size, default_wait=default)
        async with refusing(request, self._services):
            receipt = await self._services.messages.accept(principal, send.draft)
        standing = await self._end_of(request, receipt, send.wait)
        reach("accept.answering")
        return answer(standing, call.version, send.history), standing

    async def _end_of(self, request: Request, receipt: Receipt, seconds: float) -> Standing:
        """Where the message stands when it ended, the time is up, nobody waits any more, or the server stops."""

        async def enough() -> bool:
            return self._closing.is_set() or await request.is_disconnected()

        return await self._services.messages.wait(receipt.message_id, seconds, enough, receipt.standing)

    async def _get(self, request: Request, _seen: Principal, call: Call, _size: int) -> tuple[Json, Standing]:
        principal = await authenticate(request, self._services)
        history = read_history(call.params, call.version)
        standing = await self._services.messages.task(principal, _workspace(request), task_id(call.params.get("id")))
        return task(standing, call.version, history), standing

    async def _cancel(self, request: Request, _seen: Principal, call: Call, _size: int) -> tuple[Json, Standing]:
        """The task is canceled at once, or its holder is asked and the task says so until it confirms."""
        principal = await authenticate(request, self._services)
        verdict, standing = await self._services.messages.cancel(principal, _workspace(request), task_id(call.params.get("id")))
        if verdict == "ended" or (standing.ended and verdict != "cancelled"):
            raise Faulty(Fault.TASK_NOT_CANCELABLE, "The task has ended already.", state=standing.state.value)
        return task(standing, call.version, None), standing


async def _refuse_operation(_request: Request, _principal: Principal, _call: Call, _size: int) -> tuple[Json, Standing]:
    raise Faulty(Fault.UNSUPPORTED_OPERATION, "This endpoint does not offer that operation.")


async def _refuse_push(_request: Request, _principal: Principal, _call: Call, _size: int) -> tuple[Json, Standing]:
    raise Faulty(Fault.PUSH_NOTIFICATION_NOT_SUPPORTED, "This endpoint sends no push notifications.")


def _check_type(request: Request) -> None:
    # Before the body is looked at: a wrong type with broken JSON is a wrong type (a2a.md, section 6).
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in _JSON_TYPES:
        raise Faulty(Fault.CONTENT_TYPE_NOT_SUPPORTED, "The body must be application/json.")


def _parse(raw: bytes) -> object:
    try:
        return strict_json.loads(raw)
    except Malformed as error:
        raise Faulty(Fault.PARSE_ERROR, error.sentence) from error


def _workspace(request: Request) -> UUID:
    try:
        return UUID(request.path_params["id"])
    except ValueError:
        raise NotFound("There is no such workspace.", code="workspace_not_found") from None


def _fault(asked: RequestId, fault: Faulty) -> Response:
    # 415 is the one error of the protocol with a status of its own (a2a.md, section 4, 22).
    status = 415 if fault.fault is Fault.CONTENT_TYPE_NOT_SUPPORTED else 200
    return _json(status, {"jsonrpc": "2.0", "id": asked, "error": fault.as_object()}, {})


def _refusal(request: Request, asked: RequestId, raised: Exception) -> Response:
    error = problem_of(raised, request_id_of(request.scope), place="a2a")
    fault = as_fault(error)
    if fault is not None:
        return _fault(asked, fault)
    codes = codes_of(error)
    data = problem_body(error, request_id_of(request.scope))
    body = {"jsonrpc": "2.0", "id": asked, "error": {"code": codes.rpc, "message": error.sentence, "data": data}}
    # A refusal that is about a message, as that of a reused key, names it where every other answer does.
    named = {"X-Postroom-Message-Id": error.data["message_id"]} if "message_id" in error.data else {}
    return _json(codes.http, body, {**problem_headers(error), **named})


def _names(standing: Standing) -> Headers:
    # A thread's name is its sender's text: what no header can carry is quoted there and whole in the body.
    thread = standing.thread_id.encode("ascii", "backslashreplace").decode("ascii")
    printable = "".join(character if character.isprintable() else "?" for character in thread)
    return {"X-Postroom-Message-Id": str(standing.message_id), "X-Postroom-Thread-Id": printable}


def _json(status: int, body: Json, headers: Headers) -> Response:
    return Response(orjson.dumps(body), status, headers, media_type="application/json")
