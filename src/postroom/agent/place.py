"""An agent's place: its workspace and its token, found or made by an operator and remembered on this machine."""

from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from postroom.agent.files import one_element, state_root, write_whole
from postroom.client import Client
from postroom.errors import Conflict, Gone, NotFound, Unauthenticated


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A workspace and a token that speaks for it."""

    workspace_id: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A place, what its workspace is called, and the server that it is at."""

    name: str
    url: str
    place: Place


async def take_place(url: str, operator_token: str, name: str, *, state: Path | None = None) -> Place:
    """The place of the workspace called ``name`` on the server at ``url``: as remembered, else looked up, else made to fetch its post.

    It is remembered in a file of mode 0600 below ``state`` (None: the state directory of agents), so that the next run needs no new
    token. Raises Conflict with the ``ids`` when several workspaces bear the name, Forbidden when the token is not an operator's.
    """
    if (kept := await recall_place(url, name, state=state)) is not None:
        return kept
    async with Client(url, operator_token) as client:
        place = await _find_or_make(client, name)
    remember_place(url, name, place, state=state)
    return place


async def recall_place(url: str, name: str, *, state: Path | None = None) -> Place | None:
    """The place of ``name`` as remembered below ``state``, if its workspace is there, is called so, and the token is still good."""
    kept = read_place(place_file(url, name, state or state_root()))
    return kept if kept is not None and await _holds(url, kept, name) else None


def remember_place(url: str, name: str, place: Place, *, state: Path | None = None) -> None:
    """Keep it for ``recall_place``."""
    write_place(place_file(url, name, state or state_root()), place)


def place_file(url: str, name: str, state: Path) -> Path:
    """Where the place of ``name`` on the server at ``url`` is remembered below the directory ``state``."""
    return state / "places" / one_element(url) / f"{one_element(name)}.json"


def read_place(path: Path) -> Place | None:
    """The place in this file, or None where there is none, or nothing that is one."""
    try:
        return Place(**orjson.loads(path.read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def write_place(path: Path, place: Place) -> None:
    """Remember a place; its file is for its owner's eyes alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(path, orjson.dumps(asdict(place)))


async def _holds(url: str, place: Place, name: str) -> bool:
    """Whether the remembered workspace is still there, still called so, and the token still good."""
    async with Client(url, place.token) as client:
        with suppress(Unauthenticated, NotFound, Gone):
            return (await client.workspace(place.workspace_id))["name"] == name
    return False


async def _find_or_make(client: Client, name: str) -> Place:
    ids: list[str] = [row["id"] for row in await client.workspaces() if row["name"] == name]
    if len(ids) > 1:
        raise Conflict(f"several workspaces are named {name!r}: {', '.join(ids)}", ids=ids)
    if ids:
        made = await client.make_token(ids[0], label="postroom agent run")
        return Place(workspace_id=ids[0], token=made["token"])
    created = await client.create_workspace(name=name, delivery_mode="poll")
    return Place(workspace_id=created["id"], token=created["token"])
