"""What the tools do, over the client. A server that is away is waited for, within bounds; then the call says that it may be repeated."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

from postroom.bridge.patience import PATIENCE_SECONDS, patiently
from postroom.bridge.reading import letter_of, line_of, task_of, waiting_letter
from postroom.bridge.seat import Seat, Sitting
from postroom.client import Json
from postroom.clock import monotonic
from postroom.errors import Gone, LeaseLost, OutcomeUnknown, Superseded, Unauthenticated, Unavailable
from postroom.mcp.desk import Order, Outcome
from postroom.mcp.results import Letter, Line, Office, Peer, Task

# One wait at the server for the end of a task; well below the patience, which counts it.
LOOK_SECONDS = 4.0

Made = TypeVar("Made")


class ClientDesk:
    """The desk of one seat; see ``postroom.mcp.desk.Desk``."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat

    async def office(self) -> Office:
        """This workspace."""
        return Office.model_validate(await self._row())

    async def card(self) -> Json | None:
        """Its agent card."""
        return (await self._row())["agent_card"]

    async def _row(self) -> Json:
        return await self._patiently(lambda at: at.client.workspace(at.workspace_id))

    async def peers(self) -> Sequence[Peer]:
        """Whom the tree allows to talk to."""
        rows = await self._patiently(lambda at: at.client.peers(at.workspace_id))
        return [Peer.model_validate(row) for row in rows]

    async def delegate(self, order: Order) -> Task:
        """Hand a task to a peer. Raises OutcomeUnknown when the server did not say that it has it: the key settles it."""
        delegation = await self._for_certain(
            lambda at: at.client.delegate(
                at.workspace_id,
                order.target,
                order.task,
                key=order.key,
                report=order.report,
                deadline_seconds=order.deadline,
                thread_id=order.thread_id,
                retry_for=PATIENCE_SECONDS,
            ),
            key=order.key,
        )
        return task_of(delegation)

    async def task(self, task_id: UUID, wait: float = 0.0) -> Task:
        """Where a task stands, at its end or after ``wait`` seconds."""
        ends_at = monotonic() + wait
        while True:
            left = min(max(ends_at - monotonic(), 0.0), LOOK_SECONDS)
            task = task_of(await self._patiently(lambda at, left=left: at.client.delegation(at.workspace_id, task_id, wait=left)))
            if task.ended or monotonic() >= ends_at:
                return task

    async def tasks(self, *, open: bool, limit: int) -> Sequence[Task]:
        """The tasks that this workspace delegated, newest first."""
        found = await self._patiently(lambda at: at.client.delegations(at.workspace_id, open=open, limit=limit))
        return [task_of(one) for one in found]

    async def cancel(self, task_id: UUID) -> Task:
        """Ask for the end of a task."""
        return task_of(await self._patiently(lambda at: at.client.cancel_delegation(at.workspace_id, task_id)))

    async def take(self, wait: float) -> Letter | None:
        """The next message, kept for this session until it is ended."""
        at = await self._seated()
        item = await at.hand.take(wait)
        return None if item is None else letter_of(item, cancelled=at.hand.is_cancelled(item))

    async def held(self) -> Sequence[Letter]:
        """What this session was handed and has not ended."""
        at = await self._seated()
        return [letter_of(item, cancelled=at.hand.is_cancelled(item)) for item in at.hand.held]

    async def peek(self, limit: int) -> Sequence[Letter]:
        """The unfinished post of the mailbox in its order."""
        at = await self._seated()
        mine = {item.message_id for item in at.hand.held}
        rows = await self._patiently(lambda at: at.client.peek(at.workspace_id, limit))
        return [waiting_letter(row, held=row["message_id"] in mine) for row in rows]

    async def reply(self, message_id: UUID, text: str, outcome: Outcome) -> None:
        """End a message with an answer."""

        async def act(at: Sitting) -> None:
            item = at.hand.handed(message_id)
            match outcome:
                case "completed":
                    await at.client.reply(item, text)
                case "input_required":
                    await at.client.ask_back(item, text)
                case "failed":
                    await at.client.fail(item, text)
                case "cancelled":
                    await at.client.confirm_cancel(item)

        await self._about(message_id, act)

    async def give_back(self, message_id: UUID) -> None:
        """Put a message back into the mailbox."""
        await self._about(message_id, lambda at: at.client.release(at.hand.handed(message_id)))

    async def _about(self, message_id: UUID, act: Callable[[Sitting], Awaitable[None]]) -> None:
        """End a hand-out. Whether this does it or somebody else did, it is not held any more."""
        at = await self._seated()
        try:
            await self._patiently(act)
        except (LeaseLost, Superseded):
            at.hand.let_go(message_id)
            raise
        at.hand.let_go(message_id)

    async def progress(self, message_id: UUID, text: str) -> bool:
        """Show how far the work is; True when the sender does not want it any more."""
        at = await self._seated()
        item = at.hand.handed(message_id)
        if await self._patiently(lambda at: at.client.progress(item, text)):
            at.hand.cancel([item.message_id])
        return at.hand.is_cancelled(item)

    async def ended(self, message_id: UUID) -> bool:
        """Whether a message of this mailbox has ended."""
        task = await self._patiently(lambda at: at.client.task(at.workspace_id, message_id))
        return task["metadata"]["postroom.state"] not in ("accepted", "handed")

    async def history(self, *, limit: int, before: int | None, thread_id: str | None) -> tuple[Sequence[Line], int | None]:
        """A page of what was said, and the ``before`` of the page that goes before it."""
        place = None if before is None else str(before)
        page = await self._patiently(lambda at: at.client.chat_history(at.workspace_id, limit=limit, before=place, thread_id=thread_id))
        return [line_of(row) for row in page["messages"]], None if page["next"] is None else int(page["next"])

    async def tell(self, text: str, *, key: str, thread_id: str | None) -> tuple[UUID, str]:
        """Tell the workspace's people something. Raises OutcomeUnknown as ``delegate``."""
        told = await self._for_certain(lambda at: at.client.notify(at.workspace_id, text, key=key, thread_id=thread_id), key=key)
        return UUID(told["id"]), told["thread_id"]

    async def _for_certain(self, act: Callable[[Sitting], Awaitable[Made]], *, key: str) -> Made:
        try:
            return await self._patiently(act)
        except Unavailable as error:
            if error.name == "not_connected":
                raise
            raise OutcomeUnknown(error.sentence, retry_after=error.retry_after, idempotency_key=key) from error

    async def _seated(self) -> Sitting:
        return await patiently(self._seat.sitting)

    async def _patiently(self, act: Callable[[Sitting], Awaitable[Made]]) -> Made:
        async def once() -> Made:
            # Anew with every try: the seat may have found the server elsewhere meanwhile.
            at = await self._seat.sitting()
            try:
                return await act(at)
            except (Unauthenticated, Gone, Unavailable):
                at.doubted.set()
                raise

        return await patiently(once)
