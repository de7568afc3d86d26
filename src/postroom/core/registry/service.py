"""Use cases of the registry that change who there is: create, look, change, remove, pause."""

from collections.abc import Sequence
from uuid import UUID

from postroom.core.deliveries import store as delivery_store
from postroom.core.events import store as event_store
from postroom.core.events.model import EventType
from postroom.core.identity import store as identity_store
from postroom.core.identity.model import NewToken, Principal
from postroom.core.identity.service import Identity, require_manager
from postroom.core.registry import store
from postroom.core.registry.model import DEEPEST, AddressCheck, CreatedWorkspace, DeliveryMode, Json, NewWorkspace, Workspace
from postroom.db.database import Connection, Database, Row
from postroom.db.signals import EVERYTHING, Signals
from postroom.errors import Conflict, Forbidden, Gone, NotFound, PostroomError, Refused
from postroom.failpoints import reach
from postroom.ids import new_id

_FAILED_AT_ONCE = 500
# Changing these decides how the mailbox is worked; changing the rest is only about how the workspace looks.
_MAILBOX_FIELDS = {"delivery_mode", "url", "max_concurrent"}


class Workspaces:
    """Workspaces as the operator manages them and as everybody sees them."""

    def __init__(self, db: Database, identity: Identity, addresses: AddressCheck, signals: Signals) -> None:
        self._db = db
        self._identity = identity
        self._addresses = addresses
        self._signals = signals

    async def list(self, principal: Principal, *, removed: bool = False, like: str | None = None) -> Sequence[Workspace]:
        """What the caller may see: everything, or itself and its peers."""
        return await store.list_workspaces(self._db, principal, removed=removed and principal.manages, like=like and f"%{_literal(like)}%")

    async def get(self, principal: Principal, workspace: UUID, *, removed: bool = False) -> Workspace:
        """One workspace. Raises NotFound for what the caller may not see as for what does not exist, Gone for a removed one."""
        found = await store.list_workspaces(self._db, principal, only=workspace, removed=removed and principal.manages)
        if not found:
            raise await self.absence(principal, workspace)
        return found[0]

    async def check_url(self, url: str) -> None:
        """Whether a URL may be an agent's; raises Refused."""
        await self._addresses.check_url(url)

    async def absence(self, principal: Principal, workspace: UUID) -> PostroomError:
        """Why a workspace is not there for this caller."""
        if await store.is_removed(self._db, principal, workspace):
            return Gone("This workspace was removed.", code="workspace_removed")
        return NotFound("There is no such workspace.", code="workspace_not_found")

    async def create(self, principal: Principal, new: NewWorkspace) -> CreatedWorkspace:
        """Make a workspace, its mailbox and its first token. Raises Forbidden, Refused."""
        require_manager(principal)
        if new.url is not None:
            await self._addresses.check_url(new.url)
        mode = new.delivery_mode or (DeliveryMode.PUSH if new.url else DeliveryMode.POLL)
        made, token = new_id(), self._identity.new_token("prw")

        async def act(connection: Connection) -> NewToken:
            await store.lock_tree(connection)
            await self._check_place(connection, new.parent_id, below=0)
            await store.insert_workspace(connection, made, new, mode)
            await delivery_store.insert_mailbox(connection, made, new.max_concurrent, called=_is_called(mode, new.url))
            await self._note(connection, EventType.CREATED, principal, made, {"name": new.name, "parent_id": _text(new.parent_id)})
            return await self._identity.add_workspace_token(connection, made, token, label="first")

        shown = await self._db.transaction(act)
        self._signals.emit("events")
        return CreatedWorkspace(workspace=await self.get(principal, made), token=shown)

    async def change(self, principal: Principal, workspace: UUID, fields: Json) -> Workspace:
        """Set the given fields, all or nothing. Raises Forbidden, NotFound, Gone, Refused."""
        require_manager(principal)
        if fields.get("url"):
            await self._addresses.check_url(fields["url"])

        async def act(connection: Connection) -> None:
            if "parent_id" in fields:
                await store.lock_tree(connection)
            row = await store.lock_workspace(connection, workspace)
            if row is None:
                raise await self.absence(principal, workspace)
            await self._apply(connection, principal, row, fields)

        await self._db.transaction(act)
        self._signals.emit("events", "calls", f"post:{workspace}")
        return await self.get(principal, workspace)

    async def _apply(self, connection: Connection, principal: Principal, row: Row, fields: Json) -> None:
        merged: Json = {**dict(row), **fields}
        if "parent_id" in fields and fields["parent_id"] != row["parent_id"]:
            await self._move(connection, principal, row, fields["parent_id"])
        await store.update_workspace(connection, row["id"], {"metadata": fields.get("metadata"), **merged})
        if _MAILBOX_FIELDS & fields.keys():
            await self._configure(connection, principal, row["id"], merged)
        # A move has told itself.
        told = {name: value for name, value in fields.items() if name != "parent_id"}
        if told:
            await self._note(connection, EventType.UPDATED, principal, row["id"], told)

    async def _configure(self, connection: Connection, principal: Principal, workspace: UUID, merged: Json) -> None:
        most = merged.get("max_concurrent")
        if most is None:
            most = (await self.get(principal, workspace)).max_concurrent
        called = _is_called(DeliveryMode(merged["delivery_mode"]), merged["url"])
        await delivery_store.configure_mailbox(connection, workspace, most, called=called)

    async def _move(self, connection: Connection, principal: Principal, row: Row, parent: UUID | None) -> None:
        if parent == row["id"]:
            raise Refused("A workspace can not be its own parent.", code="tree_cycle")
        below = await store.measure_depth(connection, row["id"], row["ancestors"])
        ancestors = await self._check_place(connection, parent, below=below)
        if row["id"] in ancestors:
            raise Refused("This would make a workspace its own ancestor.", code="tree_cycle")
        await store.move_workspace(connection, row["id"], parent, ancestors)
        payload = {"from": _text(row["parent_id"]), "to": _text(parent)}
        await self._note(connection, EventType.MOVED, principal, row["id"], payload)

    async def _check_place(self, connection: Connection, parent: UUID | None, *, below: int) -> Sequence[UUID]:
        """The path to a place below ``parent``. Raises Refused when there is no such parent or the tree would grow too deep."""
        if parent is None:
            return []
        row = await store.find_parent(connection, parent)
        if row is None:
            raise Refused("There is no such parent.", code="unknown_parent", parent_id=str(parent))
        path: Sequence[UUID] = [*row["ancestors"], parent]
        if len(path) + below >= DEEPEST:
            raise Refused(f"The tree is at most {DEEPEST} levels deep.", code="tree_too_deep", limit=DEEPEST)
        return path

    async def remove(self, principal: Principal, workspace: UUID, *, confirm: bool) -> Sequence[UUID]:
        """Remove it and what hangs below: post fails, senders are told, tokens die.

        Raises Conflict with the children when not confirmed, Forbidden, NotFound, Gone.
        """
        require_manager(principal)

        async def act(connection: Connection) -> Sequence[UUID]:
            await store.lock_tree(connection)
            if await store.lock_workspace(connection, workspace) is None:
                raise await self.absence(principal, workspace)
            await _refuse_with_children(connection, workspace, confirm=confirm)
            doomed = await store.list_subtree(connection, workspace)
            await delivery_store.lock_mailboxes(connection, doomed)
            for one in doomed:
                await store.mark_removed(connection, one)
                await delivery_store.pause_mailbox(connection, one, paused=True)
                await identity_store.revoke_all_tokens(connection, one)
                await self._note(connection, EventType.REMOVED, principal, one, {"with": str(workspace)})
            return doomed

        doomed = await self._db.transaction(act)
        reach("removal.marked")
        for one in doomed:
            await self.fail_rest(one)
        self._signals.emit(EVERYTHING)
        return doomed

    async def finish_removals(self) -> None:
        """Go on with removals that a crash interrupted."""
        for workspace in await delivery_store.list_abandoned(self._db):
            await self.fail_rest(workspace)

    async def fail_rest(self, workspace: UUID) -> None:
        """End what is unfinished in a removed mailbox, a bounded number per transaction; safe to run again."""

        async def act(connection: Connection) -> bool:
            return await delivery_store.fail_mailbox(connection, workspace, _FAILED_AT_ONCE) == _FAILED_AT_ONCE

        more = True
        while more:
            more = await self._db.transaction(act)
            reach("removal.failed")

    async def pause(self, principal: Principal, workspace: UUID, *, paused: bool) -> Workspace:
        """A paused mailbox accepts and does not hand out. Raises Forbidden, NotFound, Gone."""
        require_manager(principal)

        async def act(connection: Connection) -> None:
            if await store.lock_workspace(connection, workspace) is None:
                raise await self.absence(principal, workspace)
            await delivery_store.pause_mailbox(connection, workspace, paused=paused)
            await self._note(connection, EventType.PAUSED if paused else EventType.RESUMED, principal, workspace, {})

        await self._db.transaction(act)
        self._signals.emit("events", "calls", f"post:{workspace}")
        return await self.get(principal, workspace)

    async def related(self, principal: Principal, caller: UUID, target: UUID) -> bool:
        """The tree rule between two workspaces; a workspace may ask about itself only. Raises Forbidden."""
        if not principal.manages and principal.id != caller:
            raise Forbidden("A workspace asks about its own access only.")
        return await store.find_relation(self._db, caller, target)

    async def _note(self, connection: Connection, kind: EventType, principal: Principal, workspace: UUID, payload: Json) -> None:
        await event_store.insert_event(connection, kind, workspace, actor_kind=principal.kind.value, actor=principal.id, payload=payload)


async def _refuse_with_children(connection: Connection, workspace: UUID, *, confirm: bool) -> None:
    children = await store.list_children(connection, workspace)
    if children and not confirm:
        listed = [{"id": str(row["id"]), "name": row["name"]} for row in children]
        raise Conflict("Its children would be removed with it: add ?confirm=true.", code="has_children", children=listed)


def _is_called(mode: DeliveryMode, url: str | None) -> bool:
    return mode is DeliveryMode.PUSH and bool(url)


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _literal(text: str) -> str:
    """The text with what LIKE would take as a pattern escaped."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
