"""Calling agents: claim what is due, hand it out, bring the answer home.

A call belongs to this component's task group and to nobody's request. What a call holds is a lease; it is extended while the call lasts,
and every write about it names its token. When the lease is lost the call is dropped: somebody else has it.
"""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from postroom.clock import jittered, monotonic
from postroom.core.deliveries import store
from postroom.core.deliveries.model import (
    Caller,
    CallResult,
    CallTarget,
    Cancelled,
    Delivery,
    Failure,
    Hold,
    NotHanded,
    Reply,
    Return,
    ReturnKind,
    Watch,
)
from postroom.core.deliveries.service import Deliveries
from postroom.core.services import Services
from postroom.errors import LeaseLost, NotFound, PostroomError, Refused, Superseded, Unavailable
from postroom.failpoints import reach
from postroom.metrics import CALLS_IN_FLIGHT, FAULTS, LEASES_LOST

Json = dict[str, Any]

log = structlog.get_logger()

# A process trusts a lease for less than its length, counted from before the claim (style.md, habit 3).
_TRUSTED_SHARE = 0.8
_LONGEST_PAUSE = 5.0


@dataclass(slots=True, eq=False)
class _Call:
    delivery: Delivery
    target: CallTarget
    trusted_until: float
    task: asyncio.Task[None] | None = None
    calling: bool = False
    unwanted: bool = False
    lost: bool = False
    upstream: Json | None = None

    @property
    def hold(self) -> Hold:
        return Hold(message_id=self.delivery.message_id, workspace_id=self.delivery.workspace_id, token=self.delivery.token)


class _Shown(Watch):
    """What an agent tells while it is called, told on as a fetching agent's progress is."""

    def __init__(self, call: _Call, deliveries: Deliveries) -> None:
        self._call = call
        self._deliveries = deliveries

    def begun(self, upstream: Json) -> None:
        self._call.upstream = upstream

    async def progress(self, told: Json) -> None:
        try:
            await self._deliveries.report_progress(self._call.hold, told)
        except (PostroomError, OSError) as error:
            # Whose lease was lost is dropped by the next extension; what can not be kept now is not shown, and the work goes on.
            log.info("progress not shown", message_id=str(self._call.delivery.message_id), error=type(error).__name__)


