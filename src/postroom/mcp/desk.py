"""What an agent can do at its desk: the one seam between the tools and a post room.

The server sits it on its services, the bridge on the client.
"""

from collections.abc import Sequence
from typing import Any, Literal, Protocol
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from postroom.mcp.results import Letter, Line, Office, Peer, Task

Json = dict[str, Any]
Outcome = Literal["completed", "input_required", "failed", "cancelled"]


class Order(BaseModel):
    """A task to delegate. ``deadline`` is seconds from now; ``report`` wants its end posted into the own mailbox."""

    model_config = ConfigDict(frozen=True)

    target: UUID
    task: str
    key: str
    report: bool = True
    deadline: float | None = None
    thread_id: str | None = None


class Desk(Protocol):
    """The desk of one workspace, as one MCP session has it. Every method raises a PostroomError for what is refused.

    What ``take`` hands out stays this session's: the desk extends it while the session lives, and it goes back to the mailbox when the
    session dies. A message is named by its id alone; its lease token is the desk's own business.
    """

    async def office(self) -> Office:
        """This workspace."""
        ...

    async def card(self) -> Json | None:
        """Its agent card."""
        ...

    async def peers(self) -> Sequence[Peer]:
        """Whom the tree allows to talk to."""
        ...

    async def delegate(self, order: Order) -> Task:
        """Hand a task to a peer; it is theirs for certain once this returns."""
        ...

    async def task(self, task_id: UUID, wait: float = 0.0) -> Task:
        """Where a task stands, at its end or after ``wait`` seconds; much sooner only when nobody waits for it any more."""
        ...

    async def tasks(self, *, open: bool, limit: int) -> Sequence[Task]:
        """The tasks that this workspace delegated, newest first."""
        ...

    async def cancel(self, task_id: UUID) -> Task:
        """Ask for the end of a task."""
        ...

    async def take(self, wait: float) -> Letter | None:
        """The next message, handed to this session; None when there was none within ``wait`` seconds."""
        ...

    async def held(self) -> Sequence[Letter]:
        """What this session was handed and has not ended, oldest first."""
        ...

    async def peek(self, limit: int) -> Sequence[Letter]:
        """The unfinished post of the mailbox in its order, without taking any; ``held`` tells what this session has."""
        ...

    async def reply(self, message_id: UUID, text: str, outcome: Outcome) -> None:
        """End a message with an answer; the same reply again changes nothing. Raises LeaseLost, Superseded, NotFound."""
        ...

    async def give_back(self, message_id: UUID) -> None:
        """Put a message back into the mailbox."""
        ...

    async def progress(self, message_id: UUID, text: str) -> bool:
        """Show how far the work is; True when the sender does not want it any more. Raises LeaseLost."""
        ...

    async def ended(self, message_id: UUID) -> bool:
        """Whether a message of this mailbox has ended. Raises NotFound."""
        ...

    async def history(self, *, limit: int, before: int | None, thread_id: str | None) -> tuple[Sequence[Line], int | None]:
        """A page of what was said, oldest first, and the ``before`` of the page that goes before it."""
        ...

    async def tell(self, text: str, *, key: str, thread_id: str | None) -> tuple[UUID, str]:
        """Tell the workspace's people something; the id and the thread it is kept under."""
        ...
