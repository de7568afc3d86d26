"""Dead letters and preferences over HTTP."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.edges.conversing import Agent, fail, make_agent
from tests.support.http import Answer, ask
from tests.support.server import ServerProcess


@pytest.fixture
def agent(server: ServerProcess) -> Agent:
    return make_agent(server)


def test_a_dead_letter_is_shown_replayed_once_and_gone(agent: Agent) -> None:
    sent = fail(agent, "good morning")
    page = agent.people("GET", "/dead-letters?workspace_id={id}").body
    [letter] = page["dead_letters"]
    assert (page["total"], page["next"]) == (1, None)
    assert (letter["message_id"], letter["workspace"]["id"], letter["sender"]["kind"]) == (sent, agent.id, "operator")
    assert (letter["preview"], letter["parts"], letter["state"]) == ("good morning", [{"text": "good morning"}], "failed")
    assert (letter["error"], letter["attempts"]) == ({"code": "agent_failed", "detail": "no"}, 1)
    first, again = (agent.people("POST", f"/dead-letters/{sent}/replay") for _ in range(2))
    assert first.status == again.status == 201 and first.body == again.body
    [item] = agent.own("POST", "/workspaces/{id}/inbox/claim", {"wait": 5}).body["items"]
    assert (item["message_id"], item["message"]["parts"]) == (first.body["message_id"], [{"text": "good morning"}])
    assert agent.people("GET", "/dead-letters?workspace_id={id}").body == {"dead_letters": [], "next": None, "total": 0}
    late = agent.people("POST", f"/dead-letters/{sent}/drop")
    assert (late.status, late.code, late.body["message_id"]) == (409, "dead_letter_replayed", first.body["message_id"])


def test_what_was_dropped_is_not_replayed(agent: Agent) -> None:
    sent = fail(agent, "given up")
    assert [agent.people("POST", f"/dead-letters/{sent}/drop").status for _ in range(2)] == [204, 204]
    answer = agent.people("POST", f"/dead-letters/{sent}/replay")
    assert (answer.status, answer.code) == (409, "dead_letter_dropped")


def test_a_stranger_to_dead_letters_is_told_so(agent: Agent) -> None:
    answer = agent.people("POST", f"/dead-letters/{uuid4()}/replay")
    assert (answer.status, answer.code) == (404, "dead_letter_not_found")
    assert agent.own("GET", "/dead-letters").status == 403


# Preferences


def prefer(server: ServerProcess, name: str, value: Any) -> Answer:
    return ask(server.url, "PUT", f"/session/preferences/{name}", token=server.operator_token, body=value)


@pytest.mark.parametrize("value", ["null", "[1]", '"text"', '{"a": {"b": []}}'])
def test_a_preference_is_any_json(server: ServerProcess, value: str) -> None:
    assert prefer(server, "any-json", value.encode()).status == 204
    kept = ask(server.url, "GET", "/session/preferences", token=server.operator_token).body
    assert kept["any-json"] == json.loads(value)


@pytest.mark.parametrize("name", ["Upper", "1st", "a_b", "-a", "a" * 65, "a.b"])
def test_a_name_is_a_short_word(server: ServerProcess, name: str) -> None:
    answer = prefer(server, name, {})
    assert (answer.status, answer.code) == (404, "not_found")


def test_a_preference_that_is_too_large_or_no_json_is_refused(server: ServerProcess) -> None:
    assert prefer(server, "large", b'"' + b"x" * 256 * 1024 + b'"').status == 413
    assert [prefer(server, "broken", content).status for content in (b"", b"{", b"{} {}", b'{"a": NaN}')] == [400] * 4
