"""Files in messages: everything that is said may name what is whole and what its sender may see, and who hears it may read it."""

import base64
import os
import uuid

import pytest

from postroom.client import Client
from tests.edges.agents import Exchange, raw_agent
from tests.support.files import LIMIT, PIECE, Json, Person, code_of, names, told
from tests.support.http import Answer, ask
from tests.support.server import ServerProcess, wait_for


@pytest.fixture
def boss(server: ServerProcess) -> Person:
    return Person(server.url, server.operator_token, server.dsn())


def test_a_message_names_a_file_and_who_gets_it_reads_it(boss: Person) -> None:
    ada = boss.make("ada")
    file = boss.keep(b"the bytes", "notes.txt", Content_Type="text/plain")
    assert ada.fetch(file).status == 404
    assert "result" in boss.send(ada, {"text": "look"}, names(file)).body
    item = ada.claim()
    assert item["message"]["parts"] == [{"text": "look"}, told(file)]
    assert ada.fetch(file).content == b"the bytes"


# Who sees it


def test_a_file_is_its_uploaders_and_of_those_who_got_it(boss: Person) -> None:
    team = boss.make("team")
    ada, bob, eve = boss.make("ada", parent_id=team.id), boss.make("bob", parent_id=team.id), boss.make("eve")
    file = ada.keep(b"ours")
    assert [who.fetch(file).status for who in (ada, boss, bob, team, eve)] == [200, 200, 404, 404, 404]
    assert "result" in ada.send(bob, {"text": "for you"}, names(file)).body
    assert [who.fetch(file).status for who in (ada, boss, bob, team, eve)] == [200, 200, 200, 404, 404]
    assert ask(boss.url, "GET", file["url"]).status == 401


@pytest.mark.parametrize("said", ["send", "delegate", "reply", "progress", "notify"])
def test_a_stranger_can_not_name_what_it_may_not_see(boss: Person, said: str) -> None:
    """Or naming it would show it."""
    ada, file = boss.make("ada"), boss.keep(b"not for her")
    answer = say(boss, ada, said, names(file))
    assert code_of(answer) == "file_unknown"
    assert ada.fetch(file).status == 404


@pytest.mark.parametrize("said", ["send", "delegate", "reply", "progress", "notify"])
def test_everything_that_is_said_may_name_files(boss: Person, said: str) -> None:
    ada = boss.make("ada")
    file = ada.keep(b"bytes", "a.txt", Content_Type="text/plain")
    answer = say(boss, ada, said, names(file) | {"filename": "liar", "mediaType": "text/html", "metadata": {"mine": 1}})
    assert answer.status in (200, 201, 202), answer.content
    part = told(file) | {"metadata": {"mine": 1, "postroom.size": 5}}
    assert part in parts_heard(boss, ada, said)


@pytest.mark.parametrize("said", ["send", "delegate", "reply", "progress", "notify"])
@pytest.mark.parametrize("url", ["/files/", "/files/x", "/files/../x", f"/files/{uuid.UUID(int=1)}", f"/files/{uuid.UUID(int=1)}?inline=1"])
def test_what_is_not_there_can_not_be_named(boss: Person, said: str, url: str) -> None:
    answer = say(boss, boss.make("ada"), said, {"url": url})
    assert code_of(answer) == "file_unknown"


def test_other_addresses_are_nobodys_business(boss: Person) -> None:
    ada, part = boss.make("ada"), {"url": "https://example.org/files/x", "filename": "x"}
    assert "result" in boss.send(ada, part).body
    assert ada.claim()["message"]["parts"] == [part]


def test_a_file_that_is_not_whole_can_not_be_named_or_read(boss: Person) -> None:
    """All of its bytes are there but the last."""
    ada = boss.make("ada")
    with boss.uploading(PIECE + 1, b"x" * PIECE) as (connection, file):
        half = {"url": f"/files/{file}"}
        assert code_of(boss.send(ada, half)) == "file_unknown"
        assert boss.fetch(half).status == 404
        connection.sendall(b"x")
        wait_for(lambda: boss.fetch(half).status == 200, 30, "it is whole")
    assert "result" in boss.send(ada, half).body


def test_the_files_of_a_message_have_a_limit_together(boss: Person) -> None:
    ada = boss.make("ada")
    files = [boss.keep(bytes([number]) * LIMIT) for number in range(2)]
    assert "result" in boss.send(ada, *map(names, files)).body
    # The same one again counts again: 10,000 times one file would be as long a call.
    for further in (boss.keep(b"x"), files[0]):
        answer = boss.send(ada, names(further), *map(names, files))
        assert (answer.status, code_of(answer), answer.body["error"]["data"]["limit"]) == (422, "files_too_large", 2 * LIMIT)


def test_who_asked_reads_the_files_of_the_answer(boss: Person) -> None:
    """Also without post that tells of the end, and those that the callee's progress names."""
    lead = boss.make("lead")
    clerk = boss.make("clerk", parent_id=lead.id)
    assert lead.delegate(clerk, {"text": "draw"}, report=False).status == 202
    item, half, whole = clerk.claim(), clerk.keep(b"half"), clerk.keep(b"whole")
    assert clerk.about(item, "progress", names(half)).status == 200
    assert (lead.fetch(half).content, lead.fetch(whole).status) == (b"half", 404)
    assert clerk.about(item, "reply", names(whole)).status == 200
    assert lead.fetch(whole).content == b"whole"


