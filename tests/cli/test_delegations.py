"""``postroom delegations``: a tree that was really delegated, as a person and as a program see it."""

import asyncio
import json
from typing import Any

import pytest

from postroom.client import Client, Delegation
from tests.cli.test_command_line import run
from tests.support.server import ServerProcess

Json = dict[str, Any]


async def answer(url: str, made: Json, text: str) -> None:
    async with Client(url, made["token"]) as agent:
        (item,) = await agent.claim(made["id"], wait=20)
        await agent.reply(item, text)


@pytest.fixture
async def team(server: ServerProcess) -> dict[str, Json]:
    """A chief who asked a deputy, who asked a typist and a porter; the typist has answered."""
    async with Client(server.url, server.operator_token) as operator:
        chief = await operator.create_workspace(name="Chief of delegations")
        made = {name: await operator.create_workspace(name=name, parent_id=chief["id"]) for name in ("Deputy", "Typist", "Porter")}
    async with Client(server.url, chief["token"]) as own:
        await own.delegate(chief["id"], made["Deputy"]["id"], "Write \x1b[31mand\nsend it")
    async with Client(server.url, made["Deputy"]["token"]) as deputy:
        (item,) = await deputy.claim(made["Deputy"]["id"], wait=20)
        for name in ("Typist", "Porter"):
            await deputy.delegate(made["Deputy"]["id"], made[name]["id"], f"For the {name}", on_behalf_of=item.message_id)
        await deputy.progress(item, "both are asked")
    await answer(server.url, made["Typist"], "typed")
    return made | {"Chief": chief}


async def told(server: ServerProcess, *words: str) -> str:
    ran = await asyncio.to_thread(
        run, "delegations", *words, data=server.data, POSTROOM_URL=server.url, POSTROOM_TOKEN=server.operator_token
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


async def test_a_tree_is_one_picture(server: ServerProcess, team: dict[str, Json]) -> None:
    rows = [line.split("\t") for line in (await told(server, team["Chief"]["id"])).splitlines()]
    assert [(row[0], row[1:2]) for row in rows] == [
        ("Chief of delegations", []),
        ("  Deputy", ["handed"]),
        ("    Typist", ["completed"]),
        ("    Porter", ["accepted"]),
    ]
    assert (rows[1][3], rows[1][4]) == ("Write and send it", "both are asked"), "one line, and nothing that a terminal acts upon"
    assert rows[2][3:] == ["For the Typist", "typed"]


async def test_a_program_gets_all_of_it(server: ServerProcess, team: dict[str, Json]) -> None:
    (tree,) = json.loads(await told(server, team["Chief"]["id"], "--json"))["delegations"]
    found = Delegation.from_wire(tree)
    assert [(child.target_name, child.status, child.text) for child in found.children] == [
        ("Typist", "completed", "typed"),
        ("Porter", "accepted", None),
    ]


async def test_nothing_open_is_said(server: ServerProcess, team: dict[str, Json]) -> None:
    assert await told(server, team["Typist"]["id"], "--open") == ""
    assert "Porter" in await told(server, team["Deputy"]["id"], "--open")
