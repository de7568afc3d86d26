"""Who may come in, and from where: credentials, cookies, origins, hosts, names of requests (lessons.md, L20, L21, L23, L28)."""

import asyncio
import json
import re
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
import websockets
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from postroom.client import Client
from postroom.edges.context import choose_request_id, cookie_name, valid_traceparent
from postroom.edges.middleware import AddHeaders, HostGuard
from postroom.settings import Settings
from tests.support.http import Answer, ask
from tests.support.server import ServerProcess, make_agent

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@dataclass
class Browser:
    """A browser that was let in: its cookie, and the headers that a page of ours sends."""

    url: str
    cookie: str

    @property
    def origin(self) -> dict[str, str]:
        return {"Origin": self.url, "Sec-Fetch-Site": "same-origin"}

    def ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, body: Any = None) -> Answer:
        return ask(self.url, method, path, headers={"Cookie": self.cookie, **(self.origin if headers is None else headers)}, body=body)


def login_code(server: ServerProcess) -> str:
    made = ask(server.url, "POST", "/login-link", token=server.operator_token)
    assert made.status == 201
    return str(made.body["link"]).partition("#")[2]


@pytest.fixture
def browser(server: ServerProcess) -> Browser:
    opened = ask(server.url, "POST", "/session", headers={"Origin": server.url}, body={"code": login_code(server)})
    assert opened.status == 201
    return Browser(server.url, opened.headers["set-cookie"].partition(";")[0])


@pytest.mark.parametrize("given", [None, "", "Basic b3BlcmF0b3I6", "Bearer", "Bearer ", "Bearer wrong", "Bearer " + "x" * 600, "bearer ü"])
def test_who_has_no_valid_token_is_told_so(server: ServerProcess, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given.encode("latin-1")}
    answer = ask(server.url, "GET", "/workspaces", headers=headers)
    assert (answer.status, answer.code, answer.headers["www-authenticate"]) == (401, "unauthenticated", "Bearer")


@pytest.mark.parametrize("path", ["/workspaces", "/sessions", "/session", "/metrics", "/docs", "/openapi.json", "/events/stream"])
@pytest.mark.parametrize(
    "claim", [{}, {"X-Workspace-ID": str(uuid.uuid4())}, {"Referer": "http://127.0.0.1/"}, {"Sec-Fetch-Site": "same-origin"}]
)
def test_nothing_but_a_credential_lets_in(server: ServerProcess, path: str, claim: dict[str, str]) -> None:
    assert ask(server.url, "GET", path, headers=claim).status == 401


@pytest.mark.parametrize("path", ["/", "/health", "/static/docs.js", "/static/page.css"])
def test_what_is_open_by_contract_is_open(server: ServerProcess, path: str) -> None:
    assert ask(server.url, "GET", path).status == 200


async def test_a_workspace_header_must_be_the_tokens(server: ServerProcess, operator: Client) -> None:
    mine, token = await make_agent(operator, "header-mine")
    other, _ = await make_agent(operator, "header-other")
    for named, status in ((mine, 200), (mine.upper(), 200), (other, 403), ("nonsense", 403), ("", 403)):
        answer = await asyncio.to_thread(ask, server.url, "GET", "/workspaces", token=token, headers={"X-Workspace-ID": named})
        assert answer.status == status, named
        assert status == 200 or answer.code == "wrong_workspace"


def test_a_login_code_works_once_and_makes_a_safe_cookie(server: ServerProcess) -> None:
    code = login_code(server)
    first = ask(server.url, "POST", "/session", headers={"Origin": server.url}, body={"code": code})
    again = ask(server.url, "POST", "/session", headers={"Origin": server.url}, body={"code": code})
    assert (first.status, again.status, again.code) == (201, 401, "login_code_spent")
    cookie = first.headers["set-cookie"].lower()
    assert cookie.startswith(f"postroom_{urlsplit(server.url).port}=")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie
    assert "domain" not in cookie
    assert "set-cookie" not in again.headers


