"""Workspaces and the registry over HTTP, through a real server: the contract's rules, and lessons.md L20 to L22."""

import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.http import Answer, ask
from tests.support.server import ServerProcess

Json = dict[str, Any]
CARD = {"name": "Card", "url": "http://agent.internal:1", "skills": [{"id": "s", "name": "Summaries", "tags": ["text"]}]}


@dataclass
class Person:
    """Somebody with a token."""

    url: str
    token: str
    id: str = ""

    def ask(self, method: str, path: str, body: Any = None, *, headers: Json | None = None) -> Answer:
        return ask(self.url, method, path, token=self.token, body=body, headers=headers)

    def make(self, name: str, **fields: Any) -> "Person":
        answer = self.ask("POST", "/workspaces", {"name": name, **fields})
        assert answer.status == 201, answer.content
        return Person(self.url, answer.body["token"], answer.body["id"])


@pytest.fixture
def boss(server: ServerProcess) -> Person:
    return Person(server.url, server.operator_token)


@dataclass
class Family:
    """A root with two children, one of which has a child; and a root apart, with a child that is nobody's peer."""

    root: Person
    left: Person
    right: Person
    grandchild: Person
    stranger: Person
    cousin: Person


@pytest.fixture
def family(boss: Person) -> Family:
    root = boss.make("root")
    left, right = boss.make("left", parent_id=root.id), boss.make("right", parent_id=root.id)
    stranger = boss.make("stranger")
    grandchild, cousin = boss.make("grandchild", parent_id=left.id), boss.make("cousin", parent_id=stranger.id)
    return Family(root, left, right, grandchild, stranger, cousin)


def test_a_workspace_is_made_and_its_token_shown_once(boss: Person) -> None:
    made = boss.ask("POST", "/workspaces", {"name": " Ada ", "role": "thinks", "metadata": {"a": [1]}, "unknown": "ignored"})
    assert made.status == 201
    assert made.body["name"] == "Ada"
    assert (made.body["status"], made.body["delivery_mode"], made.body["max_concurrent"]) == ("offline", "poll", 1)
    seen = boss.ask("GET", f"/workspaces/{made.body['id']}")
    assert seen.body == {name: value for name, value in made.body.items() if name != "token"}
    assert made.body["token"].encode() not in boss.ask("GET", "/workspaces").content
    assert Person(boss.url, made.body["token"]).ask("GET", "/session").body["id"] == made.body["id"]


def test_times_are_rfc_3339_with_milliseconds(boss: Person) -> None:
    made = boss.ask("POST", "/workspaces", {"name": "timely"}).body
    stamp = made["created_at"]
    assert len(stamp) == len("2026-01-01T00:00:00.000Z")
    assert stamp.endswith("Z")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": None},
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 256},
        {"role": "x" * 1001},
        {"parent_id": "nobody"},
        {"parent_id": "0192f3a0-0000-7000-8000-00000000dead"},
        {"delivery_mode": "pull"},
        {"max_concurrent": 0},
        {"max_concurrent": 65},
        {"max_concurrent": True},
        {"max_concurrent": "2"},
        {"max_concurrent": 1.5},
        {"url": ""},
        {"url": "not a url"},
        {"url": "http://192.168.0.1/"},
        {"url": "http://169.254.169.254/latest"},
        {"url": "file:///etc/passwd"},
        {"url": "http://x/" + "y" * 2000},
        {"agent_card": []},
        {"metadata": "x"},
    ],
    ids=lambda wrong: str(wrong)[:40],
)
def test_what_is_not_allowed_is_422_and_makes_nothing(boss: Person, wrong: Json) -> None:
    before = len(boss.ask("GET", "/workspaces").body)
    assert boss.ask("POST", "/workspaces", {"name": "wrong", **wrong}).status == 422
    assert len(boss.ask("GET", "/workspaces").body) == before


@pytest.mark.parametrize(
    "fine", [{"name": "x" * 255}, {"name": "日本 🚀 العربية"}, {"role": "x" * 1000}, {"max_concurrent": 64}, {"role": None}]
)
def test_the_limits_themselves_are_allowed(boss: Person, fine: Json) -> None:
    assert boss.ask("POST", "/workspaces", {"name": "fine", **fine}).status == 201


