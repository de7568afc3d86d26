"""The desk of a session, on the services: each method is one of their calls, made as the workspace whose token came with the request."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import anyio

from postroom.core.delegations.model import Wanted
from postroom.core.deliveries.model import Failure, Reply, Session
from postroom.core.identity.model import Principal
from postroom.core.messages.model import Draft, Passage
from postroom.core.services import Services
from postroom.edges.idempotency import checked_key, message_id_for, reply_id_for
from postroom.edges.mcp import showing
from postroom.edges.wire import ROLE_USER, text_message
from postroom.errors import NotFound, TooLarge
from postroom.mcp.desk import Order, Outcome
from postroom.mcp.results import Letter, Line, Office, Peer, Task

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedDesk:
    """``enough`` tells that nobody waits any more: the client is gone, or the server stops."""

    services: Services
    caller: Principal
    session: Session
    enough: Callable[[], Awaitable[bool]]
    traceparent: str | None

    @property
    def _workspace(self) -> UUID:
        return self.session.workspace_id

    async def office(self) -> Office:
        return showing.office(await self.services.workspaces.get(self.caller, self._workspace))

    async def card(self) -> Json | None:
        return (await self.services.workspaces.get(self.caller, self._workspace)).agent_card

    async def peers(self) -> Sequence[Peer]:
        found = await self.services.workspaces.list(self.caller)
        return [showing.peer(workspace) for workspace in found if workspace.id != self._workspace]

    # What is asked of others.

    async def delegate(self, order: Order) -> Task:
        key = checked_key(order.key)
        message = text_message(self._sized(order.task), message_id=message_id_for(key), role=ROLE_USER)
        draft = Draft(
            workspace_id=order.target,
            body=message,
            size=len(order.task),
            key=key,
            options={"report": order.report, "cancel_with_parent": False},
            thread_id=order.thread_id,
            deadline=order.deadline,
            traceparent=self.traceparent,
            report=order.report,
        )
        receipt = await self.services.delegations.delegate(self.caller, self._workspace, draft)
        return await self.task(receipt.message_id)

    async def task(self, task_id: UUID, wait: float = 0.0) -> Task:
        found = await self.services.delegations.get(self.caller, self._workspace, task_id)
        if wait > 0 and found.ended_at is None:
            found = await self.services.delegations.wait(self._workspace, task_id, wait, self.enough)
        return showing.task(found)

    async def tasks(self, *, open: bool, limit: int) -> Sequence[Task]:
        found, _ = await self.services.delegations.list(self.caller, self._workspace, Wanted(open=open, limit=limit))
        return [showing.task(one) for one in found]

    async def cancel(self, task_id: UUID) -> Task:
        return showing.task(await self.services.delegations.cancel(self.caller, self._workspace, task_id))

    # What others ask.

    async def take(self, wait: float) -> Letter | None:
        # To the end even when the client breaks off: what was claimed meanwhile has to be given back. ``enough`` ends it within a second.
        found = None
        with anyio.CancelScope(shield=True):
            found = await self.services.keeping.take(self.session, wait, self.enough)
        return None if found is None else showing.letter(found, held=True)

    async def held(self) -> Sequence[Letter]:
        return [showing.waiting(one) for one in await self.services.keeping.held(self.session)]

    async def peek(self, limit: int) -> Sequence[Letter]:
        return [showing.waiting(one) for one in await self.services.keeping.look(self._workspace, limit, self.session)]

    async def reply(self, message_id: UUID, text: str, outcome: Outcome) -> None:
        deliveries = self.services.deliveries
        hold = await self.services.keeping.hold(self.session, message_id)
        match outcome:
            case "failed":
                await deliveries.fail(hold, Failure(code="agent_failed", detail=text, retry=False))
            case "cancelled":
                await deliveries.confirm_cancel(hold)
            case "completed" | "input_required":
                message = text_message(text, message_id=reply_id_for(message_id))
                await deliveries.reply(hold, Reply(message=message, interrupted="input-required" if outcome == "input_required" else None))

    async def give_back(self, message_id: UUID) -> None:
        await self.services.keeping.give_back(await self.services.keeping.hold(self.session, message_id))

    async def progress(self, message_id: UUID, text: str) -> bool:
        hold = await self.services.keeping.hold(self.session, message_id)
        return await self.services.deliveries.report_progress(hold, {"parts": [{"text": text}]})

    async def ended(self, message_id: UUID) -> bool:
        standing = await self.services.messages.standing(message_id)
        if standing.workspace_id != self._workspace:
            raise NotFound("There is no such message in this mailbox.")
        return standing.ended

    # What was said.

    async def history(self, *, limit: int, before: int | None, thread_id: str | None) -> tuple[Sequence[Line], int | None]:
        passage = Passage(thread=thread_id, before=before, limit=limit)
        page = await self.services.reading.history(self.caller, self._workspace, passage)
        return [showing.line(entry) for entry in page.entries], page.next

    async def tell(self, text: str, *, key: str, thread_id: str | None) -> tuple[UUID, str]:
        message = text_message(self._sized(text), message_id=message_id_for(checked_key(key)))
        notice = Draft(workspace_id=self._workspace, body=message, size=0, key=key, thread_id=thread_id, traceparent=self.traceparent)
        receipt = await self.services.messages.notify(self.caller, notice)
        return receipt.message_id, receipt.thread_id

    def _sized(self, text: str) -> str:
        """The text, if a request may be so large; a call of a tool may carry a reply, which may be larger."""
        limit = self.services.settings.request_limit
        if len(text.encode()) > limit:
            raise TooLarge(f"The text is larger than {limit} bytes.", limit=limit)
        return text
