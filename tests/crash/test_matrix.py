"""The crash matrix (reliability.md, T1): whatever dies at whichever step, what was acknowledged is there, and takes effect once.

Every case: a flow on a real server, an end at a named place, a new start without it, and the account of everything that was said.
``make matrix`` runs all of them and prints the account of the run.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from postroom.db.migrate import migrate, pending_migrations
from tests.conftest import NewServer
from tests.crash.checker import judge
from tests.crash.delegated import DELEGATED
from tests.crash.filed import FILED
from tests.crash.flows import FLOWS as PLAIN
from tests.crash.flows import Flow
from tests.crash.load import at_rest
from tests.crash.matrix import BACKEND, BOTH, CASES, POSTMASTER, SERVER, Case
from tests.crash.stage import END_SECONDS, KEPT_UNHEARD, OPERATOR, SECRET, SETTINGS, Stage
from tests.crash.steps import Steps, connected, kill_process
from tests.crash.torn import torn_rows
from tests.crash.tracing import Traces
from tests.support.database import cluster, empty
from tests.support.http import ask
from tests.support.server import ServerProcess

FAULT_SECONDS = 30.0
FLOWS = PLAIN | DELEGATED | FILED

pytestmark = pytest.mark.timeout(150)


@dataclass(frozen=True, slots=True)
class Base:
    """A PostgreSQL that the cases share as long as none of them kills it."""

    dsn: str
    superuser_dsn: str


@pytest.fixture(scope="module")
def base(short_directory: Path) -> Generator[Base]:
    data = short_directory / "matrix"
    with cluster(data) as dsn:
        yield Base(dsn, ServerProcess(data).dsn("postgres"))


async def prepare(base: Base, *, bare: bool) -> None:
    """An empty database; ``bare`` without even its tables, and with new ones where the last case left none that are whole."""
    connection: Any = await asyncpg.connect(base.superuser_dsn)
    try:
        await connection.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'postroom'")
        renewed = bare or bool(await pending_migrations(base.dsn))
        if renewed:
            await connection.execute("drop schema if exists crash, public cascade; create schema public authorization postroom")
    finally:
        await connection.close()
    if not bare:
        await (migrate(base.dsn) if renewed else empty(base.dsn))
        async with connected(base.superuser_dsn) as steps:
            await steps.install()


def settings_of(case: Case) -> dict[str, Any]:
    return {**SETTINGS, "lease_seconds": str(FLOWS[case.flow].lease)}


async def on_shared_database(case: Case, base: Base, new_server: NewServer, traces: Traces) -> Stage:
    await prepare(base, bare=case.flow == "migrated")
    server = new_server(database_url=base.dsn, secret_key=SECRET, admin_token=OPERATOR, **settings_of(case))
    return Stage(server, traces, base.dsn, base.superuser_dsn)


async def on_own_database(case: Case, new_server: NewServer, traces: Traces) -> Stage:
    """A server with a PostgreSQL of its own, that runs already unless the case is about the first start."""
    stage = Stage(new_server(admin_token=OPERATOR, **settings_of(case)), traces)
    if case.flow != "created":
        await stage.live()
        async with connected(stage.superuser_dsn) as steps:
            await steps.install()
    return stage


@pytest.mark.parametrize("case", [case for case in CASES if case.flow in FLOWS], ids=lambda case: case.id)
async def test_what_dies_comes_back_whole(case: Case, base: Base, new_server: NewServer, tmp_path: Path) -> None:
    traces = Traces.of(case.id, tmp_path)
    flow = FLOWS[case.flow]
    stage = await (on_own_database(case, new_server, traces) if case.embedded else on_shared_database(case, base, new_server, traces))
    async with asyncio.timeout(120):
        if flow.before is not None:
            await live_before(flow.before, stage)
        kind = await (end_in_transaction(case, flow, stage) if case.in_database else end_at_place(case, flow, stage))
        rest_seconds = await come_to_rest(stage)
        await check(flow, stage)
    async with connected(stage.superuser_dsn) as steps:
        traces.note_steps(await steps.reached())
    traces.conclude(kind=kind, messages=len(stage.keys), rest_seconds=rest_seconds)


async def live_before(before: Callable[[Stage], Awaitable[None]], stage: Stage) -> None:
    """A life of the server that ends without any order."""
    await stage.live()
    await before(stage)
    if not stage.server.ended:
        await asyncio.to_thread(stage.server.kill)


async def end_at_place(case: Case, flow: Flow, stage: Stage) -> str:
    """The server ends itself at the place; then it comes back."""
    stage.launch(f"{case.place} hit={case.hit} kill")
    async with asyncio.TaskGroup() as group:
        played = group.create_task(flow.play(stage))
        async with asyncio.timeout(FAULT_SECONDS):
            await stage.gone()
        assert f"{case.place} {case.hit} kill" in stage.traces.lines(), f"it died of something else: {stage.server.tail()}"
        kind = "nothing was sent yet" if case.flow in ("migrated", "created") else await stage.kind_of_death()
        await stage.come_back()
        await played
    return kind


async def end_in_transaction(case: Case, flow: Flow, stage: Stage) -> str:
    """What is to die dies while a transaction stands at the step; then it comes back."""
    if stage.server.ended:
        await stage.live()
    async with connected(stage.superuser_dsn) as steps, asyncio.TaskGroup() as group:
        await steps.arm(case.place)
        played = group.create_task(flow.play(stage))
        async with asyncio.timeout(FAULT_SECONDS):
            pid = await steps.stopped_backend()
        stage.traces.note_steps([case.place])
        kind = await end(case, stage, steps, pid)
        if case.process == SERVER and case.place.startswith("accept."):
            assert kind == KEPT_UNHEARD, "it stood inside the transaction, which went on to its commit without its server"
        await played
    return kind


async def end(case: Case, stage: Stage, steps: Steps, pid: int) -> str:
    """Kill what the case is about; PostgreSQL comes back by itself, a server is started again."""
    match case.process:
        case process if process == POSTMASTER:
            stage.server.kill_database()
        case process if process == BACKEND:
            kill_process(pid)
        case process:
            await asyncio.to_thread(stage.server.kill)
            await (steps.end_backend(pid) if process == BOTH else steps.let_go())
            await steps.ended(pid)
            kind = await stage.kind_of_death()
            await stage.come_back()
            return kind
    await stage.database_answers()
    kind = await stage.kind_of_death()
    await stage.well()
    stage.came_back = time.monotonic()
    return kind


async def come_to_rest(stage: Stage) -> float:
    """Every message has its end, in time; returns the seconds since the server was back."""
    await at_rest(stage.dsn, stage.ids)
    took = time.monotonic() - stage.came_back
    assert took < END_SECONDS, f"the last end came {took:.1f} s after the server was back"
    return round(took, 2)


async def check(flow: Flow, stage: Stage) -> None:
    """A retry is the same message, and nothing of what was said or promised is missing, double or torn."""
    async with httpx.AsyncClient(timeout=30) as http:
        await stage.repeat(http)
    verdict = await judge(stage.house.journal, stage.dsn, stage.ids, ends=flow.states)
    assert verdict.faults == {}
    assert {row.state for row in await stage.rows() if row.reply_to is None} <= set(flow.states)
    assert await torn_rows(stage.dsn, stage.ids) == []
    for mailbox in stage.mailboxes:
        page = ask(stage.house.urls[0], "GET", f"/workspaces/{mailbox.id}/chat-history?limit=200", token=OPERATOR).body
        said = [line["content"] for line in page["messages"] if line["role"] == "user" and line["reply_to"] is None]
        assert sorted(said) == sorted(key for key in stage.keys if stage.of(key) == mailbox)
