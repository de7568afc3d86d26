"""Handing work to peers, so that a handler that runs again delegates the same thing once."""

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from uuid import uuid4

import orjson

from postroom.agent.filing import RETRY_SECONDS, Filing
from postroom.agent.message import Message, current_message
from postroom.agent.parts import Answer, Content, Json, parts_of
from postroom.client import Client, Delegation
from postroom.clock import monotonic
from postroom.errors import Conflict, NotFound

# One wait at the server; the wait is renewed under the same key, so its length decides nothing.
WAIT_SECONDS = 60.0


class AskFailed(Exception):
    """The peer did not answer. ``delegation`` says how it ended, or how it stood when the time was up."""

    def __init__(self, delegation: Delegation) -> None:
        detail = (delegation.error or {}).get("detail")
        stands = delegation.status if delegation.ended else f"no answer yet, it is {delegation.status}"
        super().__init__(f"{delegation.target_name}: {stands}" + (f": {detail}" if detail else ""))
        self.delegation = delegation


class Handle:
    """Something delegated, in the hands of who delegated it. ``id`` is the delegation's."""

    def __init__(self, client: Client, workspace_id: str, known: Delegation, again: Callable[[float], Awaitable[Delegation]]) -> None:
        """``again`` delegates the same thing once more, under the same key, and waits that many seconds for its end."""
        self.id = known.id
        self._client = client
        self._workspace_id = workspace_id
        self._known = known
        self._again = again

    async def look(self) -> Delegation:
        """How it stands."""
        self._known = await self._client.delegation(self._workspace_id, self.id)
        return self._known

    async def result(self, timeout: float | None = None) -> Answer:
        """Wait for the answer, at most ``timeout`` seconds. Raises AskFailed when there is none by then, or there will be none."""
        ends_at = None if timeout is None else monotonic() + timeout
        while not self._known.ended:
            wait = WAIT_SECONDS if ends_at is None else min(WAIT_SECONDS, max(ends_at - monotonic(), 0.0))
            self._known = await self._again(wait)
            if ends_at is not None and monotonic() >= ends_at:
                break
        if self._known.status not in ("completed", "input_required"):
            raise AskFailed(self._known)
        return Answer(self._known.parts, Filing(self._client).read)

    async def cancel(self) -> None:
        """Ask for its end; one that has ended stays as it is."""
        with suppress(Conflict):
            await self._client.cancel_delegation(self._workspace_id, self.id)


class Delegating:
    """What the agent asks of others, on behalf of the message that it handles."""

    def __init__(self, client: Client, workspace_id: str) -> None:
        self._client = client
        self._workspace_id = workspace_id

    async def peers(self, q: str | None = None) -> list[Json]:
        """Whom this agent may talk to: id, name, role, status, skills, card, parent_id, active_tasks."""
        return await self._client.peers(self._workspace_id, q)

    async def delegate(
        self, peer: str, content: Content, *, deadline_seconds: float | None = None, report: bool = False, cancel_with_parent: bool = False
    ) -> Handle:
        """Hand ``content`` to a peer, by name or id; on return it is accepted, for certain.

        Inside a handler the key comes from the message, the peer and what is asked, so that a redelivered message delegates nothing twice
        and gets the same answer. Raises NotFound when there is no such peer, Conflict when several bear the name, and what the server
        refuses (Refused: itself, a cycle, too deep; TooMany).
        """
        target, message = await self._target(peer), current_message.get(None)
        parts = await Filing(self._client).fitting(parts_of(content))
        wanted = {"deadline_seconds": deadline_seconds, "report": report, "cancel_with_parent": cancel_with_parent}
        key = str(uuid4()) if message is None else _key(message, target, {"parts": parts, **wanted})
        again = partial(
            self._client.delegate,
            self._workspace_id,
            target,
            parts,
            key=key,
            deadline_seconds=deadline_seconds,
            report=report,
            cancel_with_parent=cancel_with_parent,
            on_behalf_of=message and message.id,
            retry_for=RETRY_SECONDS,
        )
        return Handle(self._client, self._workspace_id, await again(), lambda wait: again(wait=wait))

    async def _target(self, peer: str) -> str:
        found = await self.peers()
        named = [row for row in found if peer in (row["id"], row["name"])]
        # A name means one of the own team first, whoever else bears it.
        named = [row for row in named if row.get("parent_id") == self._workspace_id] or named
        if not named:
            names = ", ".join(sorted(row["name"] for row in found)) or "none"
            raise NotFound(f"no peer {peer!r}; there are: {names}")
        if len(named) > 1:
            raise Conflict(f"several peers are named {peer!r}", ids=[row["id"] for row in named])
        return named[0]["id"]


def _key(message: Message, target: str, wanted: Json) -> str:
    # With what is asked in it: a handler that words its question differently when it runs again asks anew, instead of being refused for
    # another body under a used key.
    digest = hashlib.sha256(orjson.dumps(wanted, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    subject = f"{target}:{digest}"
    return f"{message.id}:{subject}:{message.next_count(subject)}"
