"""Every tool, as the official client sees and uses it, in the current revision of the protocol and in those with a handshake."""

import asyncio
import json
from base64 import b64encode
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcp_types import BlobResourceContents, EmbeddedResource, ImageContent, TextContent

from postroom.client import Client
from postroom.mcp.words import INSTRUCTIONS
from tests.mcp.clients import MODES, Agent, Mode, text_of
from tests.mcp.conftest import Team

Json = dict[str, Any]

READING = {"list_peers", "get_workspace_info", "check_task_status", "inbox_peek", "chat_history"}
WRITING = {
    *("delegate_task", "delegate_task_async", "cancel_task", "wait_for_message", "inbox_pop", "reply", "report_progress"),
    "send_message_to_user",
}

pytestmark = pytest.mark.parametrize("mode", MODES)


async def answer_next(agent: Agent, text: str) -> Json:
    message = await agent.take()
    await agent.use("reply", message_id=message["message_id"], text=text)
    return message


async def test_the_table_says_what_each_tool_takes_gives_and_does(team: Team, mode: Mode) -> None:
    async with team.lead.connect(mode) as lead:
        tools = {tool.name: tool for tool in (await lead.client.list_tools()).tools}
        assert lead.client.instructions == INSTRUCTIONS
    assert tools.keys() == READING | WRITING
    for name, tool in tools.items():
        assert tool.description and tool.annotations is not None and tool.output_schema is not None
        assert tool.annotations.read_only_hint is (name in READING)
        assert tool.annotations.destructive_hint is (name in {"cancel_task", "inbox_pop"})
        Draft202012Validator.check_schema(tool.input_schema)
        Draft202012Validator.check_schema(tool.output_schema)
        assert tool.input_schema["additionalProperties"] is False


async def test_peers_are_exactly_those_that_the_tree_allows(team: Team, mode: Mode) -> None:
    async with team.coder.connect(mode) as coder, team.outside.connect(mode) as outside:
        seen = {peer["id"] for peer in (await coder.use("list_peers"))["peers"]}
        assert seen == {team.house, team.lead.workspace, team.tester.workspace}
        assert {peer["id"] for peer in json.loads(await coder.read("postroom://peers"))} == seen
        assert team.coder.workspace not in {peer["id"] for peer in (await outside.use("list_peers"))["peers"]}
        assert (await coder.use("list_peers", query="TEST"))["peers"][0]["name"] == "Tester"
        assert (await coder.use("list_peers", query="nobody"))["peers"] == []


async def test_an_agent_learns_who_it_is(team: Team, mode: Mode) -> None:
    async with team.coder.connect(mode) as coder:
        found = await coder.use("get_workspace_info")
        assert (found["id"], found["name"], found["parent_id"]) == (team.coder.workspace, "Coder", team.lead.workspace)
        assert json.loads(await coder.read("postroom://card")) is None
        assert {resource.uri for resource in (await coder.client.list_resources()).resources} == {
            *("postroom://peers", "postroom://card", "postroom://delegations/open")
        }


async def test_a_task_is_delegated_answered_and_read(team: Team, mode: Mode) -> None:
    told: list[str] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        assert 0 <= progress <= 30 and total == 30
        told.append(message or "")

    async with team.lead.connect(mode) as lead, team.coder.connect(mode) as coder, asyncio.TaskGroup() as tasks:
        arguments = {"workspace_id": "coder", "task": "build it", "timeout_seconds": 30}
        asked = tasks.create_task(lead.client.call_tool("delegate_task", arguments, progress_callback=hear))
        message = await coder.take()
        assert message["sender"] == {"kind": "workspace", "id": team.lead.workspace, "name": "Lead"} and message["text"] == "build it"
        assert message["held"] is True
        noted = await coder.use("report_progress", message_id=message["message_id"], text="half way")
        assert noted["cancel_requested"] is False
        await coder.use("reply", message_id=message["message_id"], text="built")
        task: Json = (await asked).structured_content
        assert (task["status"], task["result"]["text"], task["target"]["name"]) == ("completed", "built", "Coder")
        assert (await lead.use("check_task_status", task_id=task["task_id"]))["tasks"] == [task]
    assert told[0].partition(":")[0] in ("accepted", "handed")


