"""``postroom dead-letters``: seen, sent again, given up, as a person and as a program do it."""

import asyncio
import json
from uuid import uuid4

from postroom.client import Client
from tests.cli.test_command_line import run
from tests.support.server import ServerProcess


async def told(server: ServerProcess, *words: str, code: int = 0) -> str:
    ran = await asyncio.to_thread(
        run, "dead-letters", *words, data=server.data, POSTROOM_URL=server.url, POSTROOM_TOKEN=server.operator_token
    )
    assert ran.returncode == code, ran.stderr
    return ran.stdout


async def test_a_dead_letter_is_listed_sent_again_and_given_up(server: ServerProcess) -> None:
    name, sent = f"Unlucky {uuid4()}", list[str]()
    async with server.client() as operator:
        made = await operator.create_workspace(name=name)
        async with Client(server.url, made["token"]) as agent:
            for text in ("first \x1b[31mwords", "second"):
                sent.append((await operator.send(made["id"], text, wait=None)).message_id)
                (item,) = await agent.claim(made["id"], wait=20)
                await agent.fail(item, "out of\npaper")
        rows = [line.split("\t") for line in (await told(server, "list", "--of", name)).splitlines()]
        assert [(row[0], row[1], row[3], row[4]) for row in rows] == [
            (sent[1], name[:60], "out of paper", "second"),
            (sent[0], name[:60], "out of paper", "first words"),
        ]
        said = (await told(server, "replay", sent[0])).strip()
        assert json.loads(await told(server, "replay", sent[0], "--json")) == {"message_id": said}
        await told(server, "drop", sent[1])
        assert json.loads(await told(server, "list", "--of", name, "--json")) == {"dead_letters": [], "next": None, "total": 0}
        await told(server, "drop", sent[0], code=6)
        assert [line["content"] for line in (await operator.chat_history(made["id"]))["messages"]][-1] == "first \x1b[31mwords"
