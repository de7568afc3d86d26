"""The token that ``postroom agent run`` is known by, kept between runs: a new one for each would soon reach the limit (50)."""

import json
from pathlib import Path
from typing import Any

from postroom.cli.connection import Connection
from postroom.cli.names import Workspace
from postroom.cli.private_file import write_private
from postroom.client import Client
from postroom.errors import Forbidden, Unauthenticated

_LABEL = "postroom agent run"


async def agent_token(client: Client, connection: Connection, workspace: Workspace) -> str:
    """The token kept from the last run, else a new one; the connection's own where it may not make any, being a workspace's itself."""
    path = agent_directory(connection.data, workspace) / "token.json"
    kept = _kept_token(path, connection.url)
    if kept is not None and await _is_valid(connection.url, kept, workspace):
        return kept
    try:
        made: str = (await client.make_token(workspace["id"], _LABEL))["token"]
    except Forbidden:
        return connection.token
    write_private(path, json.dumps({"url": connection.url, "token": made}))
    return made


def agent_directory(data: Path, workspace: Workspace) -> Path:
    """Where an agent run on this machine keeps its token and its answers that are not yet taken; only for its owner's eyes."""
    directory = data / "agents" / str(workspace["id"])
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def _kept_token(path: Path, url: str) -> str | None:
    try:
        kept: dict[str, Any] = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    # It was made by the server at this address and is told to no other.
    return kept.get("token") if kept.get("url") == url else None


async def _is_valid(url: str, token: str, workspace: Workspace) -> bool:
    async with Client(url, token) as client:
        try:
            await client.workspace(workspace["id"])
        except Unauthenticated:
            return False
    return True
