"""The part of the crash matrix in which an agent's process dies: its work is not lost, and a reply that it kept is not computed again."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from uuid import uuid4

import pytest

from tests.crash.checker import Journal, judge, read_rows
from tests.crash.load import Mailbox, at_rest, make_mailbox
from tests.crash.matrix import CASES, Case
from tests.crash.sdk_agent import LEASE
from tests.crash.stage import END_SECONDS
from tests.crash.torn import torn_rows
from tests.crash.tracing import Traces
from tests.mutants.seed import ROOT
from tests.support.asked import asking
from tests.support.http import Answer, ask
from tests.support.server import ServerProcess, wait_for

FAULT_SECONDS = 30.0
# What the first process does with a message, what the last one does, and the ends that are right.
WAYS = {
    "sdk_replies": ("reply", "reply", "replied"),
    "sdk_works_long": ("long", "reply", "replied"),
    "sdk_fails": ("fail", "fail", "failed"),
    "sdk_is_cancelled": ("hang", "hang", "cancelled"),
    "sdk_is_stopped": ("hang", "reply", "replied"),
    "sdk_comes_back": ("hang", "reply", "replied"),
}
# From here on the reply is kept: whatever dies, nobody computes it again.
KEPT_FROM = ("agent.file_named", "agent.stored", "agent.replied", "agent.settled", "agent.forgotten")

pytestmark = pytest.mark.timeout(150)


@dataclass
class Desk:
    """An agent's mailbox, its state directory, and the processes that worked there."""

    server: ServerProcess
    mailbox: Mailbox
    place: Path
    traces: Traces
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])

    @property
    def effects(self) -> Path:
        return self.place / "effects"

    def start(self, mode: str, *lines: str) -> subprocess.Popen[bytes]:
        """A process of the agent, with a plan."""
        environ = {
            "POSTROOM_URL": self.server.url,
            "POSTROOM_TOKEN": self.mailbox.token,
            "POSTROOM_WORKSPACE_ID": self.mailbox.id,
            "POSTROOM_STATE": str(self.place),
            **self.traces.plan(f"agent-{len(self.processes)}", *lines),
        }
        command = [sys.executable, "-m", "tests.crash.sdk_agent", str(self.effects), mode]
        with (self.place / "log").open("ab") as log:
            process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environ}, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def done(self) -> list[tuple[str, str, int]]:
        """The effects: message, text, attempt."""
        lines = self.effects.read_text().splitlines() if self.effects.exists() else []
        return [(message, text, int(attempt)) for message, text, attempt in (line.split() for line in lines)]

    def send(self, key: str) -> Answer:
        message = {"role": "ROLE_USER", "messageId": key, "parts": [{"text": key}]}
        return self._say("SendMessage", {"message": message, "configuration": {"returnImmediately": True}}, {"Idempotency-Key": key})

    def cancel(self, message: str) -> None:
        self._say("CancelTask", {"id": message}, {})

    def _say(self, method: str, params: dict[str, object], headers: dict[str, str]) -> Answer:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        token = self.server.operator_token
        path = f"/workspaces/{self.mailbox.id}/a2a"
        return ask(
            self.server.url,
            "POST",
            path,
            token=token,
            headers={"Content-Type": "application/json", "A2A-Version": "1.0", **headers},
            body=body,
        )


@pytest.fixture
def desk(server: ServerProcess, tmp_path: Path, request: pytest.FixtureRequest) -> Generator[Desk]:
    case = cast("Case", asking(request).callspec.params["case"])
    mailbox = make_mailbox(server.url, server.operator_token, f"sdk {uuid4()}")
    made = Desk(server, mailbox, tmp_path, Traces.of(case.id, tmp_path))
    yield made
    for process in made.processes:
        process.kill()
        process.wait(10)


@pytest.mark.parametrize("case", [case for case in CASES if case.flow in WAYS], ids=lambda case: case.id)
async def test_an_agent_that_dies_comes_back(case: Case, desk: Desk) -> None:
    first, last, end = WAYS[case.flow]
    journal, keys = Journal(), [str(uuid4()), str(uuid4())]
    for key in keys:
        journal.mean(key, desk.mailbox.id)
        journal.acked(key, desk.send(key).headers["x-postroom-message-id"])
    messages = [message for _, message in journal.acks]
    await asyncio.to_thread(die, case, desk, first, messages)
    known = len(desk.done())
    desk.start(last)
    came_back = time.monotonic()
    if end == "cancelled":
        await asyncio.to_thread(cancel_until_ended, desk, messages)
    await at_rest(desk.server.dsn(), [desk.mailbox.id], 2 * END_SECONDS + LEASE)
    rest_seconds = round(time.monotonic() - came_back, 2)
    await check(desk, journal, end)
    if case.place in KEPT_FROM:
        assert len(desk.done()) == known + 1 == 2, "the first reply was kept: only the second message had to be worked on"
    desk.traces.conclude(kind="acknowledged, and there", messages=len(keys), rest_seconds=rest_seconds)


def die(case: Case, desk: Desk, mode: str, messages: list[str]) -> None:
    """The agent's process ends itself at the place; the test does to it what leads there."""
    if case.flow == "sdk_comes_back":
        # It is the next process that finds what this one leaves.
        process = desk.start(mode)
        wait_for(desk.done, FAULT_SECONDS, "it is at work")
        process.kill()
        process.wait(10)
    process = desk.start(mode, f"{case.place} hit=1 kill")
    if case.flow == "sdk_is_cancelled":
        wait_for(desk.done, FAULT_SECONDS, "it is at work")
        for message in reversed(messages):
            desk.cancel(message)
    if case.flow == "sdk_is_stopped":
        wait_for(desk.done, FAULT_SECONDS, "it is at work")
        process.send_signal(signal.SIGTERM)
    process.wait(FAULT_SECONDS)
    assert f"{case.place} 1 kill" in desk.traces.lines(), (desk.place / "log").read_text()


def cancel_until_ended(desk: Desk, messages: list[str]) -> None:
    """Its sender insists."""
    for message in messages:
        desk.cancel(message)


async def check(desk: Desk, journal: Journal, end: str) -> None:
    """Nothing lost, nothing twice, every end the right one, and a retry the same message."""
    for message, text, attempt in desk.done():
        journal.saw(desk.mailbox.id, message, text, attempt)
    for key in journal.intents:
        journal.acked(key, desk.send(key).headers["x-postroom-message-id"])
    dsn = desk.server.dsn()
    assert (await judge(journal, dsn, [desk.mailbox.id], ends=[end])).faults == {}
    assert {row.state for row in await read_rows(dsn, [desk.mailbox.id]) if row.reply_to is None} == {end}
    assert await torn_rows(dsn, [desk.mailbox.id]) == []