@pytest.mark.parametrize("origin", [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"}])
def test_no_other_site_logs_a_browser_in(server: ServerProcess, origin: dict[str, str]) -> None:
    code = login_code(server)
    refused = ask(server.url, "POST", "/session", headers=origin, body={"code": code})
    assert (refused.status, refused.code) == (403, "cross_origin")
    assert ask(server.url, "POST", "/session", headers={"Origin": server.url}, body={"code": code}).status == 201


def test_a_cookie_lets_a_person_in(browser: Browser) -> None:
    answer = browser.ask("GET", "/session", headers={})
    assert (answer.status, answer.body["kind"], answer.body["manages"]) == (200, "person", True)


def _foreign(url: str) -> list[dict[str, str]]:
    port = urlsplit(url).port or 0
    return [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://127.0.0.1:{port + 1}"},
        {"Origin": f"https://127.0.0.1:{port}"},
        {"Origin": f"http://127.0.0.1:{port}.evil.example"},
        {"Origin": url, "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-site"},
        {"Referer": f"{url}/"},
    ]


def test_a_cookie_changes_nothing_for_another_site(browser: Browser) -> None:
    for headers in _foreign(browser.url):
        answer = browser.ask("POST", "/workspaces", headers=headers, body={"name": "cross"})
        assert (answer.status, answer.code) == (403, "cross_origin"), headers
    names = [workspace["name"] for workspace in browser.ask("GET", "/workspaces").body]
    assert "cross" not in names


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, None])
def test_our_own_page_may(browser: Browser, headers: dict[str, str] | None) -> None:
    assert browser.ask("POST", "/workspaces", headers=headers, body={"name": "same"}).status == 201


async def test_a_cookie_opens_no_websocket_for_another_site(browser: Browser) -> None:
    address = browser.url.replace("http", "ws") + "/ws"
    for headers in _foreign(browser.url):
        async with websockets.connect(address, additional_headers={"Cookie": browser.cookie, **headers}, proxy=None) as socket:
            with pytest.raises(websockets.ConnectionClosed):
                await socket.recv()
            assert (socket.close_code, socket.close_reason) == (4403, "cross_origin"), headers
    async with websockets.connect(address, additional_headers={"Cookie": browser.cookie, "Origin": browser.url}, proxy=None) as socket:
        await socket.send("{}")
        assert json.loads(await socket.recv())["event"] == "postroom.ready"


def test_a_bad_token_is_not_saved_by_a_cookie(browser: Browser) -> None:
    assert browser.ask("GET", "/session", headers={"Authorization": "Bearer wrong"}).status == 401


def test_a_token_is_no_cookie(server: ServerProcess) -> None:
    cookie = f"postroom_{urlsplit(server.url).port}={server.operator_token}"
    assert ask(server.url, "GET", "/session", headers={"Cookie": cookie}).status == 401


def test_logging_out_ends_the_session(browser: Browser) -> None:
    left = browser.ask("DELETE", "/session")
    assert (left.status, left.content) == (204, b"")
    assert "max-age=0" in left.headers["set-cookie"].lower()
    assert browser.ask("GET", "/session").status == 401


def test_a_lost_phone_is_logged_out_from_afar(server: ServerProcess, browser: Browser) -> None:
    mine = next(row for row in browser.ask("GET", "/sessions").body if row["current"])
    assert ask(server.url, "DELETE", f"/sessions/{mine['id']}", token=server.operator_token).status == 204
    assert browser.ask("GET", "/session").status == 401
    assert ask(server.url, "DELETE", f"/sessions/{mine['id']}", token=server.operator_token).status == 404


def test_a_token_has_no_session_to_end(server: ServerProcess) -> None:
    answer = ask(server.url, "DELETE", "/session", token=server.operator_token)
    assert (answer.status, answer.code) == (422, "no_session")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:{port}", "user@127.0.0.1:{port}", "", "[", "x" * 300]
)
def test_another_host_is_refused(server: ServerProcess, host: str) -> None:
    named = host.format(port=urlsplit(server.url).port)
    for path in ("/health", "/workspaces", "/"):
        answer = ask(server.url, "GET", path, token=server.operator_token, headers={"Host": named})
        assert (answer.status, answer.code) == (403, "host_not_allowed"), path


@pytest.mark.parametrize("host", ["localhost:{port}", "LOCALHOST:{port}", "localhost.:{port}", "[::1]:{port}", "127.0.0.1:{port}"])
def test_loopback_names_are_ours(server: ServerProcess, host: str) -> None:
    assert ask(server.url, "GET", "/health", headers={"Host": host.format(port=urlsplit(server.url).port)}).status == 200