async def test_a_task_goes_on_when_the_wait_ends_first(team: Team, mode: Mode) -> None:
    async with team.lead.connect(mode) as lead, team.coder.connect(mode) as coder:
        task = await lead.use("delegate_task", workspace_id=team.coder.workspace, task="slow", timeout_seconds=0.2)
        assert task["status"] == "accepted" and "result" not in task
        assert [one["task_id"] for one in (await lead.use("check_task_status"))["tasks"]] == [task["task_id"]]
        assert [one["task_id"] for one in json.loads(await lead.read("postroom://delegations/open"))] == [task["task_id"]]
        await answer_next(coder, "at last")
        (found,) = (await lead.use("check_task_status", task_id=task["task_id"], timeout_seconds=20))["tasks"]
        assert found["result"]["text"] == "at last"
        assert (await lead.use("check_task_status"))["tasks"] == []


async def test_the_end_of_an_asynchronous_task_comes_as_post(team: Team, mode: Mode) -> None:
    async with team.lead.connect(mode) as lead, team.coder.connect(mode) as coder:
        task = await lead.use("delegate_task_async", workspace_id="Coder", task="later", idempotency_key="k")
        again = await lead.use("delegate_task_async", workspace_id="Coder", task="later", idempotency_key="k")
        assert again["task_id"] == task["task_id"]
        await answer_next(coder, "here it is")
        report = await lead.take()
        assert report["report"] == {"task_id": task["task_id"], "status": "completed"} and report["text"] == "here it is"
        assert report["sender"]["id"] == team.coder.workspace
        assert (await lead.use("inbox_pop", message_id=report["message_id"]))["status"] == "ended"
    assert await team.unfinished(team.lead) == 0


async def test_a_task_is_cancelled_before_and_while_somebody_works_on_it(team: Team, mode: Mode) -> None:
    async with team.lead.connect(mode) as lead, team.coder.connect(mode) as coder:
        waiting = await lead.use("delegate_task", workspace_id="Coder", task="never", timeout_seconds=0)
        assert (await lead.use("cancel_task", task_id=waiting["task_id"]))["status"] == "cancelled"
        begun = await lead.use("delegate_task", workspace_id="Coder", task="stop me", timeout_seconds=0)
        message = await coder.take()
        assert (await lead.use("cancel_task", task_id=begun["task_id"]))["cancel_requested"] is True
        assert (await coder.use("report_progress", message_id=message["message_id"], text="on it"))["cancel_requested"] is True
        assert (await coder.use("inbox_pop", message_id=message["message_id"]))["status"] == "ended"
        (ended,) = (await lead.use("check_task_status", task_id=begun["task_id"]))["tasks"]
        assert ended["status"] == "cancelled"
        assert (await lead.use("cancel_task", task_id=begun["task_id"]))["status"] == "cancelled"


async def test_reply_and_pop_are_sane_in_both_orders(team: Team, mode: Mode) -> None:
    first, second = await team.send(team.coder, "one"), await team.send(team.coder, "two")
    async with team.coder.connect(mode) as coder:
        peeked = (await coder.use("inbox_peek"))["messages"]
        assert [(one["message_id"], one["held"]) for one in peeked] == [(first, False), (second, False)]
        assert (await coder.take())["message_id"] == first
        assert [one["held"] for one in (await coder.use("inbox_peek"))["messages"]] == [True, False]
        assert (await coder.refusal("inbox_pop", message_id=first))["code"] == "not_answered"
        assert (await coder.use("reply", message_id=first, text="done"))["status"] == "answered"
        assert (await coder.use("reply", message_id=first, text="done"))["status"] == "answered"
        assert (await coder.use("inbox_pop", message_id=first))["status"] == "ended"
        assert (await coder.refusal("reply", message_id=first, text="more"))["code"] == "superseded"
        assert (await coder.refusal("inbox_pop", message_id=second))["code"] == "not_held"
        assert (await coder.take())["message_id"] == second
        assert (await coder.use("inbox_pop", message_id=second, if_unanswered="give_back"))["status"] == "given_back"
        assert (await coder.take())["attempt"] == 1
        assert (await coder.use("inbox_pop", message_id=second, if_unanswered="end"))["status"] == "ended"
    assert [await team.state(team.coder, message) for message in (first, second)] == ["replied", "replied"]


