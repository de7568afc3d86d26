"""The operator's token of a data directory: kept over restarts, and replaced by deleting its file."""

import asyncio

from tests.conftest import NewServer
from tests.support.http import ask


async def test_a_new_operator_token_ends_the_old_one(new_server: NewServer) -> None:
    server = await asyncio.to_thread(new_server().start)
    first = server.operator_token
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)
    assert server.operator_token == first
    await asyncio.to_thread(server.stop)
    (server.data / "operator.token").unlink()
    await asyncio.to_thread(server.start)
    assert server.operator_token != first
    assert ask(server.url, "GET", "/workspaces", token=server.operator_token).status == 200
    assert ask(server.url, "GET", "/workspaces", token=first).status == 401
