"""Asking peers, so that a handler that runs again asks the same thing once."""

import hashlib
from uuid import uuid4

from postroom.agent.message import current_message
from postroom.client import Client, Json, Sent
from postroom.clock import monotonic
from postroom.errors import Conflict, NotFound

# One wait at the server; the wait is renewed under the same key, so its length decides nothing.
WAIT_SECONDS = 60.0
# An outage of the server is sat out for as long as a handler may reasonably hang on it.
RETRY_SECONDS = 600.0


class AskFailed(Exception):
    """The peer did not answer. ``sent`` says how the message ended, or how it stood when the time was up."""

    def __init__(self, sentence: str, sent: Sent) -> None:
        super().__init__(sentence)
        self.sent = sent


class Asking:
    """What the agent says on its own behalf."""

    def __init__(self, client: Client, workspace_id: str) -> None:
        self._client = client
        self._workspace_id = workspace_id

    async def peers(self, q: str | None = None) -> list[Json]:
        """Whom this agent may talk to: id, name, role, status, skills, card, parent_id, active_tasks."""
        return await self._client.peers(self._workspace_id, q)

    async def ask(self, peer: str, text: str, *, timeout: float | None = None) -> str:
        """Send ``text`` to a peer, by name or id, and wait for the text of its reply, at most ``timeout`` seconds.

        Inside a handler the key comes from the message, the peer and the text, so that a redelivered message asks nothing twice and
        gets the same answer. Raises NotFound when there is no such peer, Conflict when several bear the name, AskFailed when it did
        not answer.
        """
        target = await self._target(peer)
        key = _key(target, text)
        ends_at = None if timeout is None else monotonic() + timeout
        while True:
            wait = WAIT_SECONDS if ends_at is None else min(WAIT_SECONDS, max(ends_at - monotonic(), 0.0))
            sent = await self._client.send(target, text, key=key, wait=wait, retry_for=RETRY_SECONDS)
            if sent.state in ("replied", "input_required"):
                return sent.text or ""
            if sent.state not in ("accepted", "handed") or (ends_at is not None and monotonic() >= ends_at):
                raise AskFailed(_sentence(peer, sent), sent)

    async def _target(self, peer: str) -> str:
        found = await self.peers()
        named = [row for row in found if peer in (row["id"], row["name"])]
        if not named:
            names = ", ".join(sorted(row["name"] for row in found)) or "none"
            raise NotFound(f"no peer {peer!r}; there are: {names}")
        if len(named) > 1:
            raise Conflict(f"several peers are named {peer!r}", ids=[row["id"] for row in named])
        return named[0]["id"]


def _key(target: str, text: str) -> str:
    message = current_message.get(None)
    if message is None:
        return str(uuid4())
    # With the text in it: a handler that words its question differently when it runs again asks anew, instead of being refused for
    # another body under a used key.
    subject = f"{target}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return f"{message.id}:{subject}:{message.next_count(subject)}"


def _sentence(peer: str, sent: Sent) -> str:
    detail = (sent.error or {}).get("detail")
    return f"{peer}: {sent.state}" + (f": {detail}" if detail else "")
