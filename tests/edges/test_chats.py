"""Chats over HTTP: what the page is told of them, and of what it may ask."""

from uuid import UUID

import pytest

from tests.edges.conversing import Agent, make_agent, sending
from tests.support.http import ask
from tests.support.server import ServerProcess


@pytest.fixture
def agent(server: ServerProcess) -> Agent:
    return make_agent(server)


def test_a_chat_is_shown_with_its_last_message_and_what_is_new(agent: Agent) -> None:
    assert agent.chat() == {"workspace_id": agent.id, "unread": 0, "read_seq": 0, "last_message": None}
    sent = agent.send("good morning")
    last = agent.chat()["last_message"]
    assert (last["id"], last["seq"], last["role"], last["preview"], last["state"]) == (sent, 1, "user", "good morning", "accepted")
    assert last["sender"]["kind"] == "operator" and last["timestamp"].endswith("Z")
    agent.own("POST", "/workspaces/{id}/notify", {"message": "by the way"})
    assert (agent.chat()["unread"], agent.chat()["last_message"]["preview"]) == (1, "by the way")
    assert agent.people("PUT", "/workspaces/{id}/read", {"seq": 2}).body == {"read_seq": 2, "unread": 0}
    assert agent.people("PUT", "/workspaces/{id}/read", {"seq": 1}).body == {"read_seq": 2, "unread": 0}
    assert (agent.chat()["unread"], agent.chat()["read_seq"]) == (0, 2)


def test_a_line_shows_how_far_its_message_is(agent: Agent) -> None:
    sent = agent.send("work")
    [item] = agent.own("POST", "/workspaces/{id}/inbox/claim", {"wait": 5}).body["items"]
    told = {"token": item["token"], "text": "half", "status": "on it"}
    assert agent.own("POST", f"/workspaces/{{id}}/inbox/{sent}/progress", told).status == 200
    [line] = agent.history()["messages"]
    assert (line["state"], line["attempt"], line["cancel_requested"], line["ended_at"]) == ("handed", 1, False, None)
    assert line["handed_at"].endswith("Z") and line["progress"].pop("at").endswith("Z")
    assert line["progress"] == {"text": "half", "parts": [{"text": "half"}], "status": "on it"}
    assert agent.own("POST", f"/workspaces/{{id}}/inbox/{sent}/reply", {"token": item["token"], "text": "whole"}).status == 200
    asked, answered = agent.history()["messages"]
    assert asked["ended_at"].endswith("Z") and asked["progress"] is None
    assert (answered["state"], answered["attempt"], answered["ended_at"]) == (None, None, None)


def test_a_sender_knows_its_message_again(agent: Agent) -> None:
    said = sending("once")
    sent = agent.people("POST", "/workspaces/{id}/a2a", said).headers["x-postroom-message-id"]
    [line] = agent.history()["messages"]
    assert (line["id"], line["sent_as"]) == (sent, said["params"]["message"]["messageId"])


def test_a_conversation_is_narrowed_searched_and_opened_at_a_place(agent: Agent) -> None:
    for text in ("Alpha", "beta", "ALPHABET", "gamma"):
        agent.send(text)
    agent.own("POST", "/workspaces/{id}/notify", {"message": "noted"})
    assert [line["seq"] for line in agent.history("with=people&q=alpha")["messages"]] == [1, 3]
    assert agent.history("with=agents") == {"messages": [], "reached_end": True, "next": None}
    page = agent.history("q=alpha&limit=1")
    assert ([line["seq"] for line in page["messages"]], page["next"], page["reached_end"]) == ([3], "3", False)
    page = agent.history("around=3&limit=3")
    assert ([line["seq"] for line in page["messages"]], page["next"], page["reached_end"]) == ([2, 3, 4], "2", False)


def test_traffic_is_told_both_ways_and_goes_on_from_a_message(server: ServerProcess) -> None:
    lead, clerk = make_agent(server), make_agent(server)
    asked = lead.own("POST", "/workspaces/{id}/delegate", {"target_id": clerk.id, "parts": [{"text": "count"}, {"raw": "aGk="}]}).body
    [item] = clerk.own("POST", "/workspaces/{id}/inbox/claim", {"wait": 5}).body["items"]
    clerk.own("POST", f"/workspaces/{{id}}/inbox/{item['message_id']}/reply", {"token": item["token"], "text": "42"})
    page = lead.history("with=agents&inline=false")
    sent, post = page["messages"]
    assert (sent["id"], sent["sender"]["id"], sent["receiver"]["id"]) == (asked["delegation_id"], lead.id, clerk.id)
    assert (sent["state"], sent["report"], sent["answer"]) == ("replied", None, None)
    assert lead.own("GET", sent["attachments"][0]["url"]).content == b"hi"
    assert (post["content"], post["report"]) == ("42", {"delegation_id": sent["id"], "status": "completed"})
    assert lead.history(f"with=agents&after={sent['id']}")["messages"] == [post]
    newest = lead.history("with=agents&limit=1")
    assert (newest["messages"], newest["next"], newest["reached_end"]) == ([post], post["id"], False)
    assert lead.history(f"with=agents&before={newest['next']}&inline=false")["messages"] == [sent]
    assert lead.people("GET", f"/workspaces/{{id}}/chat-history?with=agents&before={UUID(int=0)}").status == 404


def test_threads_are_listed_a_page_at_a_time(agent: Agent) -> None:
    for text in ("one", "two"):
        agent.send(text)
    page = agent.people("GET", "/workspaces/{id}/threads?limit=1").body
    [newest] = page["threads"]
    assert (newest["begins"], newest["messages"], newest["last_message"]["preview"], page["next"]) == ("two", 1, "two", "2")
    page = agent.people("GET", f"/workspaces/{{id}}/threads?before={page['next']}").body
    assert ([thread["begins"] for thread in page["threads"]], page["next"]) == (["one"], None)


@pytest.mark.parametrize(
    "query",
    [
        "with=everybody",
        "q=",
        f"q={'x' * 201}",
        "around=-1",
        "around=1&before=2",
        "around=1&q=x",
        "with=agents&before=1",
        f"with=people&after={UUID(int=0)}",
    ],
)
def test_what_can_not_be_asked_is_said(agent: Agent, query: str) -> None:
    answer = agent.people("GET", f"/workspaces/{{id}}/chat-history?{query}")
    assert (answer.status, answer.code) == (422, "invalid")


def test_types_of_the_page_are_described(server: ServerProcess) -> None:
    """The page's types are made from this description: what is known has a name."""
    schemas = ask(server.url, "GET", "/openapi.json", token=server.operator_token).body["components"]["schemas"]
    line = schemas["EntryShape"]["properties"]
    assert line["role"]["enum"] == ["user", "agent", "system"]
    assert {"$ref": "#/components/schemas/ProgressShape"} in line["progress"]["anyOf"]
    assert {"$ref": "#/components/schemas/State"} in line["state"]["anyOf"]
    assert line["parts"]["items"] == {"$ref": "#/components/schemas/Part"}
    assert not [name for name in schemas if name.startswith("postroom__")]
