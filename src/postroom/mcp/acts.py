"""What each tool does at the desk, and what it must not do twice."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar
from uuid import UUID

from postroom.clock import monotonic
from postroom.errors import OutcomeUnknown, Refused
from postroom.ids import new_id
from postroom.mcp import words
from postroom.mcp.desk import Desk, Order
from postroom.mcp.inputs import (
    Answer,
    CancelTask,
    CheckTask,
    Delegate,
    DelegateAndWait,
    History,
    ListPeers,
    Nothing,
    Peek,
    Pop,
    ReportProgress,
    TellPeople,
    WaitForMessage,
)
from postroom.mcp.naming import chosen
from postroom.mcp.results import Letter, Line, Mailbox, Noted, Office, Page, Peers, Received, Settled, Task, Tasks, Told

Long = TypeVar("Long", Letter, Line)

SHOWN_CHARACTERS: Final = 2000
"""Of a text among others; whole is what was handed out, and the only line of a page."""
_TOLD_EVERY: Final = 5.0

Tell = Callable[[float, float, str], Awaitable[None]]
"""Tells a client that asked for it how far its call is: seconds done, seconds at most, a sentence."""


async def list_peers(desk: Desk, given: ListPeers, _: Tell) -> Peers:
    wanted = (given.query or "").casefold()
    return Peers(peers=[peer for peer in await desk.peers() if wanted in f"{peer.name} {peer.role} {peer.skills}".casefold()])


async def office(desk: Desk, _given: Nothing, _tell: Tell) -> Office:
    return await desk.office()


async def _delegate(desk: Desk, given: Delegate, *, report: bool) -> Task:
    order = Order(
        target=await _target(desk, given.workspace_id),
        task=given.task,
        key=given.idempotency_key or str(new_id()),
        report=report,
        deadline=given.deadline_seconds,
        thread_id=given.thread_id,
    )
    try:
        return await desk.delegate(order)
    except OutcomeUnknown as error:
        # The key settles it: a model that was never told it could only ask for the same work twice.
        raise OutcomeUnknown(error.sentence, retry_after=error.retry_after, idempotency_key=order.key) from error


async def delegate_async(desk: Desk, given: Delegate, _: Tell) -> Task:
    return await _delegate(desk, given, report=True)


async def delegate_and_wait(desk: Desk, given: DelegateAndWait, tell: Tell) -> Task:
    # Accepted first and awaited then: whatever becomes of the wait, the task goes on and is known by its id.
    task = await _delegate(desk, given, report=given.timeout_seconds == 0)
    return await _follow(desk, task, given.timeout_seconds, tell)


async def check(desk: Desk, given: CheckTask, tell: Tell) -> Tasks:
    if given.task_id is None:
        return Tasks(tasks=list(await desk.tasks(open=True, limit=64)))
    task = await desk.task(given.task_id)
    return Tasks(tasks=[await _follow(desk, task, given.timeout_seconds, tell)])


async def _follow(desk: Desk, task: Task, seconds: float, tell: Tell) -> Task:
    """The task at its end or after so many seconds; the client is told how it goes."""
    ends_at, waits = monotonic() + seconds, True
    while waits and not task.ended and (left := ends_at - monotonic()) > 0:
        await tell(round(seconds - left, 1), seconds, words.standing(task))
        turn, began = min(left, _TOLD_EVERY), monotonic()
        task = await desk.task(task.task_id, turn)
        # Sooner back than asked for: there is nobody who waits, or the server stops.
        waits = monotonic() - began > turn / 2
    return task


async def _target(desk: Desk, named: str) -> UUID:
    """The id that a model meant. Raises as ``chosen``."""
    try:
        return UUID(named)
    except ValueError:
        own, peers = await desk.office(), {peer.id: peer.name for peer in await desk.peers()}
    # A peer of the same name is meant rather than oneself, whom the post room refuses with the right words.
    alone = own.name not in peers.values()
    return chosen(named, peers | {own.id: own.name} if alone else peers)


async def cancel(desk: Desk, given: CancelTask, _: Tell) -> Task:
    return await desk.cancel(given.task_id)


async def wait_for_message(desk: Desk, given: WaitForMessage, _: Tell) -> Received:
    letter = await desk.take(given.timeout_seconds)
    taken = None if letter is None else letter.message_id
    return Received(message=letter, held=[one.message_id for one in await desk.held() if one.message_id != taken])


async def peek(desk: Desk, given: Peek, _: Tell) -> Mailbox:
    return Mailbox(messages=[letter if letter.held else _shortened(letter) for letter in await desk.peek(given.limit)])


async def reply(desk: Desk, given: Answer, _: Tell) -> Settled:
    await desk.reply(given.message_id, given.text, given.outcome)
    return Settled(message_id=given.message_id, status="answered")


async def pop(desk: Desk, given: Pop, _: Tell) -> Settled:
    held = {letter.message_id: letter for letter in await desk.held()}
    letter = held.get(given.message_id)
    if letter is None:
        return await _popped(desk, given.message_id)
    if given.if_unanswered == "give_back":
        await desk.give_back(given.message_id)
        return Settled(message_id=given.message_id, status="given_back")
    if given.if_unanswered == "refuse" and letter.report is None and not letter.cancel_requested:
        raise Refused("You have not answered this message.", code="not_answered", message_id=str(given.message_id))
    await desk.reply(given.message_id, "", "cancelled" if letter.cancel_requested else "completed")
    return Settled(message_id=given.message_id, status="ended")


async def _popped(desk: Desk, message_id: UUID) -> Settled:
    if not await desk.ended(message_id):
        raise Refused("You do not hold this message.", code="not_held", message_id=str(message_id))
    return Settled(message_id=message_id, status="ended")


async def progress(desk: Desk, given: ReportProgress, _: Tell) -> Noted:
    return Noted(message_id=given.message_id, cancel_requested=await desk.progress(given.message_id, given.text))


async def history(desk: Desk, given: History, _: Tell) -> Page:
    lines, following = await desk.history(limit=given.limit, before=given.before, thread_id=given.thread_id)
    return Page(lines=[line if given.limit == 1 else _shortened(line) for line in lines], next=following)


def _shortened(said: Long) -> Long:
    """As much of a text as a look shows: a model that looks at many should not have to read all of each."""
    left_out = len(said.text) - SHOWN_CHARACTERS
    return said if left_out <= 0 else said.model_copy(update={"text": said.text[:SHOWN_CHARACTERS], "left_out": left_out})


async def tell(desk: Desk, given: TellPeople, _: Tell) -> Told:
    message_id, thread_id = await desk.tell(given.text, key=given.idempotency_key or str(new_id()), thread_id=given.thread_id)
    return Told(message_id=message_id, thread_id=thread_id)
