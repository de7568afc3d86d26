"""What a session holds: extended while it lives, back when it dies, found again by any server and after a restart."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from postroom.clock import monotonic
from tests.conftest import NewServer
from tests.mcp.clients import HEADERS, Seat, open_stream, until_said
from tests.mcp.conftest import make_team
from tests.support.database import cluster
from tests.support.http import Answer, ask
from tests.support.server import ServerProcess, wait_for

ROOT = Path(__file__).parents[2]
# A usual lease, which is what a broken stream leaves, and that of a session: apart enough to tell which of them ran out.
LEASE, SESSION_LEASE = 2.0, 45.0


@pytest.fixture(scope="module")
def lively(short_directory: Path) -> Generator[ServerProcess]:
    """A server with short leases."""
    leases = {"lease_seconds": str(LEASE), "session_lease_seconds": str(SESSION_LEASE)}
    process = ServerProcess(short_directory / "sessions", poll_seconds="0.2", **leases)
    try:
        yield process.start()
    finally:
        process.destroy()


class Holder:
    """The process of ``holder.py``."""

    def __init__(self, seat: Seat, kind: str) -> None:
        words = [sys.executable, "-m", "tests.mcp.holder", seat.url, seat.workspace, seat.token, kind]
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self.line() == "connected"

    def line(self) -> str:
        """What it says next; it has a minute to take something."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate(timeout=10)


async def lease_end(server: ServerProcess, message: str) -> Any:
    connection: Any = await asyncpg.connect(server.dsn())
    try:
        return await connection.fetchval("select due_at from work where message_id = $1", message)
    finally:
        await connection.close()


async def until_extended(server: ServerProcess, message: str) -> None:
    first, give_up = await lease_end(server, message), monotonic() + 30
    while await lease_end(server, message) <= first:
        assert monotonic() < give_up, "the lease was not extended"


@pytest.mark.parametrize("kind", ["legacy", "listening"])
async def test_a_killed_client_gives_back_what_it_held(lively: ServerProcess, kind: str) -> None:
    async with lively.client() as operator:
        team = await make_team(lively, operator)
        message = await team.send(team.coder)
        holder = Holder(team.coder, kind)
        try:
            assert holder.line() == message
            # It says nothing any more, and lives: twice, so that it is not the call that did it.
            await until_extended(lively, message)
            await until_extended(lively, message)
        finally:
            holder.kill()
        killed = monotonic()
        async with team.coder.connect("legacy") as other:
            found = await other.take(40)
            assert (found["message_id"], found["attempt"]) == (message, 2)
            assert monotonic() - killed < SESSION_LEASE / 2
            await other.use("reply", message_id=message, text="done by another")


async def test_a_call_is_a_sign_of_life(lively: ServerProcess) -> None:
    async with lively.client() as operator:
        team = await make_team(lively, operator)
        message = await team.send(team.coder)
        async with team.coder.connect() as coder:
            await coder.take()
            first = await lease_end(lively, message)
            await coder.use("get_workspace_info")
            assert await lease_end(lively, message) > first


async def test_a_client_that_leaves_gives_back_at_once(lively: ServerProcess) -> None:
    async with lively.client() as operator:
        team = await make_team(lively, operator)
        message = await team.send(team.coder)
        async with team.coder.connect("legacy") as coder:
            await coder.take()
        async with team.coder.connect("legacy") as other:
            assert (await other.take(20))["message_id"] == message


async def test_sessions_of_one_workspace_do_not_hold_for_one_another(lively: ServerProcess) -> None:
    async with lively.client() as operator:
        team = await make_team(lively, operator)
        message = await team.send(team.coder)
        async with team.coder.connect("legacy") as one, team.coder.connect("legacy") as other:
            await one.take()
            assert (await other.refusal("reply", message_id=message, text="mine"))["code"] == "lease_lost"
            assert (await other.refusal("report_progress", message_id=message, text="mine"))["code"] == "lease_lost"
            assert (await other.refusal("inbox_pop", message_id=message))["code"] == "not_held"
            assert await team.state(team.coder, message) == "handed"


