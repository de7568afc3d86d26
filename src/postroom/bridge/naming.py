"""From what a model calls a workspace to its id."""

import difflib
from uuid import UUID

from postroom.client import Client
from postroom.errors import NotFound, Refused


async def id_of(client: Client, named: str) -> str:
    """The id of the workspace that is meant. Raises NotFound with the names that come near (U2), Refused for a name that several bear."""
    try:
        return str(UUID(named))
    except ValueError:
        rows = await client.workspaces()
    found = [row["id"] for row in rows if row["name"].casefold() == named.strip().casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        raise Refused("Several workspaces bear this name: use the id.", code="ambiguous_name", ids=found)
    near = difflib.get_close_matches(named, [row["name"] for row in rows], n=3)
    raise NotFound("No workspace bears this name.", code="workspace_not_found", near=near)
