"""One workspace that a coding agent is: found, taken, announced, and come back to after every outage."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from postroom.agent.handling import first_of
from postroom.agent.place import Address
from postroom.agent.presence import SHORTEST_PAUSE, SPREAD
from postroom.bridge.hand import Hand
from postroom.client import Client, Json
from postroom.client.retry import pause_after, pause_before
from postroom.clock import jittered, monotonic
from postroom.errors import PostroomError, SetupError, Unavailable

# MCP clients end a server that has not left 2 s after they closed its stdin.
GIVE_BACK_SECONDS = 1.0
# A client that has just been told to try again should not be told so twice.
LONGEST_PAUSE = 2.0
# How long one try of a call waits for a place.
MOMENT_SECONDS = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sitting:
    """A seat that is taken. ``name`` is what its workspace is called; ``doubted`` is set by whom it did not let speak."""

    name: str
    client: Client
    workspace_id: str
    hand: Hand
    doubted: asyncio.Event


Settle = Callable[[], Awaitable[Address]]
Watch = Callable[[Sitting], Coroutine[Any, Any, None]]


class Seat:
    """``settle`` says where, or raises why it can not; it is asked again until it can.

    ``watch`` runs beside it for as long as it sits.
    """

    def __init__(self, settle: Settle, watch: Watch) -> None:
        self._settle = settle
        self._watch = watch
        self._sitting: asyncio.Future[Sitting] = asyncio.get_running_loop().create_future()
        self._trouble: PostroomError | None = None
        self._began = monotonic()

    async def sitting(self) -> Sitting:
        """Where to speak from. Raises Unavailable with the reason when there is nothing within a moment."""
        try:
            async with asyncio.timeout(MOMENT_SECONDS):
                return await asyncio.shield(self._sitting)
        except TimeoutError:
            raise _not_yet(self._trouble) from None

    async def run(self) -> None:
        """Sit, and sit down again wherever the place is lost: for ever."""
        attempt = 0
        while True:
            try:
                await self._sit(await self._settle())
            except PostroomError as error:
                if str(error) != str(self._trouble):
                    log.warning("no place at the post room now: %s", error)
                self._trouble = error
            except Exception as error:  # boundary: a fault here must not take the tools away from a coding agent in the middle of its work
                log.exception("a fault of the bridge")
                self._trouble = PostroomError(f"A fault in Postroom's bridge: {type(error).__name__}")
            finally:
                self._stand_up()
            await asyncio.sleep(pause_before(attempt, longest=LONGEST_PAUSE))
            attempt += 1

    async def _sit(self, address: Address) -> None:
        """Work at the place until the server refuses it for good."""
        id = address.place.workspace_id
        async with Client(address.url, address.place.token) as client:
            at = Sitting(address.name, client, id, Hand(client, id), asyncio.Event())
            self._sitting.set_result(at)
            log.info("%s sits at %s", address.name, address.url)
            try:
                async with asyncio.TaskGroup() as tasks:
                    for loop in (at.hand.fetch(), at.hand.keep(), self._live(at), self._watch(at)):
                        tasks.create_task(loop)
            except ExceptionGroup as group:
                raise first_of(group) from group
            finally:
                await at.hand.give_back(GIVE_BACK_SECONDS)

    async def _live(self, at: Sitting) -> None:
        """Announce the agent, then say that it lives, for ever. Raises what the server refuses for good."""
        await _insist(lambda: _register(at))
        while True:
            await _insist(lambda: self._beat(at))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SHORTEST_PAUSE + jittered(SPREAD)):
                    await at.doubted.wait()
            at.doubted.clear()

    async def _beat(self, at: Sitting) -> None:
        held = [item.message_id for item in at.hand.held]
        uptime = int(monotonic() - self._began)
        task = held[0] if held else None
        try:
            answer = await at.client.heartbeat(at.workspace_id, active_tasks=len(held), current_task=task, uptime_seconds=uptime)
        except Unavailable:
            await self._require_unmoved(at)
            raise
        at.hand.cancel(answer["cancel"])

    async def _require_unmoved(self, at: Sitting) -> None:
        """Raises SetupError when the server that does not answer runs elsewhere by now."""
        try:
            found = await self._settle()
        except PostroomError as error:
            log.info("no other place to sit: %s", error)
            return
        if found.url != at.client.url:
            raise SetupError(f"the server is at {found.url} now", advice="It is found there by itself.")

    def _stand_up(self) -> None:
        if self._sitting.done():
            self._sitting = asyncio.get_running_loop().create_future()


async def _insist(act: Callable[[], Awaitable[None]]) -> None:
    attempt = 0
    while True:
        try:
            return await act()
        except PostroomError as error:
            pause = pause_after(error, attempt)
            log.warning("no sign of life reached the server, next try in %.1f s: %s", pause, error)
            attempt += 1
            await asyncio.sleep(pause)


async def _register(at: Sitting) -> None:
    """With the card that the workspace has, if it has one, and in its own delivery mode: both may be somebody's choice."""
    card: Json = (await at.client.workspace(at.workspace_id))["agent_card"] or _card(at.name)
    await at.client.register(at.workspace_id, agent_card=card)


def _card(name: str) -> Json:
    """The fields that a card must have (A2A 1.0, section 4.4.1)."""
    return {
        "name": name,
        "description": "A coding agent that takes part over MCP.",
        "version": "1",
        "capabilities": {"streaming": False},
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "skills": [],
    }


def _not_yet(trouble: PostroomError | None) -> Unavailable:
    if trouble is None:
        return Unavailable("The post room does not answer.", code="not_connected")
    advice = f" {trouble.advice}" if isinstance(trouble, SetupError) else ""
    return Unavailable(f"There is no connection to the post room: {trouble.sentence.rstrip('.')}.{advice}", code="not_connected")