async def test_who_holds_a_stream_is_heard_of(lively: ServerProcess) -> None:
    async with lively.client() as operator:
        team = await make_team(lively, operator)

        def seen() -> Any:
            return ask(lively.url, "GET", f"/workspaces/{team.coder.workspace}", token=lively.operator_token).body

        with open_stream(team.coder, team.coder.token) as stream:
            await asyncio.to_thread(until_said, stream, b"retry: ")
            first = seen()
            assert first["status"] == "online"
            await asyncio.to_thread(wait_for, lambda: seen()["last_heartbeat"] != first["last_heartbeat"], 30, "it was heard of again")


@pytest.mark.timeout(120)
async def test_a_server_that_is_killed_between_two_calls_costs_nothing(new_server: NewServer) -> None:
    """A client of the current revision and one of those before it, and neither connects anew."""
    server = new_server(poll_seconds="0.2", lease_seconds=str(LEASE)).start()
    async with server.client() as operator:
        team = await make_team(server, operator)
        async with team.lead.connect("auto") as lead, team.coder.connect("legacy") as coder:
            task = await lead.use("delegate_task_async", workspace_id="Coder", task="survive")
            restart(server)
            message = await coder.take()
            restart(server)
            await coder.use("report_progress", message_id=message["message_id"], text="still here")
            await coder.use("reply", message_id=message["message_id"], text="survived")
            restart(server)
            assert (await coder.use("reply", message_id=message["message_id"], text="survived"))["status"] == "answered"
            (found,) = (await lead.use("check_task_status", task_id=task["task_id"]))["tasks"]
            assert (found["status"], found["result"]["text"]) == ("completed", "survived")
            assert (await lead.take())["report"]["task_id"] == task["task_id"]


def restart(server: ServerProcess) -> None:
    port = server.port
    server.kill()
    server.start(port=port)


@pytest.mark.timeout(120)
async def test_any_server_knows_what_a_session_holds(short_directory: Path, new_server: NewServer) -> None:
    secret, operator_token = "a secret key for two servers, long enough", "an operator token for two, long enough"
    with cluster(short_directory / "two") as dsn:
        one, two = (new_server(database_url=dsn, secret_key=secret, admin_token=operator_token).start() for _ in range(2))
        async with one.client(operator_token) as operator:
            team = await make_team(one, operator)
            message = await team.send(team.coder)
            session = str(uuid4())
            taken = call(one, team.coder, session, "wait_for_message", timeout_seconds=20)
            assert taken["message"]["message_id"] == message
            assert call(two, team.coder, session, "report_progress", message_id=message, text="over here") == {
                "message_id": message,
                "cancel_requested": False,
            }
            assert call(two, team.coder, session, "reply", message_id=message, text="done")["status"] == "answered"
            assert call(one, team.coder, session, "inbox_pop", message_id=message)["status"] == "ended"
        for server in (one, two):
            server.stop()


def call(server: ServerProcess, seat: Seat, session: str, tool: str, **arguments: Any) -> Any:
    """A call of an older client, as a proxy without a memory might pass it on."""
    return result_of(post(server.url, seat, session, "tools/call", {"name": tool, "arguments": arguments}))["structuredContent"]


def post(url: str, seat: Seat, session: str, method: str, params: Any) -> Answer:
    headers = {**HEADERS, "MCP-Protocol-Version": "2025-06-18", "Mcp-Session-Id": session}
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return ask(url, "POST", f"/workspaces/{seat.workspace}/mcp", token=seat.token, headers=headers, body=body)


def result_of(answer: Answer) -> Any:
    data = next(line for line in answer.content.decode().splitlines() if line.startswith("data: "))
    return json.loads(data.removeprefix("data: "))["result"]