def test_a_workspace_sees_its_peers_and_nobody_else(family: Family) -> None:
    seen = {row["name"] for row in family.left.ask("GET", "/workspaces").body}
    assert {"left", "right", "root", "grandchild"} <= seen
    assert family.left.ask("GET", f"/workspaces/{family.right.id}").status == 200
    for hidden in (family.cousin.id, family.stranger.id, str(uuid.uuid4()), "nonsense"):
        assert family.left.ask("GET", f"/workspaces/{hidden}").status == 404
    assert family.right.ask("GET", f"/workspaces/{family.grandchild.id}").status == 404


def test_hidden_and_missing_look_the_same(family: Family) -> None:
    hidden = family.left.ask("GET", f"/workspaces/{family.cousin.id}", headers={"X-Request-ID": "same"})
    missing = family.left.ask("GET", f"/workspaces/{uuid.uuid4()}", headers={"X-Request-ID": "same"})
    assert (hidden.status, hidden.content) == (missing.status, missing.content)


def test_peers_are_shown_without_what_is_their_own(boss: Person, family: Family) -> None:
    boss.ask("PATCH", f"/workspaces/{family.right.id}", {"metadata": {"secret": "s"}})
    assert family.right.ask("POST", "/registry/update-card", {"workspace_id": family.right.id, "agent_card": CARD}).status == 200
    shown = family.left.ask("GET", f"/workspaces/{family.right.id}").body
    assert set(shown) == {"id", "name", "role", "status", "skills", "card", "parent_id", "active_tasks"}
    assert shown["skills"] == CARD["skills"]
    assert "url" not in shown["card"]
    own = family.right.ask("GET", f"/workspaces/{family.right.id}").body
    assert (own["metadata"], own["agent_card"]) == ({"secret": "s"}, CARD)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "", {"name": "mine"}),
        ("PATCH", "/{id}", {"name": "greater"}),
        ("PATCH", "/{id}", {"parent_id": None}),
        ("PATCH", "/{id}", {"max_concurrent": 64}),
        ("PATCH", "/{id}", {"agent_card": {}, "url": "http://8.8.8.8/"}),
        ("DELETE", "/{id}?confirm=true", None),
        ("POST", "/{id}/pause", None),
        ("POST", "/{id}/resume", None),
        ("GET", "/{id}/tokens", None),
        ("POST", "/{id}/tokens", {}),
        ("DELETE", "/{id}/tokens/0192f3a0-0000-7000-8000-000000000001", None),
    ],
)
def test_a_workspaces_own_token_widens_nothing(boss: Person, family: Family, method: str, path: str, body: Any) -> None:
    before = boss.ask("GET", f"/workspaces/{family.left.id}").body
    for target in (family.left, family.right):
        answer = family.left.ask(method, "/workspaces" + path.format(id=target.id), body)
        assert (answer.status, answer.code) == (403, "forbidden")
    if "{id}" in path:
        assert family.left.ask(method, "/workspaces" + path.format(id=family.cousin.id), body).status == 404
    assert boss.ask("GET", f"/workspaces/{family.left.id}").body == before


@pytest.mark.parametrize(("method", "path"), [("GET", "/sessions"), ("POST", "/login-link"), ("GET", "/metrics")])
def test_the_operators_calls_are_not_a_workspaces(family: Family, method: str, path: str) -> None:
    assert family.left.ask(method, path).status == 403


def test_a_change_is_all_or_nothing(boss: Person, family: Family) -> None:
    before = boss.ask("GET", f"/workspaces/{family.left.id}").body
    for wrong in ({"role": "x" * 1001}, {"parent_id": str(uuid.uuid4())}, {"parent_id": family.grandchild.id}, {"url": "http://10.0.0.1/"}):
        assert boss.ask("PATCH", f"/workspaces/{family.left.id}", {"name": "half", **wrong}).status == 422, wrong
    assert boss.ask("GET", f"/workspaces/{family.left.id}").body == before
    fields = {"name": "new", "role": "r", "x": 1.5, "y": -2, "collapsed": True, "max_concurrent": 3, "parent_id": None}
    changed = boss.ask("PATCH", f"/workspaces/{family.left.id}", fields)
    assert changed.status == 200
    assert {name: changed.body[name] for name in fields} == fields