class Deliver:
    """The calls of this server. ``limit`` of them may be in flight at a time."""

    def __init__(self, services: Services, caller: Caller) -> None:
        self._services = services
        self._caller = caller
        self._limit = services.settings.call_limit
        self._lease = services.settings.lease_seconds
        self._calls: dict[UUID, _Call] = {}
        self._group: asyncio.TaskGroup | None = None
        self._closing = False
        self._idle = asyncio.Event()
        self._idle.set()
        self.seen: set[UUID] = set()
        self._strange: dict[UUID, int] = {}

    async def run(self) -> None:
        """Own the calls until cancelled; the lifespan's task group runs this."""
        async with asyncio.TaskGroup() as self._group:
            await asyncio.Event().wait()

    @property
    def free(self) -> int:
        """How many more calls may begin."""
        return 0 if self._closing else self._limit - len(self._calls)

    # Leases that were born with their message

    def may_lend(self) -> bool:
        """Whether an accept may hand its message to this server at once."""
        return self._group is not None and self.free > 0

    def take(self, delivery: Delivery, target: CallTarget, since: float) -> None:
        """Begin the call of a lease that an accept made for this server, asked for at ``since`` (monotonic)."""
        reach("lend.taken")
        self._start(delivery, target, self._trust(since))

    # Claims

    async def claim(self) -> bool:
        """Lease what is due and begin the calls; one run of the loop ``deliver``."""
        free = self.free
        if free <= 0:
            return False
        trust = self._trust(monotonic())
        claimed = await self._services.deliveries.claim_calls(free)
        if claimed:
            reach("claim.calls_read")
        for delivery, target in claimed:
            self._start(delivery, target, trust)
        if claimed:
            self._services.signals.emit("events")
        return len(claimed) == free

    def _trust(self, since: float) -> float:
        return since + self._lease * _TRUSTED_SHARE

    def _start(self, delivery: Delivery, target: CallTarget, trusted_until: float) -> None:
        if self._group is None:
            raise RuntimeError("calls begin inside run() only")
        call = _Call(delivery, target, trusted_until)
        self._calls[delivery.message_id] = call
        self._idle.clear()
        CALLS_IN_FLIGHT.set(len(self._calls))
        call.task = self._group.create_task(self._carry(call), name=f"call {delivery.message_id}")

    # One call

    async def _carry(self, call: _Call) -> None:
        reach("call.begun")
        try:
            result = await self._hand(call)
            if result is not None:
                reach("call.settling")
                await self._settle(call, result)
                reach("call.settled")
            if isinstance(result, Cancelled) and call.unwanted and call.upstream is not None:
                await self._caller.cancel(call.target, call.upstream)
        except Exception as error:  # boundary: one call must not end the others; the lease runs out and the message is handed again
            FAULTS.labels("call").inc()
            log.exception("call crashed", message_id=str(call.delivery.message_id), error=type(error).__name__)
        finally:
            self._forget(call)

    def _forget(self, call: _Call) -> None:
        if self._calls.get(call.delivery.message_id) is call:
            del self._calls[call.delivery.message_id]
        CALLS_IN_FLIGHT.set(len(self._calls))
        if not self._calls:
            self._idle.set()
        if self.free == 1:
            # There was no room: what has been due meanwhile was left where it is.
            self._services.signals.receive("calls")

    async def _hand(self, call: _Call) -> CallResult | None:
        """The agent's answer; None when the lease was lost before or while it was called."""
        if monotonic() > call.trusted_until:
            return None
        call.calling = True
        try:
            result = await self._caller.call(call.delivery, call.target, _Shown(call, self._services.deliveries))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or not (call.unwanted or call.lost):
                raise
            task.uncancel()
            return None if call.lost else Cancelled()
        finally:
            call.calling = False
        if not isinstance(result, NotHanded):
            self.seen.add(call.delivery.workspace_id)
        return result

    async def _settle(self, call: _Call, result: CallResult) -> None:
        """Write the answer down, however long the database takes to listen: it was paid for."""
        pause = 0.1
        while not await self._written(call, result):
            await asyncio.sleep(jittered(pause))
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _written(self, call: _Call, result: CallResult) -> bool:
        try:
            await self._write(call.hold, result)
        except (LeaseLost, Superseded, NotFound) as error:
            log.info("answer came too late", message_id=str(call.delivery.message_id), reason=error.name)
        except (Unavailable, OSError) as error:
            FAULTS.labels("settle").inc()
            log.warning("answer could not be written yet", message_id=str(call.delivery.message_id), error=type(error).__name__)
            return False
        except PostroomError as error:
            log.warning("answer was refused", message_id=str(call.delivery.message_id), reason=error.name)
        return True

    async def _write(self, hold: Hold, result: CallResult) -> None:
        deliveries = self._services.deliveries
        match result:
            case Reply():
                await self._reply(hold, result)
            case Failure():
                await deliveries.fail(hold, result)
            case NotHanded():
                error = {"code": result.code, "detail": result.detail}
                await deliveries.give_back(Return(hold=hold, kind=ReturnKind.NOT_HANDED, error=error))
            case Cancelled():
                await deliveries.confirm_cancel(hold)

    async def _reply(self, hold: Hold, reply: Reply) -> None:
        try:
            await self._services.deliveries.reply(hold, reply)
        except Refused as refused:
            # Nobody is there to be told and to answer better: asking again would bring the same.
            await self._services.deliveries.fail(hold, Failure(code=refused.name, detail=refused.sentence, retry=False))

    # While calls last

    async def extend(self) -> bool:
        """Extend the leases of all calls; drop those that were lost, stop those that nobody wants; one run of the loop ``extend``."""
        calls = list(self._calls.values())
        if calls:
            reach("extend.calls_due")
        held = await self._services.deliveries.extend([call.hold for call in calls], self._lease)
        if calls:
            reach("extend.calls_committed")
        for call in calls:
            extension = held.get(call.delivery.message_id)
            call.lost = extension is None
            call.unwanted = extension is not None and extension.cancel
            # Only while the agent is being called: an answer that is being written down is left to the token to judge.
            if (call.lost or call.unwanted) and call.calling and call.task is not None:
                if call.lost:
                    LEASES_LOST.labels("dropped").inc()
                reach("cancel.call_dropped")
                call.task.cancel()
        return False

    async def disown(self) -> bool:
        """Give up leases that this server holds and does not know of; one run of the loop ``disown``.

        A claim whose commit was cut off is run again, and finds other post: the first commit's leases would have to run out. What is
        unknown at two looks in a row is meant by nobody; if it is, the token decides.
        """
        known = list(self._calls)
        self._strange, freed = await store.free_own_leases(self._services.db, self._services.server, known, self._strange)
        reach("disown.looked")
        if freed:
            reach("disown.freed")
            LEASES_LOST.labels("unknown").inc(freed)
            self._services.signals.emit("calls")
        return False

    async def note_seen(self) -> bool:
        """Agents that answered are alive; one run of the loop ``presence``."""
        seen, self.seen = self.seen, set()
        if seen:
            await self._services.agents.touch(sorted(seen))
        return False

    async def drain(self, seconds: float) -> None:
        """Begin nothing new and wait for what is out (R90). A lease that was taken is a call at once, so there is none to give back."""
        self._closing = True
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            log.info("stopping with calls in flight; their leases stay", calls=len(self._calls))
