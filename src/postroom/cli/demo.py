"""The demo team of a first start: Lead with Echo, Clerk and Slow below it, four real agents in processes of their own.

What they are is remembered in ``demo/`` of the data directory (a workspace id and a token each, mode 0600), their output goes to
``logs/<name>.log``. The processes live and die with the server: see ``tether``.
"""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import postroom
from postroom.agent.place import Place, place_file, read_place, write_place
from postroom.cli.demo_process import DemoProcess
from postroom.client import Client, Json
from postroom.errors import Gone, NotFound, Unauthenticated, Unavailable

# Four Python processes that start at a time, on a machine that may be small and busy.
START_SECONDS = 30.0
LOOK_SECONDS = 0.2

_EXAMPLES = Path(postroom.__file__).parent / "examples"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One of the team. ``arguments`` are those of the tether."""

    name: str
    role: str
    mode: Literal["push", "poll"]
    arguments: tuple[str, ...]


_LEAD = Member(name="Lead", role="Asks its team and puts the answers together", mode="poll", arguments=(str(_EXAMPLES / "lead.py"),))
_TEAM = (
    _LEAD,
    Member(name="Echo", role="Says back what it is told", mode="push", arguments=(str(_EXAMPLES / "echo_agent.py"),)),
    Member(
        name="Clerk",
        role="Counts lines, words and numbers",
        mode="poll",
        arguments=("-m", "postroom.cli", "agent", "run", "--name", "Clerk", "--", sys.executable, str(_EXAMPLES / "clerk.py")),
    ),
    Member(name="Slow", role="Takes its time and says how far it is", mode="poll", arguments=(str(_EXAMPLES / "slow.py"),)),
)


class DemoTeam:
    """The team on one server. ``data`` is the server's data directory."""

    def __init__(self, url: str, operator_token: str, data: Path) -> None:
        self._url = url
        self._operator_token = operator_token
        self._data = data
        self._state = data / "demo" / "state"

    async def made_before(self) -> bool:
        """Whether an earlier start made the team on this server, and somebody of it is still there."""
        async with self._client() as client:
            kept = [place for member in _TEAM if (place := read_place(self._place_file(member))) is not None]
            return any([await _stands(client, place) == "there" for place in kept])

    async def start(self, tasks: asyncio.TaskGroup) -> None:
        """Make who is missing, run everybody in ``tasks``, and return when all have announced themselves.

        A member that was removed from the server stays away. Raises Unavailable when somebody is late; ``tasks`` go on trying then.
        """
        places = await self._take_places()
        async with self._client() as client:
            before = await _heartbeats(client)
        for member, place in places.items():
            # Clerk is found by its name, like any program that is run as an agent; here its place is known already.
            write_place(place_file(self._url, member.name, self._state), place)
            tasks.create_task(self._process(member, place).keep_running())
        await self._all_there(places, before)

    async def _take_places(self) -> dict[Member, Place]:
        places: dict[Member, Place] = {}
        async with self._client() as client:
            known = await client.workspaces()
            for member in _TEAM:
                parent = places.get(_LEAD)
                place = await self._place_of(client, member, known, parent)
                if place is not None:
                    places[member] = place
        return places

    async def _place_of(self, client: Client, member: Member, known: list[Json], parent: Place | None) -> Place | None:
        kept = read_place(self._place_file(member))
        stands = "unknown" if kept is None else await _stands(client, kept)
        if stands == "removed":
            return None
        if kept is not None and stands == "there" and await self._token_works(kept):
            return kept
        place = await _new_token(client, kept) if kept and stands == "there" else await _find_or_make(client, member, known, parent)
        write_place(self._place_file(member), place)
        return place

    async def _token_works(self, place: Place) -> bool:
        async with Client(self._url, place.token) as client:
            try:
                await client.workspace(place.workspace_id)
            except Unauthenticated:
                return False
        return True

    async def _all_there(self, places: dict[Member, Place], before: dict[str, str | None]) -> None:
        missing: list[str] = []
        try:
            async with asyncio.timeout(START_SECONDS), self._client() as client:
                while missing := await _silent(client, places, before):  # noqa: ASYNC110 - they announce themselves to another process
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError as error:
            who = ", ".join(missing) or "nobody"
            raise Unavailable(f"{who} did not come in within {START_SECONDS:g} s; see {self._data / 'logs'}", code="demo_late") from error

    def _process(self, member: Member, place: Place) -> DemoProcess:
        environment = {
            "POSTROOM_URL": self._url,
            "POSTROOM_TOKEN": place.token,
            "POSTROOM_WORKSPACE_ID": place.workspace_id,
            "POSTROOM_DATA": str(self._data),
            "POSTROOM_STATE": str(self._state),
            # Its log is a file: a line is to be there when it was written, not when a buffer is full.
            "PYTHONUNBUFFERED": "1",
        }
        log_file = self._data / "logs" / f"{member.name.lower()}.log"
        return DemoProcess(name=member.name, arguments=member.arguments, environment=environment, log_file=log_file)

    def _client(self) -> Client:
        return Client(self._url, self._operator_token)

    def _place_file(self, member: Member) -> Path:
        return self._data / "demo" / f"{member.name.lower()}.json"


async def _stands(client: Client, place: Place) -> Literal["there", "removed", "unknown"]:
    """How the server knows this workspace: ``unknown`` after a change of the database."""
    try:
        await client.workspace(place.workspace_id)
    except Gone:
        return "removed"
    except NotFound:
        return "unknown"
    return "there"


async def _find_or_make(client: Client, member: Member, known: list[Json], parent: Place | None) -> Place:
    """The member that an interrupted start made and did not remember, else a new one. Name and role together are the team's mark."""
    for row in known:
        if (row["name"], row.get("role")) == (member.name, member.role):
            return await _new_token(client, Place(workspace_id=row["id"], token=""))
    parent_id = None if parent is None else parent.workspace_id
    made = await client.create_workspace(name=member.name, role=member.role, parent_id=parent_id, delivery_mode=member.mode)
    return Place(workspace_id=made["id"], token=made["token"])


async def _new_token(client: Client, place: Place) -> Place:
    made = await client.make_token(place.workspace_id, "demo team")
    return Place(workspace_id=place.workspace_id, token=made["token"])


async def _silent(client: Client, places: dict[Member, Place], before: dict[str, str | None]) -> list[str]:
    """Who gave no sign of life since ``before``. The status alone would not do: a killed server's agents are online in its memory."""
    now = await _heartbeats(client)
    return [member.name for member, place in places.items() if now.get(place.workspace_id) == before.get(place.workspace_id)]


async def _heartbeats(client: Client) -> dict[str, str | None]:
    return {row["id"]: row["last_heartbeat"] for row in await client.workspaces()}
