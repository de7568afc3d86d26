"""``/health/details`` on a real server: what it says of itself holds."""

from datetime import datetime
from typing import Any

from tests.conftest import NewServer
from tests.edges.conversing import make_agent
from tests.support.http import ask
from tests.support.server import ServerProcess, wait_for

Json = dict[str, Any]


def details(server: ServerProcess) -> Json:
    answer = ask(server.url, "GET", "/health/details", token=server.operator_token)
    assert answer.status == 200
    return answer.body


def test_the_server_tells_what_it_is_made_of(new_server: NewServer) -> None:
    server = new_server(poll_seconds="0.2").start()
    told = details(server)
    assert told["ready"] is True and told["version"] == ask(server.url, "GET", "/health").body["version"]
    assert {pool["name"] for pool in told["pools"]} == {"requests", "workers", "reserved", "lanes"}
    assert all(0 <= pool["idle"] <= pool["open"] <= pool["limit"] for pool in told["pools"])
    assert told["database"]["size_bytes"] > 1_000_000 and told["database"]["version"].startswith("1")
    assert 0 < told["disk"]["free_bytes"] <= told["disk"]["total_bytes"]
    [itself] = told["servers"]
    began, announced = datetime.fromisoformat(told["started_at"]), datetime.fromisoformat(itself["started_at"])
    assert abs((announced - began).total_seconds()) < 60
    before = {loop["name"]: loop for loop in told["loops"]}
    assert before.keys() == ask(server.url, "GET", "/health").body["loops"].keys()
    wait_for(lambda: runs(server, "deliver") > before["deliver"]["runs"] + 2, 30, "the loop goes on")


def runs(server: ServerProcess, name: str) -> int:
    [loop] = [loop for loop in details(server)["loops"] if loop["name"] == name]
    assert loop["last_run_at"] is None or loop["last_run_at"].endswith("Z")
    return loop["runs"]


def test_post_and_dead_letters_are_counted(new_server: NewServer) -> None:
    server = new_server(poll_seconds="0.2").start()
    agent = make_agent(server)
    told = details(server)
    assert (told["queues"], told["dead_letters"]) == ({"waiting": 0, "handed": 0, "oldest_waiting_seconds": 0, "mailboxes": []}, 0)
    for text in ("first", "second", "third"):
        agent.send(text)
    [item] = agent.own("POST", "/workspaces/{id}/inbox/claim", {"wait": 5}).body["items"]
    queues = details(server)["queues"]
    assert (queues["waiting"], queues["handed"]) == (2, 1)
    [box] = queues["mailboxes"]
    assert (box["workspace"]["id"], box["waiting"], box["paused"], box["unreachable_until"]) == (agent.id, 2, False, None)
    assert 0 <= box["oldest_seconds"] == queues["oldest_waiting_seconds"]
    agent.own("POST", f"/workspaces/{{id}}/inbox/{item['message_id']}/fail", {"token": item["token"], "error": "no"})
    assert details(server)["dead_letters"] == 1
