"""Errors on the wire: one table, one shape, nothing of anybody's value or of the server's inside in it."""

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from postroom import errors
from postroom.edges.middleware import wrap
from postroom.edges.problems import TABLE, codes_of, problem_body, problem_headers
from postroom.errors import PostroomError
from postroom.metrics import REGISTRY
from postroom.settings import Settings
from tests.support.http import ask
from tests.support.server import ServerProcess

# The contract, "Errors"; 402 is of budgets, which are not here yet.
STATUSES: list[tuple[PostroomError, int]] = [
    (errors.Malformed("x"), 400),
    (errors.Malformed("x", code="body_timeout"), 408),
    (errors.TooLarge("x"), 413),
    (errors.Unauthenticated("x"), 401),
    (errors.Forbidden("x"), 403),
    (errors.NotFound("x"), 404),
    (errors.Conflict("x"), 409),
    (errors.LeaseLost("x"), 409),
    (errors.Superseded("x"), 409),
    (errors.Gone("x"), 410),
    (errors.Refused("x"), 422),
    (errors.KeyReused("x"), 422),
    (errors.TooMany("x", retry_after=1), 429),
    (errors.Unavailable("x"), 503),
    (errors.OutcomeUnknown("x"), 503),
    (PostroomError("x"), 500),
]


@pytest.mark.parametrize(("error", "status"), STATUSES)
def test_the_table(error: PostroomError, status: int) -> None:
    assert codes_of(error).http == status


def test_every_class_is_in_the_table_before_its_base() -> None:
    kinds = [kind for kind, _ in TABLE]
    for number, kind in enumerate(kinds):
        assert not any(issubclass(kind, earlier) for earlier in kinds[:number]), kind
    shared = {errors.Conflict, errors.Refused, errors.Unavailable, PostroomError}
    below = {kind for kind in _descendants(PostroomError) if not set(kind.__mro__[1:]) & (shared - {PostroomError})}
    # SetupError never meets a wire.
    assert below - {errors.SetupError} <= set(kinds)


def _descendants(kind: type[PostroomError]) -> set[type[PostroomError]]:
    return {kind}.union(*(_descendants(child) for child in kind.__subclasses__()))


def test_close_codes_are_free_to_use_or_stated() -> None:
    for _, codes in TABLE:
        assert codes.close in (1009, 1011, 1013) or codes.close == 4000 + codes.http
        assert codes.rpc == -32000 or -32700 <= codes.rpc <= -32600


@pytest.mark.parametrize(("seconds", "header"), [(0, "1"), (0.2, "1"), (1.0, "1"), (1.2, "2"), (30, "30")])
def test_retry_after_is_whole_seconds_and_never_zero(seconds: float, header: str) -> None:
    assert problem_headers(errors.Unavailable("x", retry_after=seconds))["Retry-After"] == header
    assert problem_headers(errors.TooMany("x", retry_after=seconds))["Retry-After"] == header


def test_data_stands_beside_and_never_over_the_three_fields() -> None:
    body = problem_body(errors.Conflict("words", code="name", children=[1], error="no", request_id="no"), "id")
    assert body == {"children": [1], "error": "words", "code": "name", "request_id": "id"}


async def _through_layers(raised: Exception, *, began: bool = False) -> list[Any]:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if began:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise raised

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": "/x", "raw_path": b"/x", "query_string": b"", "scheme": "http"}
    scope |= {"headers": [(b"host", b"localhost:8080")], "server": ("127.0.0.1", 8080)}
    await wrap(app, Settings())(scope, receive, send)
    return sent


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (RuntimeError("secret inside"), 500, "internal"),
        (OSError("secret inside"), 503, "unavailable"),
        (ConnectionResetError("secret inside"), 503, "unavailable"),
        (TimeoutError("secret inside"), 503, "unavailable"),
        (errors.Gone("stated"), 410, "gone"),
    ],
)
async def test_what_no_handler_takes_is_answered_in_our_shape(raised: Exception, status: int, code: str) -> None:
    before = _faults()
    sent = await _through_layers(raised)
    assert sent[0]["status"] == status
    body = json.loads(sent[1]["body"])
    headers = dict(sent[0]["headers"])
    assert body["code"] == code
    assert body["request_id"] == headers[b"x-request-id"].decode()
    assert "secret" not in repr(sent)
    assert _faults() - before == (0 if code == "gone" else 1)


def _faults() -> float:
    return REGISTRY.get_sample_value("postroom_faults_total", {"place": "http"}) or 0.0


async def test_an_answer_that_had_begun_gets_no_second_head() -> None:
    sent = await _through_layers(RuntimeError("late"), began=True)
    assert [message["type"] for message in sent] == ["http.response.start"]


