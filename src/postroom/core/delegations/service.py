"""Use cases of delegations: ask, wait, look, cancel; and to cancel what nobody wants any more."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from uuid import UUID

from postroom.core.delegations import store
from postroom.core.delegations.model import Delegation, OpenDelegation, Wanted
from postroom.core.deliveries.service import Deliveries
from postroom.core.identity.model import Principal
from postroom.core.identity.service import require_manager
from postroom.core.messages.model import Draft, Receipt
from postroom.core.messages.service import Messages
from postroom.core.registry.service import Workspaces
from postroom.db.database import Database
from postroom.errors import Conflict, Forbidden, NotFound, Refused
from postroom.failpoints import reach

_ORPHANS_AT_ONCE = 200
_TREE_MOST = 1000
MOST = 200
_OPEN_MOST = 1000


class Delegations:
    """What a workspace has asked of others."""

    def __init__(self, db: Database, messages: Messages, deliveries: Deliveries, workspaces: Workspaces, server: UUID) -> None:
        self._db = db
        self._messages = messages
        self._deliveries = deliveries
        self._workspaces = workspaces
        self._server = server

    async def delegate(self, principal: Principal, workspace: UUID, draft: Draft) -> Receipt:
        """Ask another workspace; ``receipt.message_id`` is the delegation's id, and it is kept, whatever happens to the caller.

        Raises Forbidden (only the workspace itself; ``chain_forbidden``), and what ``Messages.accept`` raises: Refused
        (``delegation_to_self``, ``delegation_cycle``, ``delegation_too_deep``), TooMany (``too_many_delegations``, ``own_mailbox_full``),
        Conflict (``parent_ended``) among it.
        """
        if principal.workspace_id != workspace:
            await self._permit(principal, workspace)
            raise Forbidden("Only the workspace's own token may do this.")
        if draft.workspace_id == workspace:
            raise Refused("A workspace can not delegate to itself.", code="delegation_to_self")
        return await self._messages.accept(principal, draft)

    async def wait(self, workspace: UUID, delegation: UUID, seconds: float, enough: Callable[[], Awaitable[bool]]) -> Delegation:
        """How it stands when it has ended, the time is up or nobody cares any more (see ``Messages.wait``)."""
        if seconds > 0:
            await self._messages.wait(delegation, seconds, enough)
        return await self._find(workspace, delegation)

    async def get(self, principal: Principal, workspace: UUID, delegation: UUID) -> Delegation:
        """Raises NotFound (``delegation_not_found``)."""
        await self._permit(principal, workspace)
        return await self._find(workspace, delegation)

    async def list(self, principal: Principal, workspace: UUID, wanted: Wanted) -> tuple[Sequence[Delegation], UUID | None]:
        """A page, the newest first, and where the next one begins. Raises NotFound, Forbidden."""
        await self._permit(principal, workspace)
        limit = min(wanted.limit, MOST)
        below = None if wanted.before is None else await self._find(workspace, wanted.before)
        found = await store.list_delegations(self._db, workspace, wanted, below, limit + 1)
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    async def open(self, principal: Principal) -> Sequence[OpenDelegation]:
        """What workspaces have asked of one another and still wait for, the oldest first; at most 1,000. Raises Forbidden."""
        require_manager(principal)
        return await store.list_open_delegations(self._db, _OPEN_MOST)

    async def tree(self, principal: Principal, workspace: UUID, delegation: UUID) -> Delegation:
        """One with what was delegated as part of it, as far as the caller may talk to both ends; at most 1,000. Raises NotFound."""
        root = await self.get(principal, workspace, delegation)
        by_id = {root.id: replace(root, children=[])}
        for below in await store.list_tree(self._db, principal, delegation, _TREE_MOST):
            by_id[below.id] = below
            above = by_id.get(below.on_behalf_of) if below.on_behalf_of else None
            if above is not None:
                above.children.append(below)
        return by_id[root.id]

    async def cancel(self, principal: Principal, workspace: UUID, delegation: UUID) -> Delegation:
        """Cancelled at once, or its holder is asked. Raises NotFound, and Conflict (``delegation_ended``) when it has ended otherwise."""
        await self.get(principal, workspace, delegation)
        verdict = await self._deliveries.cancel(delegation, principal.kind.value, principal.id)
        found = await self._find(workspace, delegation)
        if verdict == "ended" and found.status.value != "cancelled":
            raise Conflict("This delegation has ended.", code="delegation_ended", status=found.status.value)
        return found

    async def cancel_orphans(self) -> bool:
        """Cancel what hangs on something that has ended; True when there may be more."""
        orphans = await store.list_orphans(self._db, _ORPHANS_AT_ONCE)
        for orphan in orphans:
            reach("orphan.found")
            await self._deliveries.cancel(orphan, "server", self._server)
            reach("orphan.cancelled")
        return len(orphans) == _ORPHANS_AT_ONCE

    async def _find(self, workspace: UUID, delegation: UUID) -> Delegation:
        found = await store.find_delegation(self._db, workspace, delegation)
        if found is None:
            raise NotFound("This workspace has no such delegation.", code="delegation_not_found")
        return found

    async def _permit(self, principal: Principal, workspace: UUID) -> None:
        await self._workspaces.get(principal, workspace, removed=True)
        if not principal.manages and principal.id != workspace:
            raise Forbidden("A workspace sees its own delegations only.")