@pytest.mark.parametrize(
    "wrong", [{"name": None}, {"delivery_mode": None}, {"x": "1"}, {"x": None}, {"collapsed": 1}, {"max_concurrent": None}]
)
def test_a_change_refuses_unknown_values(boss: Person, wrong: Json) -> None:
    made = boss.make("unchanged")
    assert boss.ask("PATCH", f"/workspaces/{made.id}", wrong).status == 422


def test_a_tree_has_no_cycle(boss: Person, family: Family) -> None:
    for parent in (family.root.id, family.left.id, family.grandchild.id):
        answer = boss.ask("PATCH", f"/workspaces/{family.root.id}", {"parent_id": parent})
        assert (answer.status, answer.code) == (422, "tree_cycle")


def test_removing_a_parent_wants_to_be_confirmed(boss: Person, family: Family) -> None:
    asked = boss.ask("DELETE", f"/workspaces/{family.left.id}")
    assert (asked.status, asked.code) == (409, "has_children")
    assert asked.body["children"] == [{"id": family.grandchild.id, "name": "grandchild"}]
    removed = boss.ask("DELETE", f"/workspaces/{family.left.id}?confirm=true")
    assert removed.status == 200
    assert set(removed.body["removed"]) == {family.left.id, family.grandchild.id}
    for gone in (family.left, family.grandchild):
        assert boss.ask("GET", f"/workspaces/{gone.id}").status == 410
        assert boss.ask("DELETE", f"/workspaces/{gone.id}").status == 410
        assert gone.ask("GET", "/workspaces").status == 410
    shown = boss.ask("GET", f"/workspaces/{family.left.id}?include_removed=true")
    assert (shown.status, shown.body["status"]) == (200, "removed")
    listed = {row["id"]: row["status"] for row in boss.ask("GET", "/workspaces?include_removed=true").body}
    assert listed[family.grandchild.id] == "removed"
    assert family.right.ask("GET", f"/workspaces/{family.left.id}?include_removed=true").status == 410


def test_a_mailbox_is_paused_and_goes_on(boss: Person) -> None:
    made = boss.make("paused")
    assert boss.ask("POST", f"/workspaces/{made.id}/pause").body["status"] == "paused"
    assert boss.ask("POST", f"/workspaces/{made.id}/resume").body["status"] == "offline"


def test_tokens_are_listed_by_prefix_and_die_at_once(boss: Person) -> None:
    made = boss.make("tokens")
    second = boss.ask("POST", f"/workspaces/{made.id}/tokens", {"label": "laptop"})
    assert second.status == 201
    rows = boss.ask("GET", f"/workspaces/{made.id}/tokens").body
    assert [row["label"] for row in rows] == ["first", "laptop"]
    assert second.body["token"].startswith(rows[1]["prefix"])
    assert all("token" not in row for row in rows)
    holder = Person(boss.url, second.body["token"])
    assert holder.ask("GET", "/session").status == 200
    assert boss.ask("DELETE", f"/workspaces/{made.id}/tokens/{rows[1]['id']}").status == 204
    assert holder.ask("GET", "/session").status == 401
    assert boss.ask("DELETE", f"/workspaces/{made.id}/tokens/{rows[1]['id']}").status == 404
    other = boss.make("other tokens")
    assert boss.ask("DELETE", f"/workspaces/{other.id}/tokens/{rows[0]['id']}").status == 404


def test_a_workspace_has_at_most_fifty_tokens(boss: Person) -> None:
    made = boss.make("many")
    statuses = [boss.ask("POST", f"/workspaces/{made.id}/tokens").status for _ in range(50)]
    assert statuses == [201] * 49 + [422]


def test_registering_is_for_ones_own_workspace(boss: Person, family: Family) -> None:
    before = len(boss.ask("GET", "/workspaces").body)
    for id, status in ((family.right.id, 403), (family.cousin.id, 404), (str(uuid.uuid4()), 404)):
        assert family.left.ask("POST", "/registry/register", {"id": id, "agent_card": CARD}).status == status
    assert boss.ask("POST", "/registry/register", {"id": family.left.id, "agent_card": CARD}).status == 403
    assert len(boss.ask("GET", "/workspaces").body) == before
    assert boss.ask("GET", f"/workspaces/{family.right.id}").body["agent_card"] is None


