"""What an agent's way to its post needs of the agent; there are two ways: it fetches, or it is called."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from postroom.agent.contact import Contact
from postroom.agent.filing import Filing
from postroom.agent.handling import Handler
from postroom.agent.running import Running
from postroom.agent.store import ReplyStore
from postroom.client import Client, Item, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where messages are worked on. ``lease`` in seconds; ``handler_of`` chooses who handles a message."""

    client: Client
    contact: Contact
    filing: Filing
    workspace_id: str
    card: Json
    store: ReplyStore
    state: Path
    running: Running
    handler_of: Callable[[Item], Handler]
    concurrency: int
    lease: float


class Door(Protocol):
    """How messages come in. ``url`` is where the agent is called (None: it fetches), ``card`` what it announces."""

    @property
    def url(self) -> str | None: ...
    @property
    def card(self) -> Json: ...

    async def run(self) -> None:
        """Take messages in and have them handled until ``stop``. Raises what the server refuses for good."""
        ...

    async def stop(self, grace: float) -> None:
        """Take nothing more in, give handlers ``grace`` seconds to finish, and see to it that every answer is safe."""
        ...
