"""Every refusal of the contract through the real server, and who may do what on every route of its description.

The lists of routes are taken from ``/openapi.json``: a new route fails here until somebody has said who may use it.
"""

import asyncio
import http.client
import json
import re
import socket
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.support.http import Answer, ask
from tests.support.server import ServerProcess

Json = dict[str, Any]
REQUEST_LIMIT, REPLY_LIMIT, PREFERENCE_LIMIT = 1024 * 1024, 10 * 1024 * 1024, 256 * 1024
PREFERENCE = "PUT /session/preferences/{name}"
NOBODY = "0192f3a0-0000-7000-8000-00000000dead"


@dataclass
class Team:
    """``own`` is the workspace that the routes are about; the others stand around it."""

    server: ServerProcess
    ids: dict[str, str] = field(default_factory=dict[str, str])
    tokens: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def id(self) -> str:
        return self.ids["own"]

    def make(self, role: str, **fields: Any) -> None:
        made = ask(self.server.url, "POST", "/workspaces", token=self.server.operator_token, body={"name": role, **fields}).body
        self.ids[role], self.tokens[role] = made["id"], made["token"]

    def ask(self, method: str, path: str, body: Any = None, *, role: str = "operator", headers: Json | None = None) -> Answer:
        return ask(self.server.url, method, path, token=self.tokens[role], body=body, headers={**JSON, **(headers or {})})


JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def team(server: ServerProcess) -> Team:
    team = Team(server, tokens={"operator": server.operator_token})
    team.make("parent")
    team.make("own", parent_id=team.ids["parent"])
    team.make("sibling", parent_id=team.ids["parent"])
    team.make("child", parent_id=team.id)
    team.make("grandchild", parent_id=team.ids["child"])
    team.make("other root")
    team.make("stranger", parent_id=team.ids["other root"])
    extra = team.ask("POST", f"/workspaces/{team.id}/tokens", {}).body
    team.tokens["revoked"] = extra["token"]
    assert team.ask("DELETE", f"/workspaces/{team.id}/tokens/{extra['id']}").status == 204
    return team


def routes(server: ServerProcess) -> dict[str, Json]:
    """``METHOD /path`` and its description."""
    document = ask(server.url, "GET", "/openapi.json", token=server.operator_token).body
    return {f"{method.upper()} {path}": item for path, methods in document["paths"].items() for method, item in methods.items()}


async def stored(server: ServerProcess) -> tuple[int, ...]:
    """How many rows there are of everything that a request could have made."""
    connection: Any = await asyncpg.connect(server.dsn())
    try:
        counts = "(select count(*) from workspace), (select count(*) from message), (select count(*) from credential)"
        return tuple(await connection.fetchrow(f"select {counts}, (select count(*) from work)"))  # noqa: S608 - no input
    finally:
        await connection.close()


# Bodies


@dataclass(frozen=True)
class Target:
    """A route that takes a body: who may send one, and one that is fine."""

    method: str
    path: str
    role: str
    fine: Json

    @property
    def is_rpc(self) -> bool:
        return self.path.endswith("/a2a")

    @property
    def is_mcp(self) -> bool:
        return self.path.endswith("/mcp")


