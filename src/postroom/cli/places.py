"""From a name to the workspace that an agent on this machine is: as remembered, else looked up, else made."""

from typing import TYPE_CHECKING

from postroom.cli.connection import Connection, Whereabouts
from postroom.cli.exits import ExitCode, Stop
from postroom.cli.names import Workspace, look_up
from postroom.cli.output import say
from postroom.client import Client
from postroom.errors import Forbidden

if TYPE_CHECKING:
    from postroom.agent.place import Address, Place


async def find_place(connection: Connection, name: str) -> "tuple[Place, Workspace | None]":
    """The place of the agent called ``name``, and the workspace as it was found, None when it had to be made.

    Raises Stop for a name that fits several, PostroomError for what the server refuses.
    """
    async with Client(connection.url, connection.token) as client:
        workspace = look_up(name, await client.workspaces())
    return await _take(connection, name, workspace), workspace


async def _take(connection: Connection, name: str, workspace: Workspace | None) -> "Place":
    from postroom.agent.place import Place, take_place

    if workspace is None:
        say(f'There is no workspace "{name}" yet: making it.')
        return await take_place(connection.url, connection.token, name)
    try:
        return await take_place(connection.url, connection.token, workspace["name"])
    except Forbidden:
        # The credential is no operator's: then it is the workspace's own, and the server says so if it is another's.
        return Place(workspace_id=workspace["id"], token=connection.token)


async def settle(whereabouts: Whereabouts, name: str | None) -> "Address":
    """Where the agent called ``name`` sits (None: the one that the token speaks for).

    It is remembered, so that the next time needs neither the operator's token nor this one. Raises Stop and PostroomError.
    """
    from postroom.agent.place import Address, recall_place, remember_place

    if name is None:
        found = await _own_address(whereabouts.connection())
    elif (kept := await recall_place(whereabouts.address(), name)) is not None:
        return Address(name=name, url=whereabouts.address(), place=kept)
    else:
        connection = whereabouts.connection()
        place, workspace = await find_place(connection, name)
        found = Address(name=name if workspace is None else workspace["name"], url=connection.url, place=place)
        await _require_own(found)
    remember_place(found.url, found.name, found.place)
    return found


async def _require_own(found: "Address") -> None:
    """Raises Stop for the token of another workspace, which may see this one and is not it."""
    async with Client(found.url, found.place.token) as client:
        caller = await client.caller()
    if caller["id"] != found.place.workspace_id:
        sentence = f"The token is that of {caller['name']}, not of {found.name}"
        raise Stop(sentence, advice="Give the token of the workspace itself, or the operator's.", code=ExitCode.NOT_PERMITTED)


async def _own_address(connection: Connection) -> "Address":
    from postroom.agent.place import Address, Place

    async with Client(connection.url, connection.token) as client:
        caller = await client.caller()
    if caller["kind"] != "workspace":
        raise Stop("Nobody said which workspace the agent is", advice="Give --name NAME, or a workspace's token.", code=ExitCode.USAGE)
    return Address(name=caller["name"], url=connection.url, place=Place(workspace_id=caller["id"], token=connection.token))
