"""kill -9 while a dead letter is replayed: it is said again once, or it is a dead letter still."""

from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import NewServer
from tests.crash.tracing import Traces
from tests.edges.conversing import Agent, fail, make_agent
from tests.support.server import START_SECONDS, wait_for

# Where it dies, and whether the message was kept by then.
STEPS = {"accept.batched": False, "accept.committed": True}


def dead_letters(agent: Agent) -> list[str]:
    return [letter["message_id"] for letter in agent.people("GET", "/dead-letters?workspace_id={id}").body["dead_letters"]]


def said(agent: Agent, text: str) -> list[str]:
    return [line["id"] for line in agent.history("limit=200")["messages"] if line["content"] == text]


def test_a_replay_that_is_cut_short_takes_effect_once(new_server: NewServer, tmp_path: Path) -> None:
    server = new_server().start()
    agent = make_agent(server)
    letters = {step: fail(agent, step) for step in STEPS}
    server.stop()
    for step, kept in STEPS.items():
        server.launch(environ=Traces(tmp_path).plan(step, f"{step} hit=1 kill"))
        wait_for(server._is_ready, START_SECONDS, "the server is ready")
        with pytest.raises((OSError, HTTPException)):
            agent.people("POST", f"/dead-letters/{letters[step]}/replay")
        server.wait(30)
        server.start()
        assert (letters[step] not in dead_letters(agent), len(said(agent, step))) == (kept, 1 + kept)
        replays: list[Any] = [agent.people("POST", f"/dead-letters/{letters[step]}/replay") for _ in range(2)]
        assert [said(agent, step)[1]] * 2 == [replay.body["message_id"] for replay in replays]
        assert len(said(agent, step)) == 2 and letters[step] not in dead_letters(agent)
        server.stop()