SAID = {"role": "ROLE_USER", "messageId": "m", "parts": [{"text": "hello"}]}
SEND = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": SAID, "configuration": {"returnImmediately": True}}}
BODIES: dict[str, tuple[str, Json]] = {
    "POST /workspaces": ("operator", {"name": "made by a test"}),
    "PATCH /workspaces/{id}": ("operator", {"role": "as before"}),
    "POST /workspaces/{id}/tokens": ("operator", {"label": "made by a test"}),
    "POST /registry/register": ("own", {"id": "{id}", "agent_card": {}}),
    "POST /registry/heartbeat": ("own", {"workspace_id": "{id}"}),
    "POST /registry/update-card": ("own", {"workspace_id": "{id}", "agent_card": {}}),
    "POST /registry/check-access": ("operator", {"caller_id": "{id}", "target_id": "{id}"}),
    "POST /workspaces/{id}/notify": ("own", {"message": "hello"}),
    "PUT /workspaces/{id}/read": ("operator", {"seq": 1}),
    "POST /workspaces/{id}/delegate": ("own", {"target_id": "{id}", "task": "hello"}),
    "POST /session": ("operator", {"code": "no such code"}),
    PREFERENCE: ("operator", {"dark": True}),
    "POST /workspaces/{id}/a2a": ("operator", SEND),
    "POST /workspaces/{id}/mcp": ("own", {"jsonrpc": "2.0", "id": 1, "method": "ping"}),
    "POST /workspaces/{id}/inbox/claim": ("own", {"max": 1}),
    "POST /workspaces/{id}/inbox/{message_id}/extend": ("own", {"token": 1, "lease": 10}),
    "POST /workspaces/{id}/inbox/{message_id}/progress": ("own", {"token": 1, "status": "on it"}),
    "POST /workspaces/{id}/inbox/{message_id}/reply": ("own", {"token": 1, "parts": [{"text": "hello"}]}),
    "POST /workspaces/{id}/inbox/{message_id}/fail": ("own", {"token": 1, "error": "no"}),
    "POST /workspaces/{id}/inbox/{message_id}/release": ("own", {"token": 1}),
}
MALFORMED: dict[str, bytes] = {
    "not JSON": b"{nonsense",
    "half": b'{"name": "x"',
    "two values": b"{} {}",
    "deep": b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}",
    "NUL": b'{"name": "a\\u0000b"}',
    "raw NUL": b'{"name": "a\x00b"}',
    "NaN": b'{"x": NaN}',
    "Infinity": b'{"x": Infinity}',
    "1e400": b'{"x": 1e400}',
    "twice": b'{"name": "a", "name": "b"}',
    "lone surrogate": b'{"name": "\\ud800"}',
    "bad UTF-8": b'{"name": "\xff"}',
    "BOM": b"\xef\xbb\xbf{}",
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "big integer": b'{"x": 123456789012345678901234567890}',
}


def filled(team: Team, text: str) -> str:
    for name in ("message_id", "token_id", "delegation_id"):
        text = text.replace(f"{{{name}}}", NOBODY)
    return text.replace("{id}", team.id).replace("{name}", "theme").replace("{number}", "0")


def target(team: Team, route: str) -> Target:
    method, path = route.split()
    role, fine = BODIES[route]
    return Target(method, filled(team, path), role, json.loads(filled(team, json.dumps(fine))))


def post(team: Team, to: Target, content: bytes) -> Answer:
    return team.ask(to.method, to.path, content, role=to.role, headers={"Origin": team.server.url, "A2A-Version": "1.0"})


def test_the_list_of_bodies_is_that_of_the_description(server: ServerProcess) -> None:
    bodies = {route: item["requestBody"]["content"] for route, item in routes(server).items() if "requestBody" in item}
    assert {route for route, content in bodies.items() if "application/json" in content} == BODIES.keys()
    # Any bytes are a file: tests/edges/test_files.py.
    assert bodies.keys() - BODIES.keys() == {"POST /files"}


@pytest.mark.parametrize("route", BODIES)
async def test_a_malformed_body_is_400_and_leaves_nothing(team: Team, route: str) -> None:
    to, before = target(team, route), await stored(team.server)
    for name, content in MALFORMED.items():
        answer = await asyncio.to_thread(post, team, to, content)
        if to.is_rpc:
            # A parse error is JSON-RPC's own, and rides on 200.
            assert (answer.status, answer.body["error"]["code"]) == (200, -32700), name
        elif to.is_mcp:
            error = answer.body["error"]
            assert (answer.status, error["code"], error["data"]["code"]) == (400, -32700, "malformed"), name
        else:
            assert (answer.status, answer.code) == (400, "malformed"), name
    assert await stored(team.server) == before
    assert (await asyncio.to_thread(post, team, to, json.dumps(to.fine).encode())).status < 500


@pytest.mark.parametrize("route", BODIES)
@pytest.mark.parametrize("content", [b"[]", b'"text"', b"1", b"null", b"true"], ids=bytes.decode)
def test_a_body_that_is_no_object_is_refused(team: Team, route: str, content: bytes) -> None:
    to = target(team, route)
    answer = post(team, to, content)
    if to.is_rpc:
        assert answer.status == 200 and answer.body["error"]["code"] in (-32600, -32602)
    elif route == PREFERENCE:
        # Any JSON is one.
        assert answer.status == 204
    else:
        assert answer.status == 422


