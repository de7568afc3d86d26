"""Delegations: ask another workspace and go on; its answer comes as post."""

from dataclasses import dataclass, field
from typing import Any, Literal, Self
from uuid import uuid4

from postroom.client.retry import Patience
from postroom.client.transport import Id, Json, Transport, given, path_to
from postroom.clock import monotonic
from postroom.errors import Unavailable

Status = Literal["accepted", "handed", "input_required", "completed", "failed", "cancelled", "expired"]

# What a wait may take beyond its seconds: connecting, a commit, the way back.
WAIT_MARGIN = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """How a delegation stands. ``row`` is all that the server tells; ``text`` joins the text parts of the answer."""

    id: str
    status: Status
    target_id: str
    target_name: str
    text: str | None
    parts: list[Json]
    error: Json | None
    row: Json
    children: list["Delegation"] = field(default_factory=list["Delegation"])

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.status not in ("accepted", "handed")

    @classmethod
    def from_wire(cls, row: Json) -> Self:
        """Read one; fields that a newer server adds are in ``row``."""
        result: Json = row["result"] or {}
        children: list[Json] = row.get("children") or []
        return cls(
            id=row["delegation_id"],
            status=row["status"],
            target_id=row["target"]["id"],
            target_name=row["target"]["name"],
            text=result.get("text"),
            parts=result.get("parts", []),
            error=row["error"],
            row=row,
            children=[Delegation.from_wire(child) for child in children],
        )


class DelegationCalls(Transport):
    """What a workspace asks of others, with its own token; who manages may look and cancel."""

    async def delegate(  # noqa: PLR0913 - an option, a parameter
        self,
        id: Id,
        target_id: Id,
        content: str | list[Json],
        *,
        key: str | None = None,
        deadline_seconds: float | None = None,
        wait: float = 0.0,
        report: bool | None = None,
        cancel_with_parent: bool = False,
        on_behalf_of: Id | None = None,
        thread_id: str | None = None,
        retry_for: float = 60.0,
    ) -> Delegation:
        """Ask ``target_id`` for a text or parts, and wait up to ``wait`` seconds for the end.

        Transport failures and 503 are tried again under the same key, as by ``send``. Raises every refusal as it is.
        """
        body = given(
            target_id=str(target_id),
            **({"task": content} if isinstance(content, str) else {"parts": content}),
            deadline_seconds=deadline_seconds,
            report=report if report is not None else wait == 0,
            cancel_with_parent=cancel_with_parent,
            on_behalf_of=None if on_behalf_of is None else str(on_behalf_of),
            thread_id=thread_id,
        )
        headers = {"Idempotency-Key": key or str(uuid4())}
        ends_at = monotonic() + wait
        patience = Patience(retry_for)
        while True:
            began = monotonic()
            left = max(ends_at - began, 0.0)
            try:
                path = path_to("workspaces", id, "delegate")
                answer = await self.request("POST", path, json=body | {"wait_seconds": left}, headers=headers, timeout=left + WAIT_MARGIN)
            except Unavailable as error:
                await patience.pause(error, began)
            else:
                return Delegation.from_wire(answer.body)

    async def delegations(self, id: Id, **filters: Any) -> list[Delegation]:
        """A page, the newest first. Filters: ``open``, ``status``, ``on_behalf_of``, ``before`` (an id: below it), ``limit``."""
        body = (await self.request("GET", path_to("workspaces", id, "delegations"), query=filters)).body
        return [Delegation.from_wire(row) for row in body["delegations"]]

    async def delegation(self, id: Id, delegation_id: Id, *, tree: bool = False, wait: float = 0.0) -> Delegation:
        """One, at its end or after ``wait`` seconds; with ``tree`` what was delegated as part of it is in ``children``. Raises NotFound."""
        query = given(tree=tree or None, wait_seconds=wait or None)
        path = path_to("workspaces", id, "delegations", delegation_id)
        return Delegation.from_wire((await self.request("GET", path, query=query, timeout=wait + WAIT_MARGIN)).body)

    async def cancel_delegation(self, id: Id, delegation_id: Id) -> Delegation:
        """Ask for its end. Raises NotFound, and Conflict (``delegation_ended``)."""
        return Delegation.from_wire((await self.request("POST", path_to("workspaces", id, "delegations", delegation_id, "cancel"))).body)
