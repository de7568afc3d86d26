"""The address itself: who is let in, which revisions are spoken, and what happens to what is no proper request."""

import asyncio
import http.client
import json
import signal
from typing import Any
from urllib.parse import urlsplit

import pytest
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from postroom.mcp.tools import TOOLS
from tests.conftest import NewServer
from tests.mcp.clients import HEADERS, Seat, open_stream, until_said
from tests.mcp.conftest import Team, make_team
from tests.support.http import Answer, ask
from tests.support.server import ServerProcess

Json = dict[str, Any]
LAST_CHUNK = b"0\r\n\r\n"


def initialize(version: str) -> Json:
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    return {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}


def call(seat: Seat, body: Any, method: str = "POST", token: str | None = None, **headers: str) -> Answer:
    given = {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return ask(seat.url, method, f"/workspaces/{seat.workspace}/mcp", token=token or seat.token, headers=given, body=body)


def result_of(answer: Answer) -> Json:
    """The JSON-RPC response, whether it came alone or as an event."""
    assert answer.status == 200, answer.content
    lines = answer.content.decode().splitlines()
    data = next((line.removeprefix("data: ") for line in lines if line.startswith("data: ")), lines[0])
    return json.loads(data)["result"]


def code_of(answer: Answer) -> tuple[int, str]:
    """Status and code of a refusal, which is a JSON-RPC error as well."""
    assert answer.body["jsonrpc"] == "2.0" and answer.body["id"] is None
    return answer.status, answer.body["error"]["data"]["code"]


@pytest.mark.parametrize("version", HANDSHAKE_PROTOCOL_VERSIONS)
async def test_older_revisions_are_spoken_as_they_are(team: Team, version: str) -> None:
    begun = await asyncio.to_thread(call, team.coder, initialize(version))
    assert result_of(begun)["protocolVersion"] == version and "reply" in result_of(begun)["instructions"]
    session = begun.headers["mcp-session-id"]
    initialized = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    named = {"Mcp_Session_Id": session, "MCP_Protocol_Version": version}
    assert (await asyncio.to_thread(call, team.coder, initialized, **named)).status == 202
    listed = await asyncio.to_thread(call, team.coder, {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}, **named)
    assert len(result_of(listed)["tools"]) == len(TOOLS)
    assert (await asyncio.to_thread(call, team.coder, None, "DELETE", **named)).status == 204


async def test_only_the_workspace_itself_is_let_in(team: Team, server: ServerProcess) -> None:
    async def status(token: str) -> tuple[int, str]:
        return code_of(await asyncio.to_thread(call, team.coder, initialize("2025-06-18"), token=token))

    assert await status(team.tester.token) == (403, "forbidden")
    assert await status(server.operator_token) == (403, "forbidden")
    assert await status(team.outside.token) == (404, "workspace_not_found")
    assert await status("prw_nonsense") == (401, "unauthenticated")
    nobody = await asyncio.to_thread(ask, server.url, "POST", f"/workspaces/{team.coder.workspace}/mcp", headers=HEADERS, body={})
    assert code_of(nobody) == (401, "unauthenticated") and nobody.headers["www-authenticate"] == "Bearer"
    await team.operator.request("DELETE", f"/workspaces/{team.coder.workspace}", query={"confirm": True})
    assert (await status(team.coder.token))[0] in (401, 410)


def test_other_sites_and_names_are_refused(team: Team) -> None:
    own, other = team.coder.url, "http://evil.example"
    assert code_of(call(team.coder, initialize("2025-06-18"), Origin=other)) == (403, "cross_origin")
    assert code_of(call(team.coder, None, "GET", Origin=other)) == (403, "cross_origin")
    assert result_of(call(team.coder, initialize("2025-06-18"), Origin=own))
    strange = call(team.coder, initialize("2025-06-18"), Host="evil.example")
    assert (strange.status, strange.code) == (403, "host_not_allowed")


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"{nonsense", {}, (400, "malformed")),
        (b'{"jsonrpc": "2.0", "jsonrpc": "2.0"}', {}, (400, "malformed")),
        (b'{"id": NaN}', {}, (400, "malformed")),
        ([], {}, (422, "invalid")),
        (initialize("2025-06-18"), {"Mcp_Session_Id": "no session of ours"}, (200, "")),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping"}, {"Mcp_Session_Id": "no session of ours"}, (404, "session_not_found")),
    ],
)
def test_what_is_no_request_of_the_protocol(team: Team, body: Any, headers: dict[str, str], expected: tuple[int, str]) -> None:
    answer = call(team.coder, body, **headers)
    assert (answer.status, "") == expected if answer.status == 200 else code_of(answer) == expected