@pytest.mark.parametrize("route", BODIES)
def test_the_limit_of_a_body_is_what_it_says(team: Team, route: str) -> None:
    to = target(team, route)
    limit = PREFERENCE_LIMIT if route == PREFERENCE else REPLY_LIMIT if route.endswith(("/reply", "/mcp")) else REQUEST_LIMIT
    content = json.dumps(to.fine).encode()
    assert post(team, to, content + b" " * (limit - len(content))).status not in (413, 500)
    status, body = too_large(team, to, limit + 1)
    assert status == 413 and str(limit) in body


def too_large(team: Team, to: Target, size: int) -> tuple[int, str]:
    """The answer to a head that announces so much; a body would still be under way when it comes."""
    parts = urlsplit(team.server.url)
    head = (
        f"{to.method} {to.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {team.tokens[to.role]}\r\n"
        f"Origin: {team.server.url}\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
    )
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.sendall(head.encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read().decode()


def test_a_body_that_grows_beyond_the_limit_is_413_too(team: Team) -> None:
    """No length announced: it is counted as it comes."""
    parts = urlsplit(team.server.url)
    head = (
        f"POST /workspaces HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {team.tokens['operator']}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.sendall(head.encode() + chunk * 16 + b"1\r\n \r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 413


# Addresses

JUNK = ["%00", "nonsense", "..%2f..", "%ff%fe", "'; drop table message; --".replace(" ", "%20"), "0" * 300, "%F0%9F%9A%80", "-1"]


@pytest.mark.parametrize("junk", JUNK)
def test_junk_in_an_address_is_a_refusal(team: Team, junk: str) -> None:
    for route in routes(team.server):
        method, path = route.split()
        # To a preference any short word is a name.
        if "{" not in path or (route, junk) == (PREFERENCE, "nonsense"):
            continue
        address = re.sub(r"\{\w+\}", lambda _: junk, path)
        body = SEND if path.endswith("/a2a") else {}
        assert status_of(team, method, address, "operator", body) in (400, 404, 405, 422), f"{method} {address}"


@pytest.mark.parametrize("junk", ["%00", "nonsense", "%ff", "-1", "9" * 40, "%ED%A0%80"])
def test_junk_in_a_query_is_never_a_fault(team: Team, junk: str) -> None:
    for route, item in routes(team.server).items():
        method, path = route.split()
        for parameter in item.get("parameters", []):
            if parameter["in"] == "query":
                status = status_of(team, method, f"{filled(team, path)}?{parameter['name']}={junk}", "operator", {})
                assert status < 500 and (junk != "%00" or status == 400), f"{route} {parameter['name']}={junk}: {status}"


# Credentials


async def test_credentials_that_do_not_count(team: Team) -> None:
    made = team.ask("POST", f"/workspaces/{team.id}/tokens", {"label": "expires"}).body
    connection: Any = await asyncpg.connect(team.server.dsn())
    await connection.execute("update credential set expires_at = clock_timestamp() - interval '1 s' where id = $1", uuid.UUID(made["id"]))
    await connection.close()
    team.tokens |= {"expired": made["token"], "wrong": made["token"][:-1] + "x", "junk": "x" * 5000}
    for role in ("expired", "wrong", "junk", "revoked"):
        answer = team.ask("GET", f"/workspaces/{team.id}", role=role)
        assert (answer.status, answer.code) == (401, "unauthenticated"), role
        assert team.tokens[role].encode() not in answer.content


def test_targets_that_are_not_there(team: Team) -> None:
    team.make("removed", parent_id=team.ids["parent"])
    removed = team.ids["removed"]
    assert team.ask("DELETE", f"/workspaces/{removed}").status == 200
    version = {"A2A-Version": "1.0"}
    for id, status in ((NOBODY, 404), (removed, 410)):
        answer = team.ask("POST", f"/workspaces/{id}/a2a", SEND, headers=version)
        assert answer.status == status and answer.body["error"]["data"]["code"]
        assert team.ask("GET", f"/workspaces/{id}").status == status
    assert team.ask("GET", f"/workspaces/{removed}?include_removed=true").status == 200
    assert team.ask("GET", "/session", role="removed").status in (401, 410)
    # What a stranger may not see looks like what is not there.
    hidden = team.ask("POST", f"/workspaces/{team.id}/a2a", SEND, role="stranger", headers=version)
    missing = team.ask("POST", f"/workspaces/{NOBODY}/a2a", SEND, role="stranger", headers=version)
    assert hidden.status == missing.status == 404
    assert _without_id(hidden.body["error"]) == _without_id(missing.body["error"])


def _without_id(error: Json) -> Json:
    return error | {"data": {name: value for name, value in error["data"].items() if name != "request_id"}}


def test_a_tree_has_no_cycle(team: Team) -> None:
    for parent in ("own", "child", "grandchild"):
        answer = team.ask("PATCH", f"/workspaces/{team.id}", {"parent_id": team.ids[parent]})
        assert answer.status == 422, parent
    assert team.ask("GET", f"/workspaces/{team.id}").body["parent_id"] == team.ids["parent"]


def test_the_same_key_with_another_body(team: Team) -> None:
    headers = {"A2A-Version": "1.0", "Idempotency-Key": str(uuid.uuid4())}
    other = json.loads(json.dumps(SEND).replace("hello", "other"))
    path = f"/workspaces/{team.id}/a2a"
    first, again, differs = (team.ask("POST", path, body, headers=headers) for body in (SEND, SEND, other))
    assert first.headers["x-postroom-message-id"] == again.headers["x-postroom-message-id"]
    assert (differs.status, differs.body["error"]["data"]["code"]) == (422, "key_reused")
    elsewhere = team.ask("POST", f"/workspaces/{team.ids['sibling']}/a2a", SEND, headers=headers)
    assert elsewhere.status == 422


def test_old_tokens_of_a_lease(team: Team) -> None:
    team.make("leased")
    inbox = f"/workspaces/{team.ids['leased']}/inbox"
    team.ask("POST", f"/workspaces/{team.ids['leased']}/a2a", SEND, headers={"A2A-Version": "1.0"})
    old = team.ask("POST", f"{inbox}/claim", {}, role="leased").body["items"][0]
    here = f"{inbox}/{old['message_id']}"
    assert team.ask("POST", f"{here}/release", {"token": old["token"]}, role="leased").status == 200
    new = team.ask("POST", f"{inbox}/claim", {"wait": 5}, role="leased").body["items"][0]
    assert new["token"] != old["token"]
    for verb, body in (("extend", {"lease": 10}), ("progress", {"status": "x"}), ("reply", {"text": "late"}), ("fail", {"error": "x"})):
        answer = team.ask("POST", f"{here}/{verb}", {"token": old["token"], **body}, role="leased")
        assert (answer.status, answer.code) == (409, "lease_lost"), verb
    reply = {"token": new["token"], "text": "this one"}
    assert team.ask("POST", f"{here}/reply", reply, role="leased").status == 200
    assert team.ask("POST", f"{here}/reply", reply, role="leased").status == 200
    late = team.ask("POST", f"{here}/reply", {"token": old["token"], "text": "late"}, role="leased")
    assert (late.status, late.code) == (409, "superseded") and "this one" in late.content.decode()


@pytest.mark.parametrize(
    ("route", "wrong"),
    [
        ("POST /workspaces", {"name": "x", "delivery_mode": "pigeon"}),
        ("PATCH /workspaces/{id}", {"delivery_mode": "pigeon"}),
        ("POST /registry/register", {"id": "{id}", "agent_card": {}, "delivery_mode": "pigeon"}),
        ("PATCH /workspaces/{id}", {"collapsed": "maybe"}),
        ("POST /workspaces/{id}/inbox/claim", {"max": 33}),
        ("POST /workspaces/{id}/inbox/claim", {"wait": 61}),
        ("POST /workspaces/{id}/inbox/claim", {"lease": 9}),
        ("POST /workspaces/{id}/inbox/{message_id}/extend", {"token": 1, "lease": 3601}),
        ("POST /workspaces/{id}/inbox/{message_id}/fail", {"token": 1, "error": ""}),
        ("POST /workspaces/{id}/inbox/{message_id}/fail", {"token": 1, "error": "x", "retry": "perhaps"}),
        ("POST /registry/heartbeat", {"workspace_id": "{id}", "error_rate": 2}),
        ("PUT /workspaces/{id}/read", {}),
        ("PUT /workspaces/{id}/read", {"seq": -1}),
        ("PUT /workspaces/{id}/read", {"seq": "7"}),
        ("POST /workspaces/{id}/delegate", {"target_id": "{id}"}),
        ("POST /workspaces/{id}/delegate", {"target_id": "{id}", "task": "x", "parts": [{"text": "x"}]}),
        ("POST /workspaces/{id}/delegate", {"target_id": "{id}", "task": ""}),
        ("POST /workspaces/{id}/delegate", {"target_id": "Clerk", "task": "x"}),
        ("POST /workspaces/{id}/delegate", {"target_id": "{id}", "task": "x", "wait_seconds": 3601}),
        ("POST /workspaces/{id}/delegate", {"target_id": "{id}", "task": "x", "deadline_seconds": 0}),
    ],
    ids=str,
)
def test_unknown_values_are_422(team: Team, route: str, wrong: Json) -> None:
    method, path = route.split()
    answer = team.ask(method, filled(team, path), json.loads(filled(team, json.dumps(wrong))), role=BODIES[route][0])
    assert (answer.status, answer.code) == (422, "invalid")


# Who may do what

ROLES = ("anonymous", "revoked", "own", "sibling", "child", "parent", "grandchild", "stranger", "operator", "person")
RELATED = ("sibling", "child", "parent", "grandchild")


def row(*, own: int, related: int, stranger: int, operator: int, person: int, unknown: int = 401) -> dict[str, int]:
    return {
        **dict.fromkeys(("anonymous", "revoked"), unknown),
        **dict.fromkeys(RELATED, related),
        "own": own,
        "stranger": stranger,
        "operator": operator,
        "person": person,
    }


def managed(status: int, *, safe: bool = False) -> dict[str, int]:
    """For those who manage; a person's browser says by its origin that it was not another site's page."""
    return row(own=403, related=403, stranger=403, operator=status, person=status if safe else 403)


def managed_here(status: int, *, safe: bool = False) -> dict[str, int]:
    """As above, on one workspace: who may not see it learns nothing."""
    return row(own=403, related=403, stranger=404, operator=status, person=status if safe else 403)


def own(status: int) -> dict[str, int]:
    """For its own token alone."""
    return row(own=status, related=403, stranger=404, operator=403, person=403)


def read(related: int) -> dict[str, int]:
    return row(own=200, related=related, stranger=404, operator=200, person=200)


EVERYBODY = row(own=200, related=200, stranger=200, operator=200, person=200)
TABLE: dict[str, dict[str, int]] = {
    "POST /workspaces": managed(201),
    "GET /workspaces": EVERYBODY,
    "GET /workspaces/{id}": read(200),
    "PATCH /workspaces/{id}": managed_here(200),
    "DELETE /workspaces/{id}": managed_here(409),
    "POST /workspaces/{id}/pause": managed_here(200),
    "POST /workspaces/{id}/resume": managed_here(200),
    "GET /workspaces/{id}/tokens": managed_here(200, safe=True),
    "POST /workspaces/{id}/tokens": managed_here(201),
    "DELETE /workspaces/{id}/tokens/{token_id}": managed_here(404),
    "POST /registry/register": own(200),
    "POST /registry/heartbeat": own(200),
    "POST /registry/update-card": row(own=200, related=403, stranger=404, operator=200, person=403),
    "GET /registry/discover/{id}": read(200),
    "GET /registry/{id}/peers": read(403),
    "POST /registry/check-access": row(own=200, related=403, stranger=403, operator=200, person=403),
    "GET /workspaces/{id}/chat-history": read(403),
    "GET /workspaces/{id}/threads": read(403),
    "GET /workspaces/{id}/messages/{message_id}/parts/{number}": row(own=404, related=403, stranger=404, operator=404, person=404),
    "GET /chats": managed(200, safe=True),
    "PUT /workspaces/{id}/read": managed_here(200),
    "POST /workspaces/{id}/notify": own(201),
    "GET /workspaces/{id}/activity": read(403),
    "POST /workspaces/{id}/delegate": own(422),
    "GET /delegations": managed(200, safe=True),
    "GET /workspaces/{id}/delegations": read(403),
    "GET /workspaces/{id}/delegations/{delegation_id}": row(own=404, related=403, stranger=404, operator=404, person=404),
    "POST /workspaces/{id}/delegations/{delegation_id}/cancel": row(own=404, related=403, stranger=404, operator=404, person=403),
    "POST /files": row(own=422, related=422, stranger=422, operator=422, person=403),
    "GET /files/{id}": row(own=404, related=404, stranger=404, operator=404, person=404),
    "POST /login-link": managed(201),
    "GET /session": EVERYBODY,
    "POST /session": row(own=403, related=403, stranger=403, operator=403, person=403, unknown=403),
    "DELETE /session": row(own=422, related=422, stranger=422, operator=422, person=403),
    "GET /session/preferences": managed(200, safe=True),
    PREFERENCE: managed(204),
    "GET /dead-letters": managed(200, safe=True),
    "POST /dead-letters/{message_id}/replay": managed(404),
    "POST /dead-letters/{message_id}/drop": managed(404),
    "GET /sessions": managed(200, safe=True),
    "DELETE /sessions/{id}": managed(404),
    "GET /health": row(own=200, related=200, stranger=200, operator=200, person=200, unknown=200),
    "GET /health/details": managed(200, safe=True),
    "GET /metrics": managed(200, safe=True),
    "POST /workspaces/{id}/a2a": row(own=200, related=200, stranger=404, operator=200, person=403),
    "POST /workspaces/{id}/mcp": own(200),
    "GET /workspaces/{id}/mcp": own(200),
    "DELETE /workspaces/{id}/mcp": own(204),
    "GET /workspaces/{id}/inbox": read(403),
    "POST /workspaces/{id}/inbox/claim": own(200),
    "POST /workspaces/{id}/inbox/{message_id}/extend": own(409),
    "POST /workspaces/{id}/inbox/{message_id}/progress": own(409),
    "POST /workspaces/{id}/inbox/{message_id}/reply": own(404),
    "POST /workspaces/{id}/inbox/{message_id}/fail": own(404),
    "POST /workspaces/{id}/inbox/{message_id}/release": own(404),
    "GET /workspaces/{id}/events/stream": read(403),
    "GET /events/stream": managed(200, safe=True),
}


def test_the_table_names_every_route(server: ServerProcess) -> None:
    assert routes(server).keys() == TABLE.keys()


@pytest.fixture(scope="module")
def cookie(server: ServerProcess) -> str:
    """A person's browser session."""
    link = ask(server.url, "POST", "/login-link", token=server.operator_token).body["link"]
    opened = ask(server.url, "POST", "/session", headers={"Origin": server.url}, body={"code": link.partition("#")[2]})
    return opened.headers["set-cookie"].partition(";")[0]


def status_of(team: Team, method: str, path: str, role: str, body: Json | None, *, cookie: str = "") -> int:
    """The status alone: an open stream has no end that one could wait for."""
    headers = {**JSON, "A2A-Version": "1.0", "Accept": "application/json, text/event-stream"}
    if cookie:
        headers["Cookie"] = cookie
    elif role in team.tokens:
        headers["Authorization"] = f"Bearer {team.tokens[role]}"
    connection = http.client.HTTPConnection(urlsplit(team.server.url).netloc, timeout=20)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("route", TABLE)
def test_who_may_do_what(team: Team, cookie: str, route: str) -> None:
    method, path = route.split()
    body = json.loads(filled(team, json.dumps(BODIES[route][1]))) if route in BODIES else None
    # Whoever is refused comes first: what they may not do has not happened when it is their turn to be asked about.
    found = {
        role: status_of(team, method, filled(team, path), role, body, cookie=cookie if role == "person" else "")
        for role in sorted(ROLES, key=lambda role: TABLE[route][role] < 300)
    }
    assert found == TABLE[route]
    assert team.ask("GET", f"/workspaces/{team.id}").body["name"] == "own"
