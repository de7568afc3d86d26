"""``/delegate`` and ``/delegations`` over HTTP, through the client and beside it."""

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from postroom.client import Client
from postroom.errors import Conflict, Forbidden, NotFound, PostroomError
from tests.conftest import NewServer
from tests.support.server import ServerProcess

Json = dict[str, Any]


@dataclass
class Desk:
    """A workspace with its own client."""

    id: str
    client: Client


@dataclass
class Office:
    """Lead above Clerk and Porter, and a stranger in another tree."""

    lead: Desk
    clerk: Desk
    porter: Desk
    stranger: Desk


@pytest.fixture
async def office(server: ServerProcess, operator: Client) -> AsyncGenerator[Office]:
    async with AsyncExitStack() as stack:

        async def desk(name: str, parent: str | None = None) -> Desk:
            made = await operator.create_workspace(name=name, parent_id=parent, max_concurrent=4)
            return Desk(made["id"], await stack.enter_async_context(Client(server.url, made["token"])))

        lead, other = await desk("Lead"), await desk("Other")
        yield Office(lead, await desk("Clerk", lead.id), await desk("Porter", lead.id), await desk("Stranger", other.id))


async def test_an_answer_with_its_files_is_there_whole(office: Office) -> None:
    lead, clerk = office.lead, office.clerk
    asked = await lead.client.delegate(lead.id, clerk.id, [{"text": "draw"}, {"data": {"size": 3}}])
    assert (asked.status, asked.target_name, asked.row["task"], asked.row["report"]) == ("accepted", "Clerk", "draw", True)
    (item,) = await clerk.client.claim(clerk.id, wait=20)
    assert ([link["name"] for link in item.chain], item.report) == (["Lead"], None)
    await clerk.client.progress(item, "half", status="drawing")
    told = (await lead.client.delegation(lead.id, asked.id)).row["progress"]
    assert (told["text"], told["status"]) == ("half", "drawing")
    picture = {"raw": base64.b64encode(bytes(range(256)) * 400).decode(), "filename": "a.png", "mediaType": "image/png"}
    await clerk.client.reply(item, parts=[{"text": "here"}, picture])
    done = await lead.client.delegation(lead.id, asked.id)
    assert (done.status, done.text, done.parts[1]) == ("completed", "here", picture)
    (post,) = await lead.client.claim(lead.id, wait=20)
    assert post.report == {"delegation_id": asked.id, "status": "completed"}
    assert (post.sender.id, post.message["parts"]) == (clerk.id, [{"text": "here"}, picture])


async def test_the_same_key_is_the_same_delegation_in_header_and_body(office: Office) -> None:
    lead, key = office.lead, str(uuid4())
    body = {"target_id": office.clerk.id, "task": "once"}
    path = f"/workspaces/{lead.id}/delegate"
    first = await lead.client.request("POST", path, json=body | {"idempotency_key": key})
    again = await lead.client.request("POST", path, json=body, headers={"Idempotency-Key": key})
    assert (first.status, first.body["idempotent_hit"], again.status, again.body["idempotent_hit"]) == (202, False, 200, True)
    assert first.body["delegation_id"] == again.body["delegation_id"]
    with pytest.raises(PostroomError) as error:
        await lead.client.request("POST", path, json=body | {"task": "twice"}, headers={"Idempotency-Key": key})
    assert error.value.name == "key_reused"


async def test_who_waits_gets_the_answer_and_no_post(office: Office) -> None:
    lead, clerk = office.lead, office.clerk

    async def work() -> None:
        (item,) = await clerk.client.claim(clerk.id, wait=20)
        await clerk.client.reply(item, "42")

    async with asyncio.TaskGroup() as group:
        group.create_task(work())
        done = await lead.client.delegate(lead.id, clerk.id, "how many", wait=30)
    assert (done.status, done.text) == ("completed", "42")
    assert await lead.client.claim(lead.id, wait=0) == []
    assert await lead.client.delegations(lead.id, open=True) == []


async def test_a_wait_that_ends_first_changes_nothing(office: Office) -> None:
    lead, clerk, key = office.lead, office.clerk, str(uuid4())
    waited = await lead.client.delegate(lead.id, clerk.id, "slow", wait=0.1, report=False, key=key)
    assert waited.status == "accepted"
    (item,) = await clerk.client.claim(clerk.id, wait=20)
    await clerk.client.reply(item, "at last")
    again = await lead.client.delegate(lead.id, clerk.id, "slow", wait=5, report=False, key=key)
    assert (again.id, again.text) == (waited.id, "at last")


async def test_cancel(office: Office) -> None:
    lead, clerk = office.lead, office.clerk
    waiting = await lead.client.delegate(lead.id, clerk.id, "nobody wants it")
    assert (await lead.client.cancel_delegation(lead.id, waiting.id)).status == "cancelled"
    assert (await lead.client.cancel_delegation(lead.id, waiting.id)).status == "cancelled", "asking again is no fault"
    held = await lead.client.delegate(lead.id, clerk.id, "under way")
    (item,) = await clerk.client.claim(clerk.id, wait=20)
    assert (await lead.client.cancel_delegation(lead.id, held.id)).row["cancel_requested"]
    assert (await clerk.client.extend(item, 30)).cancel
    await clerk.client.confirm_cancel(item)
    assert (await lead.client.delegation(lead.id, held.id)).status == "cancelled"
    done = await lead.client.delegate(lead.id, clerk.id, "done")
    (item,) = await clerk.client.claim(clerk.id, wait=20)
    await clerk.client.reply(item, "done")
    with pytest.raises(Conflict) as error:
        await lead.client.cancel_delegation(lead.id, done.id)
    assert (error.value.name, error.value.data["status"]) == ("delegation_ended", "completed")