@pytest.mark.parametrize(("outcome", "state"), [("failed", "failed"), ("input_required", "input_required")])
async def test_an_answer_may_fail_or_ask_back(team: Team, mode: Mode, outcome: str, state: str) -> None:
    async with team.lead.connect(mode) as lead, team.coder.connect(mode) as coder:
        task = await lead.use("delegate_task", workspace_id="Coder", task="do", timeout_seconds=0)
        message = await coder.take()
        await coder.use("reply", message_id=message["message_id"], text="which one?", outcome=outcome)
        result = await lead.call("check_task_status", task_id=task["task_id"])
        (found,) = result.structured_content["tasks"]
        assert found["status"] == state and "| which one?" in text_of(result)


async def test_waiting_tells_what_is_held_besides(team: Team, mode: Mode) -> None:
    message = await team.send(team.coder)
    async with team.coder.connect(mode) as coder:
        assert (await coder.use("wait_for_message", timeout_seconds=20))["held"] == []
        result = await coder.call("wait_for_message", timeout_seconds=0)
        assert result.structured_content == {"held": [message]} and message in text_of(result)


async def test_people_are_told_and_the_history_has_it_all(team: Team, mode: Mode) -> None:
    message = await team.send(team.coder, "good morning")
    async with team.coder.connect(mode) as coder:
        await answer_next(coder, "good day")
        told = await coder.use("send_message_to_user", text="by the way", idempotency_key="t")
        assert (await coder.use("send_message_to_user", text="by the way", idempotency_key="t")) == told
        page = await coder.use("chat_history", limit=2)
        assert [line["text"] for line in page["lines"]] == ["good day", "by the way"]
        earlier = await coder.use("chat_history", limit=2, before=page["next"])
        assert [(line["text"], line["id"], line["sender"]["kind"]) for line in earlier["lines"]] == [("good morning", message, "operator")]
        assert "next" not in earlier


async def test_files_come_whole_with_what_they_belong_to(team: Team, mode: Mode) -> None:
    """As blocks of their own where they are small, by name and size where they are not; none is ever cut."""
    small, large = b64encode(b"\x89PNG small").decode(), b64encode(bytes(2 * 1024 * 1024)).decode()
    parts: list[Json] = [
        {"text": "look"},
        {"raw": small, "mediaType": "image/png", "filename": "shot.png"},
        {"raw": small, "mediaType": "text/plain", "filename": "a b.txt"},
        {"raw": large, "filename": "huge.bin"},
        {"url": "https://example.org/f", "filename": "f"},
        {"data": {"answer": 42}},
    ]
    async with Client(team.coder.url, team.coder.token) as agent, team.lead.connect(mode) as lead:
        task = await lead.use("delegate_task_async", workspace_id="Coder", task="show me")
        (item,) = await agent.claim(team.coder.workspace, wait=20)
        await agent.reply(item, parts=parts)
        for tool, arguments in (("check_task_status", {"task_id": task["task_id"]}), ("wait_for_message", {"timeout_seconds": 20})):
            result = await lead.call(tool, **arguments)
            text, image, resource = result.content
            assert isinstance(image, ImageContent) and (image.data, image.mime_type) == (small, "image/png")
            assert isinstance(resource, EmbeddedResource) and isinstance(resource.resource, BlobResourceContents)
            assert resource.resource.blob == small and resource.resource.uri == "postroom://files/a%20b.txt"
            assert isinstance(text, TextContent) and "| [file huge.bin, unknown type, 2097152 bytes, too large to come along]" in text.text
            assert "at https://example.org/f]" in text.text and '{"answer":42}' in json.dumps(
                result.structured_content, separators=(",", ":")
            )
            assert small not in json.dumps(result.structured_content)


async def test_long_texts_are_cut_in_a_look_and_whole_when_they_are_handed_out(team: Team, mode: Mode) -> None:
    text = "long " * 1000
    await team.send(team.coder, text)
    async with team.coder.connect(mode) as coder:
        (seen,) = (await coder.use("inbox_peek"))["messages"]
        assert (seen["text"], seen["left_out"]) == (text[:2000], 3000)
        assert "(3000 more characters are not shown here.)" in text_of(await coder.call("inbox_peek"))
        taken = await coder.take()
        assert taken["text"] == text
        (held,) = (await coder.use("inbox_peek"))["messages"]
        assert (held["text"], held["left_out"]) == (text, 0)
        page = await coder.use("chat_history")
        assert page["lines"][0]["left_out"] == 3000
        (whole,) = (await coder.use("chat_history", limit=1, before=page["lines"][0]["seq"] + 1))["lines"]
        assert whole["text"] == text