@pytest.mark.parametrize(
    ("body", "headers", "statuses"),
    [
        ({"jsonrpc": "2.0", "id": 1, "method": "no/such"}, {}, (200, 404)),
        ({"jsonrpc": "2.0", "id": 1}, {}, (400,)),
        ({"no": "rpc"}, {}, (400,)),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping"}, {"Accept": "text/html"}, (406,)),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping"}, {"Content_Type": "text/plain"}, (400, 415)),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping"}, {"MCP_Protocol_Version": "1999-01-01"}, (400,)),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "no_such_tool"}}, {}, (200,)),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 1}}, {}, (200, 400)),
        ({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "file:///etc/passwd"}}, {}, (200,)),
    ],
)
def test_what_the_protocol_refuses_is_an_error_and_never_a_fault(
    team: Team, body: Any, headers: dict[str, str], statuses: tuple[int]
) -> None:
    answer = call(team.coder, body, **headers)
    assert answer.status in statuses
    assert b'"result"' not in answer.content and b"Traceback" not in answer.content


def test_the_stream_of_an_older_client_beats_and_is_refused_to_a_newer_one(team: Team) -> None:
    assert code_of(call(team.coder, None, "GET", MCP_Protocol_Version="2026-07-28")) == (405, "method_not_allowed")
    assert call(team.coder, None, "HEAD").status == 405
    connection = http.client.HTTPConnection(urlsplit(team.coder.url).netloc, timeout=20)
    try:
        path = f"/workspaces/{team.coder.workspace}/mcp"
        connection.request("GET", path, headers={**HEADERS, "Authorization": f"Bearer {team.coder.token}"})
        answer = connection.getresponse()
        assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert answer.readline().startswith(b"retry: ")
    finally:
        connection.close()


async def test_a_revoked_token_ends_the_stream(team: Team) -> None:
    made = (await team.operator.request("POST", f"/workspaces/{team.coder.workspace}/tokens", json={})).body
    with open_stream(team.coder, made["token"]) as stream:
        stream.settimeout(30)
        await asyncio.to_thread(until_said, stream, b"retry: ")
        await team.operator.request("DELETE", f"/workspaces/{team.coder.workspace}/tokens/{made['id']}")
        await asyncio.to_thread(until_said, stream, LAST_CHUNK)


def waiting_call(seconds: float) -> Json:
    """A call that goes on for so long."""
    return tool_call("wait_for_message", timeout_seconds=seconds)


def delegating_call(workspace: str, seconds: float) -> Json:
    """The same, for an answer."""
    return tool_call("delegate_task", workspace_id=workspace, task="slow", timeout_seconds=seconds)


def tool_call(name: str, **arguments: Any) -> Json:
    """The request."""
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}


async def test_post_is_not_handed_to_a_client_that_died_waiting(team: Team) -> None:
    with open_stream(team.coder, team.coder.token, "POST", waiting_call(60)) as stream:
        # The head of the answer comes when the call has begun.
        await asyncio.to_thread(until_said, stream, b"\r\n\r\n")
    message = await team.send(team.coder)
    async with team.coder.connect("legacy") as other:
        found = await other.take(30)
        assert (found["message_id"], found["attempt"]) == (message, 1)


async def test_a_stop_waits_for_no_stream_and_for_no_wait(new_server: NewServer) -> None:
    server = await asyncio.to_thread(new_server().start)
    async with server.client() as operator:
        team = await make_team(server, operator)
        with (
            open_stream(team.coder, team.coder.token) as stream,
            open_stream(team.lead, team.lead.token, "POST", waiting_call(600)) as waiting,
            open_stream(team.lead, team.lead.token, "POST", delegating_call("Tester", 600)) as delegating,
        ):
            await asyncio.to_thread(until_said, stream, b"retry: ")
            await asyncio.to_thread(until_said, waiting, b"\r\n\r\n")
            await asyncio.to_thread(until_said, delegating, b"\r\n\r\n")
            server.signal(signal.SIGTERM)
            assert b"It goes on by itself" in await asyncio.to_thread(until_said, delegating, b'"id":1')
            assert b"No message came" in await asyncio.to_thread(until_said, waiting, b'"id":1')
            await asyncio.to_thread(until_said, stream, LAST_CHUNK)
        assert await asyncio.to_thread(server.wait, 20) == 0