def test_registering_stores_the_card_and_is_online(boss: Person) -> None:
    made = boss.make("registered")
    answer = made.ask("POST", "/registry/register", {"id": made.id, "agent_card": CARD})
    assert answer.status == 200
    assert (answer.body["status"], answer.body["delivery_mode"], answer.body["agent_card"]) == ("online", "poll", CARD)
    called = made.ask(
        "POST", "/registry/register", {"id": made.id, "agent_card": CARD, "url": "http://127.0.0.1:45454/", "delivery_mode": "push"}
    )
    assert (called.body["delivery_mode"], called.body["url"]) == ("push", "http://127.0.0.1:45454/")
    assert made.ask("POST", "/registry/register", {"id": made.id, "agent_card": CARD}).body["delivery_mode"] == "push"
    assert made.ask("POST", "/registry/register", {"id": made.id, "agent_card": CARD, "url": "http://10.1.1.1/"}).status == 422


def test_a_heartbeat_says_how_it_goes(boss: Person) -> None:
    made = boss.make("beating")
    for rate, status in ((0.0, "online"), (0.5, "degraded"), (0.2, "degraded"), (0.05, "online")):
        beat = {"workspace_id": made.id, "active_tasks": 2, "error_rate": rate, "sample_error": "e", "uptime_seconds": 5}
        answer = made.ask("POST", "/registry/heartbeat", beat)
        assert (answer.status, answer.body) == (200, {"status": status, "queue_depth": 0, "cancel": []})
    shown = boss.ask("GET", f"/workspaces/{made.id}").body
    assert (shown["active_tasks"], shown["sample_error"]) == (2, "e")
    assert shown["last_heartbeat"].endswith("Z")


@pytest.mark.parametrize(
    "wrong", [{"error_rate": 1.1}, {"error_rate": -0.1}, {"active_tasks": -1}, {"active_tasks": 2**31}, {"uptime_seconds": "1"}]
)
def test_a_heartbeat_refuses_unknown_values(boss: Person, wrong: Json) -> None:
    made = boss.make("misbeating")
    assert made.ask("POST", "/registry/heartbeat", {"workspace_id": made.id, **wrong}).status == 422


def test_peers_are_found_by_what_they_can(boss: Person, family: Family) -> None:
    family.right.ask("POST", "/registry/update-card", {"workspace_id": family.right.id, "agent_card": CARD})
    everybody = {row["name"] for row in family.left.ask("GET", f"/registry/{family.left.id}/peers").body}
    assert everybody == {"root", "right", "grandchild"}
    for query in ("summar", "TEXT", "Right"):
        found = family.left.ask("GET", f"/registry/{family.left.id}/peers?q={query}").body
        assert [row["name"] for row in found] == ["right"], query
    assert {row["name"] for row in boss.ask("GET", f"/registry/{family.left.id}/peers").body} == everybody
    assert family.left.ask("GET", f"/registry/{family.right.id}/peers").status == 403
    assert family.left.ask("GET", f"/registry/{family.cousin.id}/peers").status == 404


def test_discovery_keeps_to_the_tree(family: Family) -> None:
    assert family.left.ask("GET", f"/registry/discover/{family.right.id}").body["name"] == "right"
    assert family.left.ask("GET", f"/registry/discover/{family.cousin.id}").status == 404


def test_access_is_told_for_oneself(boss: Person, family: Family) -> None:
    def allowed(asking: Person, caller: Person, target: Person) -> Any:
        answer = asking.ask("POST", "/registry/check-access", {"caller_id": caller.id, "target_id": target.id})
        return answer.body["allowed"] if answer.status == 200 else answer.status

    assert allowed(boss, family.left, family.right) is True
    assert allowed(boss, family.right, family.grandchild) is False
    assert allowed(boss, family.root, family.stranger) is True
    assert allowed(family.left, family.left, family.cousin) is False
    assert allowed(family.left, family.right, family.root) == 403