def test_files_of_an_answer_come_with_the_post_that_tells_it(boss: Person) -> None:
    lead = boss.make("lead")
    clerk = boss.make("clerk", parent_id=lead.id)
    other = boss.make("other", parent_id=lead.id)
    lead.delegate(clerk, {"text": "draw"})
    file = clerk.keep(b"drawn")
    clerk.about(clerk.claim(), "reply", names(file))
    post = lead.claim()
    assert post["message"]["parts"] == [told(file)]
    assert other.fetch(file).status == 404
    # What was got may be passed on.
    assert lead.delegate(other, names(file)).status == 202
    assert other.fetch(file).content == b"drawn"


async def test_an_agent_that_is_called_gets_the_bytes(boss: Person, operator: Client) -> None:
    """It has no token to fetch them with."""
    content = os.urandom(PIECE + 1)
    file = boss.keep(content, "a.png", Content_Type="image/png")

    async def answer(exchange: Exchange) -> None:
        await exchange.answer_result({"message": {"role": "ROLE_AGENT", "messageId": "r", "parts": [{"text": "seen"}]}})

    async with raw_agent(answer) as agent:
        made = await operator.create_workspace(name="called", delivery_mode="push", url=agent.url)
        sent = await operator.send(made["id"], {"parts": [{"text": "look"}, names(file)]}, wait=30)
    assert sent.text == "seen"
    (exchange,) = agent.exchanges
    heard = exchange.json["params"]["message"]["parts"][1]
    assert base64.b64decode(heard.pop("raw"), validate=True) == content
    assert heard == {name: value for name, value in told(file).items() if name != "url"}


async def test_an_agent_that_is_called_and_names_what_is_not_there_has_failed(operator: Client) -> None:
    """Nobody could tell it better, and asking again would bring the same."""
    part = {"url": f"/files/{uuid.UUID(int=1)}"}

    async def answer(exchange: Exchange) -> None:
        await exchange.answer_result({"message": {"role": "ROLE_AGENT", "messageId": "r", "parts": [part]}})

    async with raw_agent(answer) as agent:
        made = await operator.create_workspace(name="called", delivery_mode="push", url=agent.url)
        sent = await operator.send(made["id"], "draw", wait=30)
    assert (sent.state, sent.error and sent.error["code"], len(agent.exchanges)) == ("failed", "file_unknown", 1)


# Bytes within messages


def test_bytes_in_a_message_are_told_by_their_address(boss: Person) -> None:
    ada, content = boss.make("ada"), os.urandom(1000)
    raw = base64.urlsafe_b64encode(content).decode().rstrip("=")
    part = {"raw": raw, "filename": "../p.svg", "mediaType": "image/svg+xml", "metadata": {"mine": 1}}
    boss.send(ada, {"text": "look"}, part)
    assert boss.history(ada)[0]["parts"] == [{"text": "look"}, part]
    (light,) = boss.history(ada, "?inline=false")
    url = f"/workspaces/{ada.id}/messages/{light['id']}/parts/1"
    kept = {"url": url, "filename": "../p.svg", "mediaType": "image/svg+xml", "metadata": {"mine": 1, "postroom.size": 1000}}
    assert light["parts"] == [{"text": "look"}, kept] and light["attachments"] == [kept]
    answer = ada.ask("GET", url + "?inline=1")
    assert (answer.content, answer.headers["content-disposition"]) == (content, "attachment; filename=\"p.svg\"; filename*=UTF-8''p.svg")
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert boss.ask("GET", url, Range="bytes=10-19").content == content[10:20]
    for gone in (url[:-1] + "0", url[:-1] + "2", url[:-1] + "x", url.replace(light["id"], str(uuid.uuid4()))):
        assert boss.ask("GET", gone).status == 404
    peer, stranger = boss.make("peer", parent_id=ada.id), boss.make("stranger", parent_id=boss.make("other").id)
    assert [who.ask("GET", url).status for who in (peer, stranger)] == [403, 404]
    elsewhere = url.replace(ada.id, peer.id)
    assert boss.ask("GET", elsewhere).status == 404, "a message is looked for in its own conversation"


# What the tests say and see


def say(boss: Person, ada: Person, said: str, *parts: Json) -> Answer:
    """As ada, in each way in which something can be said, with whatever that takes."""
    match said:
        case "send":
            return ada.send(ada, *parts)
        case "delegate":
            return ada.delegate(boss.make("peer", parent_id=ada.id), *parts)
        case "notify":
            return ada.ask("POST", f"/workspaces/{ada.id}/notify", {"message": "look", "attachments": list(parts)})
        case _:
            boss.send(ada, {"text": "work"})
            return ada.about(ada.claim(), said, *parts)


def parts_heard(boss: Person, ada: Person, said: str) -> list[Json]:
    """What came of it, as whoever it was for reads it."""
    if said == "progress":
        (row,) = boss.ask("GET", f"/workspaces/{ada.id}/activity?type=message.progress").body
        return row["payload"]["parts"]
    if said == "delegate":
        (row,) = ada.ask("GET", f"/workspaces/{ada.id}/delegations").body["delegations"]
        return row["parts"]
    return boss.history(ada)[-1]["parts"]