async def test_another_host_gets_no_websocket(server: ServerProcess) -> None:
    headers = {"Authorization": f"Bearer {server.operator_token}", "Host": "evil.example"}
    port = urlsplit(server.url).port
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with websockets.connect("ws://evil.example/ws", host="127.0.0.1", port=port, additional_headers=headers, proxy=None):
            pass
    assert refused.value.response.status_code == 403


def _connection(host: str, *, scheme: str = "http", port: int = 8080) -> HTTPConnection:
    return HTTPConnection({"type": "http", "scheme": scheme, "server": ("127.0.0.1", port), "headers": [(b"host", host.encode())]})


def test_cookies_are_secure_where_the_browser_speaks_https() -> None:
    settings = Settings(public_url="https://post.example")
    for host in ("post.example", "post.example:443", "POST.example"):
        assert cookie_name(_connection(host), settings) == "__Host-postroom"
    assert cookie_name(_connection("127.0.0.1", scheme="https"), Settings()) == "__Host-postroom"
    assert cookie_name(_connection("127.0.0.1:8080"), settings) == "postroom_8080"
    assert cookie_name(_connection("127.0.0.1:8081", port=8081), Settings()) == "postroom_8081"


async def test_the_operators_names_are_hosts_of_ours() -> None:
    guard = HostGuard(Settings(host="::", public_url="https://post.example", allowed_hosts=("any.example", "one.example:8443")))
    good = ["post.example", "any.example", "any.example:1234", "one.example:8443", "localhost:8080"]
    bad = ["evil.example", "one.example", "one.example:1", "[::]:8080", "localhost:80"]
    assert [host for host in good + bad if await _passes(guard, host)] == good


async def _passes(guard: HostGuard, host: str) -> bool:
    passed: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(scope)

    async def nothing(_: Any = None) -> Any:
        return None

    await guard({**_connection(host).scope}, nothing, nothing, app)
    return bool(passed)


async def test_a_window_is_its_own_where_the_browser_heeds_it() -> None:
    """Any other origin would be complained of on the console, at every page."""
    layer = AddHeaders(Settings(public_url="https://post.example"))
    heeded = ["post.example", "127.0.0.1:8080", "localhost:8080", "[::1]:8080"]
    others = ["192.168.1.20:8080", "postroom.lan", "127.0.0.1.evil.example", "", "["]
    assert [host for host in heeded + others if await _is_alone(layer, _connection(host))] == heeded
    assert await _is_alone(layer, _connection("192.168.1.20:8443", scheme="https"))


async def _is_alone(layer: AddHeaders, connection: HTTPConnection) -> bool:
    sent: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def nothing() -> Any:
        return None

    async def send(message: Any) -> None:
        sent.append(message)

    await layer({**connection.scope}, nothing, send, app)
    headers = dict(sent[0]["headers"])
    assert headers[b"x-frame-options"] == b"DENY"
    return headers.get(b"cross-origin-opener-policy") == b"same-origin"


@pytest.mark.parametrize("given", ["mine-1", "a" * 64, "0:1.2_3"])
def test_a_safe_request_id_is_kept(server: ServerProcess, given: str) -> None:
    answer = ask(server.url, "GET", "/workspaces", headers={"X-Request-ID": given})
    assert answer.headers["x-request-id"] == answer.body["request_id"] == given


@pytest.mark.parametrize("given", [None, "", "a" * 65, "with space", 'quo"te', "ümlaut", "new\tline"])
def test_any_other_request_id_is_made(given: str | None) -> None:
    made = choose_request_id(given)
    assert made != given
    assert re.fullmatch("[0-9a-f]{32}", made)


@pytest.mark.parametrize("given", [TRACE, TRACE.replace("00-", "01-", 1), TRACE.replace("00-", "cc-", 1) + "-more"])
def test_a_traceparent_is_taken(given: str) -> None:
    assert valid_traceparent(given) == given


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        TRACE + "-more",
        TRACE.upper(),
        TRACE.replace("00-", "ff-", 1),
        TRACE.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
        TRACE.replace("00f067aa0ba902b7", "0" * 16),
        TRACE + "\n",
        TRACE[:-1],
    ],
)
def test_anything_else_is_no_traceparent(given: str | None) -> None:
    assert valid_traceparent(given) is None