def test_a_notice_is_in_the_history_and_the_feed(boss: Person) -> None:
    made = boss.make("notifying")
    for number in range(3):
        assert made.ask("POST", f"/workspaces/{made.id}/notify", {"message": f"news {number}"}).status == 201
    page = boss.ask("GET", f"/workspaces/{made.id}/chat-history?limit=2").body
    assert [entry["content"] for entry in page["messages"]] == ["news 1", "news 2"]
    assert page["reached_end"] is False
    rest = boss.ask("GET", f"/workspaces/{made.id}/chat-history?limit=2&before={page['next']}").body
    assert [entry["content"] for entry in rest["messages"]] == ["news 0"]
    assert (rest["reached_end"], rest["next"]) == (True, None)
    entry = rest["messages"][0]
    assert (entry["role"], entry["sender"]["id"], entry["parts"], entry["attachments"]) == ("agent", made.id, [{"text": "news 0"}], [])
    assert made.ask("GET", f"/workspaces/{made.id}/chat-history").status == 200


def test_a_notice_is_its_own_agents(boss: Person, family: Family) -> None:
    assert boss.ask("POST", f"/workspaces/{family.left.id}/notify", {"message": "x"}).status == 403
    assert family.left.ask("POST", f"/workspaces/{family.right.id}/notify", {"message": "x"}).status == 403
    assert family.left.ask("POST", f"/workspaces/{family.cousin.id}/notify", {"message": "x"}).status == 404
    for wrong in ({"message": ""}, {}, {"message": "x", "attachments": "y"}):
        assert family.left.ask("POST", f"/workspaces/{family.left.id}/notify", wrong).status == 422
    assert family.left.ask("POST", f"/workspaces/{family.left.id}/notify", {"message": "x", "attachments": [{}]}).status == 400


def test_a_peers_conversation_and_feed_are_not_the_callers(family: Family) -> None:
    for call in ("chat-history", "activity"):
        assert family.left.ask("GET", f"/workspaces/{family.right.id}/{call}").status == 403
        assert family.left.ask("GET", f"/workspaces/{family.cousin.id}/{call}").status == 404


def test_activity_goes_on_after_a_cursor(boss: Person) -> None:
    made = boss.make("active")
    made.ask("POST", f"/workspaces/{made.id}/notify", {"message": "one"})
    rows = boss.ask("GET", f"/workspaces/{made.id}/activity").body
    assert [row["event"] for row in rows] == ["workspace.created", "notice.posted"]
    assert all(row["id"] == row["cursor"] for row in rows)
    assert rows[1]["actor"] == {"kind": "workspace", "id": made.id}
    after = boss.ask("GET", f"/workspaces/{made.id}/activity?since_id={rows[0]['cursor']}").body
    assert after == rows[1:]
    assert boss.ask("GET", f"/workspaces/{made.id}/activity?since_id={rows[1]['cursor']}").body == []
    assert [row["event"] for row in boss.ask("GET", f"/workspaces/{made.id}/activity?type=notice").body] == ["notice.posted"]
    assert boss.ask("GET", f"/workspaces/{made.id}/activity?limit=1").body == rows[1:]
    assert boss.ask("GET", f"/workspaces/{made.id}/activity?before_id={rows[1]['cursor']}").body == rows[:1]
    for wrong in ("x", "00000000-1-1", rows[0]["cursor"].replace("-", "-9999999999", 1)):
        for way in ("since_id", "before_id"):
            assert boss.ask("GET", f"/workspaces/{made.id}/activity?{way}={wrong}").status == 400


def test_the_description_names_every_call(boss: Person) -> None:
    paths = boss.ask("GET", "/openapi.json").body["paths"]
    for path in ("/workspaces/{id}/a2a", "/workspaces/{id}/inbox/claim", "/workspaces/{id}/chat-history", "/registry/register", "/session"):
        assert path in paths
    assert paths["/health"]["get"]["security"] == []
    assert all("default" in operation["responses"] for item in paths.values() for operation in item.values())
    assert boss.ask("GET", "/docs").status == 200


def test_metrics_are_numbers(boss: Person) -> None:
    answer = boss.ask("GET", "/metrics")
    assert answer.status == 200
    assert b"postroom_accepted_total" in answer.content
