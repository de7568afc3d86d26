"""The fetching side of a mailbox: claim, and the verbs that name the claim's lease token."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, Self

from postroom.client.transport import Id, Json, Transport, given, path_to

# What a long poll may take beyond its wait: connecting, a commit, the way back.
WAIT_MARGIN = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Who said it, as the server knows it."""

    kind: str
    id: str
    name: str
    role: str | None = None


class Claim(Protocol):
    """What names one hand-out: the verbs need no more than this of an item."""

    @property
    def workspace_id(self) -> str: ...
    @property
    def message_id(self) -> str: ...
    @property
    def token(self) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One claimed message. ``token`` is opaque; ``lease_until`` and ``deadline`` are times of the server's clock.

    ``chain`` are the workspaces (``id``, ``name``) that asked one another for it. ``report`` is set when it tells the end of something that
    was delegated: ``{"delegation_id", "status", "error"}``.
    """

    workspace_id: str
    message_id: str
    token: Any
    attempt: int
    lease_until: datetime
    deadline: datetime
    sender: Peer
    thread_id: str
    idempotency_key: str | None
    message: Json
    chain: list[Json] = field(default_factory=list[Json])
    report: Json | None = None

    @classmethod
    def from_wire(cls, workspace_id: Id, row: Json) -> Self:
        """Read one entry of a claim's ``items``. Fields that a newer server adds are passed over."""
        sender: Json = row["sender"]
        return cls(
            workspace_id=str(workspace_id),
            message_id=row["message_id"],
            token=row["token"],
            attempt=row["attempt"],
            lease_until=datetime.fromisoformat(row["lease_until"]),
            deadline=datetime.fromisoformat(row["deadline"]),
            sender=Peer(kind=sender["kind"], id=str(sender["id"]), name=sender["name"], role=sender.get("role")),
            thread_id=row["thread_id"],
            idempotency_key=row.get("idempotency_key"),
            message=row["message"],
            chain=row.get("on_behalf_of", []),
            report=row.get("report"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """A longer lease. ``cancel``: the sender no longer wants the work."""

    lease_until: datetime
    cancel: bool


class InboxCalls(Transport):
    """The verbs of a polling agent. Those about an item raise LeaseLost when its token is not the one that counts any more."""

    async def peek(self, id: Id, limit: int = 20) -> list[Json]:
        """Unfinished post in its order (1 to 100 messages), without taking any: rows as docs/http.md has them."""
        return (await self.request("GET", path_to("workspaces", id, "inbox"), query={"limit": limit})).body["items"]

    async def claim(self, id: Id, *, max: int = 1, wait: float = 30.0, lease: float = 30.0) -> list[Item]:
        """Claim up to ``max`` messages (1 to 32) for ``lease`` seconds each, waiting up to ``wait`` seconds (0 to 60) for the first."""
        body = {"max": max, "wait": wait, "lease": lease}
        answer = await self.request("POST", path_to("workspaces", id, "inbox", "claim"), json=body, timeout=wait + WAIT_MARGIN)
        return [Item.from_wire(id, row) for row in answer.body["items"]]

    async def extend(self, item: Claim, lease: float, *, timeout: float | None = None) -> Extension:
        """Keep the item for another ``lease`` seconds from now."""
        body = await self._say(item, "extend", timeout=timeout, lease=lease)
        return Extension(lease_until=datetime.fromisoformat(body["lease_until"]), cancel=body["cancel"])

    async def progress(self, item: Claim, text: str | None = None, parts: list[Json] | None = None, status: str | None = None) -> bool:
        """Show something before the reply: text or parts, and a word on the state. True when the sender no longer wants the work."""
        return bool((await self._say(item, "progress", parts=parts_of(text, parts), status=status)).get("cancel"))

    async def reply(
        self,
        item: Claim,
        text: str | None = None,
        *,
        parts: list[Json] | None = None,
        message: Json | None = None,
        usage: Json | None = None,
    ) -> None:
        """End the item with its answer; the same reply again is the same success. Raises Superseded with the ``winner``."""
        await self._say(item, "reply", parts=parts_of(text, parts), message=message, usage=usage)

    async def ask_back(self, item: Claim, text: str) -> None:
        """End the item with a question to its sender, whose answer comes as a message of the same thread."""
        said = {"role": "ROLE_AGENT", "parts": [{"text": text}]}
        await self._say(item, "reply", task={"status": {"state": "TASK_STATE_INPUT_REQUIRED", "message": said}})

    async def confirm_cancel(self, item: Claim) -> None:
        """End the item as cancelled: the work was stopped because ``cancel`` was asked for."""
        await self._say(item, "reply", task={"status": {"state": "TASK_STATE_CANCELED"}})

    async def fail(self, item: Claim, error: str, *, retry: bool = False) -> None:
        """End the attempt without an answer; with ``retry`` the message is handed out again later."""
        await self._say(item, "fail", error=error, retry=retry)

    async def release(self, item: Claim) -> None:
        """Give the item back at once, for another agent process to claim."""
        await self._say(item, "release")

    async def _say(self, item: Claim, verb: str, *, timeout: float | None = None, **fields: Any) -> Json:
        path = path_to("workspaces", item.workspace_id, "inbox", item.message_id, verb)
        return (await self.request("POST", path, json={"token": item.token, **given(**fields)}, timeout=timeout)).body


def parts_of(text: str | None, parts: list[Json] | None) -> list[Json] | None:
    """A2A 1.0 parts of a text, or the parts given."""
    return [{"text": text}] if text is not None else parts