async def test_what_the_team_waits_for_is_told_until_it_ends(office: Office, operator: Client) -> None:
    lead, clerk = office.lead, office.clerk
    asked = [await lead.client.delegate(lead.id, clerk.id, text) for text in ("first", "second", "third")]
    await lead.client.cancel_delegation(lead.id, asked[1].id)
    (item,) = await clerk.client.claim(clerk.id, wait=20)
    below = await clerk.client.delegate(clerk.id, office.porter.id, "for the first", on_behalf_of=item.message_id)
    rows = (await operator.request("GET", "/delegations")).body
    ours = [(row["delegation_id"], row["source_id"], row["target_id"]) for row in rows if row["source_id"] in (lead.id, clerk.id)]
    assert ours == [(asked[0].id, lead.id, clerk.id), (asked[2].id, lead.id, clerk.id), (below.id, clerk.id, office.porter.id)]
    with pytest.raises(Forbidden):
        await lead.client.request("GET", "/delegations")


async def test_only_permitted_eyes(office: Office, operator: Client) -> None:
    lead, clerk, stranger = office.lead, office.clerk, office.stranger
    asked = await lead.client.delegate(lead.id, clerk.id, "between us")
    for eyes in (clerk, office.porter):
        with pytest.raises(Forbidden):
            await eyes.client.delegations(lead.id)
        with pytest.raises(Forbidden):
            await eyes.client.delegation(lead.id, asked.id)
        with pytest.raises(Forbidden):
            await eyes.client.cancel_delegation(lead.id, asked.id)
    for act in (stranger.client.delegations(lead.id), stranger.client.delegation(lead.id, asked.id)):
        with pytest.raises(NotFound):
            await act
    with pytest.raises(NotFound):
        await clerk.client.delegation(clerk.id, asked.id)
    with pytest.raises(Forbidden):
        await operator.delegate(lead.id, clerk.id, "in its name")
    assert [one.id for one in await operator.delegations(lead.id)] == [asked.id]
    assert (await operator.cancel_delegation(lead.id, asked.id)).status == "cancelled"


async def test_a_tree_shows_a_workspace_what_is_between_those_that_it_may_talk_to(office: Office, operator: Client) -> None:
    lead, clerk = office.lead, office.clerk
    hidden = await operator.create_workspace(name="Typist", parent_id=clerk.id)
    asked = await lead.client.delegate(lead.id, clerk.id, "first")
    (item,) = await clerk.client.claim(clerk.id, wait=20)
    below = await clerk.client.delegate(clerk.id, hidden["id"], "second", on_behalf_of=item.message_id)
    tree = await lead.client.delegation(lead.id, asked.id, tree=True)
    assert [child.id for child in tree.children] == [below.id]
    other = await operator.create_workspace(name="Another root")
    upwards = await office.porter.client.delegate(office.porter.id, lead.id, "from below")
    (from_below,) = await lead.client.claim(lead.id, wait=20)
    assert from_below.message_id == upwards.id
    with pytest.raises(Forbidden) as error:
        await lead.client.delegate(lead.id, other["id"], "on behalf of who may not")
    assert (error.value.name, [link["name"] for link in error.value.data["chain"]]) == ("chain_forbidden", ["Porter", "Lead"])


async def test_a_plain_send_of_an_agent_is_part_of_what_it_works_on(office: Office, server: ServerProcess) -> None:
    lead, clerk = office.lead, office.clerk
    asked = await lead.client.delegate(lead.id, clerk.id, "ask the porter")
    (item,) = await clerk.client.claim(clerk.id, wait=20)
    message = {"role": "ROLE_USER", "messageId": "m", "parts": [{"text": "are you there"}]}
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "SendMessage",
        "params": {"message": message, "configuration": {"returnImmediately": True}},
    }
    named = {"A2A-Version": "1.0", "X-Postroom-On-Behalf-Of": item.message_id}
    await clerk.client.request("POST", f"/workspaces/{office.porter.id}/a2a", json=body, headers=named)
    tree = await lead.client.delegation(lead.id, asked.id, tree=True)
    assert [(child.target_name, child.row["report"]) for child in tree.children] == [("Porter", False)]
    with pytest.raises(PostroomError) as error:
        await clerk.client.request(
            "POST", f"/workspaces/{office.porter.id}/a2a", json=body, headers=named | {"X-Postroom-On-Behalf-Of": "x"}
        )
    assert error.value.name == "invalid"


async def test_a_stop_does_not_hang_on_who_waits(new_server: NewServer) -> None:
    server = new_server()
    await asyncio.to_thread(server.start)
    async with server.client() as operator:
        lead, clerk = [await operator.create_workspace(name=name) for name in ("Lead", "Clerk")]
    body = {"target_id": clerk["id"], "task": "slow", "wait_seconds": 600}
    async with Client(server.url, lead["token"]) as own, asyncio.TaskGroup() as group:
        waiting = group.create_task(own.request("POST", f"/workspaces/{lead['id']}/delegate", json=body, timeout=60))
        async with server.client() as operator:
            while not await operator.delegations(lead["id"]):
                await asyncio.sleep(0.02)
        await asyncio.to_thread(server.stop)
    answer = waiting.result()
    assert (answer.status, answer.body["status"]) == (202, "accepted"), "it hears how it stands"