MALFORMED = [
    b"{",
    b"nope",
    b'{"name":NaN}',
    b'{"name":"a","name":"b"}',
    b'{"name":"a\\u0000b"}',
    b'{"name":"\\ud800"}',
    b'{"name":"\xff"}',
    b'{"x":' + b"[" * 70 + b"]" * 70 + b"}",
    b'{"x":' + b"[" * 100_000,
    b'{"x":1e999}',
    b'{"x":99999999999999999999}',
    b'\xef\xbb\xbf{"name":"a"}',
]


@pytest.mark.parametrize("content", MALFORMED, ids=lambda content: repr(content[:24]))
def test_malformed_bodies_are_400(server: ServerProcess, content: bytes) -> None:
    answer = ask(server.url, "POST", "/workspaces", token=server.operator_token, body=content)
    assert (answer.status, answer.code) == (400, "malformed")


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b'"text"', b"5", b"{}"])
def test_other_forms_are_422(server: ServerProcess, content: bytes) -> None:
    answer = ask(server.url, "POST", "/workspaces", token=server.operator_token, body=content)
    assert (answer.status, answer.code) == (422, "invalid")


def test_a_refusal_names_the_field_and_not_its_value(server: ServerProcess) -> None:
    wrong = {"name": 4711, "parent_id": "secret-parent", "delivery_mode": "secret-mode", "max_concurrent": 65, "agent_card": "secret-card"}
    answer = ask(server.url, "POST", "/workspaces", token=server.operator_token, body=wrong)
    assert (answer.status, answer.code) == (422, "invalid")
    assert set(answer.body["fields"]) == set(wrong)
    assert b"secret" not in answer.content
    assert b"4711" not in answer.content


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("?limit=0", ["limit"]),
        ("?limit=201", ["limit"]),
        ("?limit=secret", ["limit"]),
        ("?before=-1", ["before"]),
        ("?before=9223372036854775808", ["before"]),
        ("?after=1.5", ["after"]),
        ("?before_ts=secret", ["before_ts"]),
        ("?before_ts=2026-01-01T00:00:00", ["before_ts"]),
        ("?before_ts=0001-01-01T00:00:00%2B14:00", ["before_ts"]),
    ],
)
def test_wrong_query_values_are_422(server: ServerProcess, path: str, fields: list[str]) -> None:
    made = ask(server.url, "POST", "/workspaces", token=server.operator_token, body={"name": "query"}).body
    answer = ask(server.url, "GET", f"/workspaces/{made['id']}/chat-history{path}", token=server.operator_token)
    assert (answer.status, answer.code, answer.body["fields"]) == (422, "invalid", fields)
    assert b"secret" not in answer.content


@pytest.mark.parametrize("path", ["/workspaces?x=%00", "/workspaces/%00", "/registry/%00/peers", "/static/%00", "/work%00spaces"])
def test_nul_in_an_address_is_400(server: ServerProcess, path: str) -> None:
    answer = ask(server.url, "GET", path, token=server.operator_token)
    assert (answer.status, answer.code) == (400, "malformed")


@pytest.mark.parametrize(
    "path", ["/workspaces/%ff%fe", "/workspaces/%ed%a0%80", "/workspaces/..%2f..%2fetc", "/static/..%2fpage.py", "/static/docs.html"]
)
def test_strange_addresses_are_404(server: ServerProcess, path: str) -> None:
    assert ask(server.url, "GET", path, token=server.operator_token).status == 404


def test_unknown_routes_and_methods_have_our_shape(server: ServerProcess) -> None:
    lost = ask(server.url, "GET", "/nothing/here", token=server.operator_token)
    wrong = ask(server.url, "PUT", "/health")
    assert (lost.status, lost.code) == (404, "route_not_found")
    assert (wrong.status, wrong.code, wrong.headers["allow"]) == (405, "method_not_allowed", "GET")


def test_every_answer_has_the_headers(server: ServerProcess) -> None:
    for path in ("/", "/health", "/workspaces", "/nothing", "/static/page.css"):
        headers = ask(server.url, "GET", path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-request-id"]
        assert "server" not in headers
        assert "access-control-allow-origin" not in headers


def test_a_body_over_the_limit_is_413_and_names_the_limit(server: ServerProcess) -> None:
    answer = ask(server.url, "POST", "/workspaces", token=server.operator_token, body={"name": "x", "metadata": {"x": "y" * 1024 * 1024}})
    assert (answer.status, answer.code, answer.body["limit"]) == (413, "too_large", 1024 * 1024)


async def test_a_lost_database_is_503_and_never_401(new_server: Any) -> None:
    server: ServerProcess = new_server().start()
    token = server.operator_token
    seen: set[tuple[int, str]] = set()
    server.kill_database()
    for _ in range(10):
        answer = await asyncio.to_thread(ask, server.url, "GET", "/workspaces", token=token)
        seen.add((answer.status, answer.code if answer.status != 200 else ""))
    assert {status for status, _ in seen} <= {200, 503}
    assert "outcome_unknown" not in {code for _, code in seen}
