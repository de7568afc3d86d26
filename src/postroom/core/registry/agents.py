"""Use cases of the registry in which agents speak for themselves: register, heartbeat, card, signs of life."""

from collections.abc import Sequence
from uuid import UUID

from postroom.core.deliveries import store as delivery_store
from postroom.core.deliveries.service import Deliveries
from postroom.core.events import store as event_store
from postroom.core.events.model import EventType
from postroom.core.identity.model import Principal
from postroom.core.registry import store
from postroom.core.registry.model import DeliveryMode, Heartbeat, HeartbeatAnswer, Json, Status, Workspace
from postroom.core.registry.service import Workspaces
from postroom.db.database import Connection, Database
from postroom.db.signals import Signals
from postroom.errors import Forbidden, Refused
from postroom.failpoints import reach

# Contract: half of the calls failing is degraded, fewer than a tenth is well again; between them nothing changes.
_DEGRADED_FROM = 0.5
_WELL_BELOW = 0.1
_SIGN = {Status.ONLINE: EventType.ONLINE, Status.DEGRADED: EventType.DEGRADED, Status.OFFLINE: EventType.OFFLINE}


class Agents:
    """What an agent does with its own workspace and nobody else's."""

    def __init__(self, db: Database, workspaces: Workspaces, deliveries: Deliveries, signals: Signals) -> None:
        self._db = db
        self._workspaces = workspaces
        self._deliveries = deliveries
        self._signals = signals

    async def register(self, principal: Principal, workspace: UUID, *, card: Json, url: str | None, mode: DeliveryMode | None) -> Workspace:
        """Store card and address; online from now on. Raises NotFound, Forbidden, Refused: never makes a workspace (lessons.md, L21)."""
        known = await self._own(principal, workspace)
        if url is not None:
            await self._workspaces.check_url(url)
        mode = mode or (known.delivery_mode if known.registered_at or known.url else DeliveryMode.PUSH if url else DeliveryMode.POLL)
        if mode is DeliveryMode.PUSH and not (url or known.url):
            raise Refused("An agent that is called needs a url.", code="url_missing")

        async def act(connection: Connection) -> None:
            row = await store.lock_workspace(connection, workspace)
            if row is None:
                raise await self._workspaces.absence(principal, workspace)
            await store.register_workspace(connection, workspace, card, url, mode)
            await delivery_store.configure_mailbox(connection, workspace, known.max_concurrent, called=mode is DeliveryMode.PUSH)
            await self._see(connection, workspace, Status.ONLINE, Heartbeat(), beats=False)
            await self._note(connection, EventType.REGISTERED, workspace, {"delivery_mode": mode.value})

        await self._db.transaction(act)
        self._signals.emit("events", "calls", f"post:{workspace}")
        return await self._workspaces.get(principal, workspace)

    async def heartbeat(self, principal: Principal, workspace: UUID, beat: Heartbeat) -> HeartbeatAnswer:
        """Heard of; says how the agent is and what it may stop doing. Raises NotFound, Forbidden."""
        known = await self._own(principal, workspace)
        reach("heartbeat.received")

        async def act(connection: Connection) -> Status:
            row = await store.lock_presence(connection, workspace)
            status = _judge(Status(row["status"]) if row else Status.OFFLINE, beat.error_rate)
            await self._see(connection, workspace, status, beat, beats=True)
            reach("heartbeat.seen")
            return status

        status = await self._db.transaction(act, pool="reserved")
        reach("heartbeat.committed")
        cancel = await self._deliveries.wanted_cancels(workspace)
        return HeartbeatAnswer(status=status, queue_depth=known.queue_depth, cancel=cancel)

    async def update_card(self, principal: Principal, workspace: UUID, card: Json) -> Workspace:
        """Replace the card. Raises NotFound, Forbidden."""
        if not principal.manages:
            await self._own(principal, workspace)

        async def act(connection: Connection) -> None:
            if not await store.update_card(connection, workspace, card):
                raise await self._workspaces.absence(principal, workspace)
            await self._note(connection, EventType.CARD, workspace, {})

        await self._db.transaction(act)
        self._signals.emit("events")
        return await self._workspaces.get(principal, workspace)

    async def touch(self, workspaces: Sequence[UUID]) -> None:
        """A claim, a reply, an answered call: they live."""

        async def act(connection: Connection) -> int:
            woken = await store.touch_presence(connection, workspaces)
            for workspace in woken:
                await self._note(connection, EventType.ONLINE, workspace, {})
            return len(woken)

        if await self._db.transaction(act, pool="workers"):
            self._signals.emit("events")

    async def mark_silent(self, seconds: float) -> int:
        """Whoever was not heard of for so long is offline, and the feed says so, every time anew (lessons.md, L16)."""

        async def act(connection: Connection) -> int:
            silent = await store.mark_silent(connection, seconds)
            for workspace in silent:
                await self._note(connection, EventType.OFFLINE, workspace, {})
            return len(silent)

        count = await self._db.transaction(act, pool="workers")
        if count:
            self._signals.emit("events")
        return count

    async def _own(self, principal: Principal, workspace: UUID) -> Workspace:
        known = await self._workspaces.get(principal, workspace)
        if principal.workspace_id != workspace:
            raise Forbidden("Only the workspace's own token may do this.")
        return known

    async def _see(self, connection: Connection, workspace: UUID, status: Status, beat: Heartbeat, *, beats: bool) -> None:
        row = await store.lock_presence(connection, workspace)
        await store.update_presence(connection, workspace, status, beat, beats=beats)
        if row is not None and row["status"] != status.value:
            await self._note(connection, _SIGN[status], workspace, {"sample_error": beat.sample_error})

    async def _note(self, connection: Connection, kind: EventType, workspace: UUID, payload: Json) -> None:
        told = {name: value for name, value in payload.items() if value is not None}
        await event_store.insert_event(connection, kind, workspace, actor_kind="workspace", actor=workspace, payload=told)


def _judge(before: Status, error_rate: float | None) -> Status:
    if error_rate is not None and error_rate >= _DEGRADED_FROM:
        return Status.DEGRADED
    if before is Status.DEGRADED and (error_rate is None or error_rate >= _WELL_BELOW):
        return Status.DEGRADED
    return Status.ONLINE
