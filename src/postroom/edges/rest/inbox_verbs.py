"""The verbs of a fetching agent, once for HTTP and for the stream that it opened.

A verb takes who speaks, the workspace, and the fields as they came, and gives back the fields of the answer. Who speaks has to be that
workspace itself: not even the operator takes an agent's post away from it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import Field

from postroom.core.deliveries.model import Cancelled, Claim, Delivery, Failure, Hold, Reply, Return, ReturnKind, Written
from postroom.core.deliveries.service import brought_to_url
from postroom.core.identity.model import Principal
from postroom.core.messages.model import Standing
from postroom.core.registry.model import DeliveryMode
from postroom.core.services import Services
from postroom.edges.body import Fields, Text, check
from postroom.edges.presence import Presence
from postroom.edges.rest.inbox_replies import read_reply
from postroom.edges.wire import message_from_wire, rfc3339
from postroom.errors import Forbidden, NotFound, PostroomError, Refused, Superseded

Json = dict[str, Any]
Gone = Callable[[], Awaitable[bool]]

MOST: Final = 32
LONGEST_WAIT: Final = 60.0
SHORTEST_LEASE: Final = 10.0
LONGEST_LEASE: Final = 3600.0

Lease = Annotated[float, Field(ge=SHORTEST_LEASE, le=LONGEST_LEASE)]


class ClaimFields(Fields):
    """``max`` messages for ``lease`` seconds each, after at most ``wait`` seconds."""

    max: Annotated[int, Field(ge=1, le=MOST, strict=True)] = 1
    wait: Annotated[float, Field(ge=0, le=LONGEST_WAIT)] = 0.0
    lease: Lease | None = None


class HoldFields(Fields):
    """What every verb about a hand-out names."""

    token: Annotated[int, Field(ge=1, lt=2**63, strict=True)]


class ExtendFields(HoldFields):
    """``lease`` seconds from now."""

    lease: Lease | None = None


class ProgressFields(HoldFields):
    """How far the agent is, in parts or a text, and a word on its state."""

    parts: list[Any] | None = None
    text: Text | None = None
    status: Annotated[Text, Field(max_length=255)] | None = None


class FailFields(HoldFields):
    """Why there is no answer, and whether another attempt makes sense."""

    error: Annotated[Text, Field(min_length=1, max_length=10_000)]
    retry: bool = False


class InboxVerbs:
    """claim, extend, progress, reply, fail, release."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._presence = Presence(services.agents)
        self._verbs: dict[str, Callable[[Hold, Json], Awaitable[Json]]] = {
            "extend": self._extend,
            "progress": self._progress,
            "reply": self._reply,
            "fail": self._fail,
            "release": self._release,
        }

    @property
    def names(self) -> Sequence[str]:
        """The verbs about one hand-out."""
        return tuple(self._verbs)

    async def admit(self, principal: Principal, workspace: UUID) -> None:
        """Raises Forbidden, NotFound, Gone for a stranger."""
        if principal.workspace_id != workspace:
            await self._services.workspaces.get(principal, workspace)
            raise Forbidden("Only the workspace's own token may do this.")
        await self._presence.touch(workspace)

    async def admit_fetcher(self, principal: Principal, workspace: UUID) -> None:
        """Raises Conflict (``delivery_mode``), too, before a connection is opened for post that is brought to a URL."""
        await self.admit(principal, workspace)
        if (await self._services.workspaces.get(principal, workspace)).delivery_mode is DeliveryMode.PUSH:
            raise brought_to_url()

    async def touch(self, workspace: UUID) -> None:
        """A sign of life without a verb: an open stream."""
        await self._presence.touch(workspace)

    async def claim(self, principal: Principal, workspace: UUID, body: Json, gone: Gone, *, stopping: Callable[[], bool]) -> Json:
        """Lease what is due, waiting for the first, but not while the server is ``stopping``.

        ``gone`` tells that nobody would hear the answer: then nothing is kept.
        """
        fields = check(ClaimFields, body)
        await self.admit(principal, workspace)
        lease = fields.lease or self._services.settings.lease_seconds
        claim = Claim(workspace_id=workspace, credential_id=principal.credential_id, most=fields.max, lease=lease)

        async def enough() -> bool:
            return stopping() or await gone()

        deliveries = await self._services.deliveries.wait_for_post(claim, fields.wait, enough)
        if deliveries and await gone():
            await self.give_back(principal, deliveries)
        return {"items": [item_view(delivery) for delivery in deliveries]}

    async def give_back(self, principal: Principal, deliveries: Sequence[Delivery]) -> None:
        """What was leased for nobody; what can not be given back runs out by itself."""
        for delivery in deliveries:
            hold = _hold(principal, delivery.workspace_id, delivery.message_id, delivery.token)
            try:
                await self._services.deliveries.give_back(Return(hold=hold, kind=ReturnKind.RELEASE))
            except PostroomError:
                continue

    async def say(self, verb: str, principal: Principal, workspace: UUID, message: UUID, body: Json) -> Json:
        """One of ``names`` about one hand-out. Raises LeaseLost, Superseded (with the ``winner``), NotFound, Refused, Malformed."""
        await self.admit(principal, workspace)
        hold = _hold(principal, workspace, message, check(HoldFields, body).token)
        try:
            return await self._verbs[verb](hold, body)
        except Superseded as error:
            standing = await self._services.messages.standing(message)
            raise Superseded(error.sentence, message_id=str(message), winner=_winner(standing)) from error

    async def _extend(self, hold: Hold, body: Json) -> Json:
        lease = check(ExtendFields, body).lease or self._services.settings.lease_seconds
        extension = await self._services.deliveries.extend_one(hold, lease)
        return {"lease_until": rfc3339(extension.lease_until), "cancel": extension.cancel}

    async def _progress(self, hold: Hold, body: Json) -> Json:
        fields = check(ProgressFields, body)
        given = fields.parts if fields.text is None else [{"text": fields.text}]
        if given is None and fields.status is None:
            raise Refused("Progress needs parts, a text or a status.", code="invalid", fields=["parts", "text", "status"])
        parts = message_from_wire({"parts": given})["parts"] if given is not None else None
        told = {name: value for name, value in (("parts", parts), ("status", fields.status)) if value is not None}
        return {"cancel": await self._services.deliveries.report_progress(hold, told)}

    async def _reply(self, hold: Hold, body: Json) -> Json:
        deliveries = self._services.deliveries
        match read_reply(hold.message_id, body):
            case Reply() as reply:
                return _ended(await deliveries.reply(hold, reply), "replied")
            case Failure() as failure:
                return _ended(await deliveries.fail(hold, failure), "failed")
            case Cancelled():
                return _ended(await deliveries.confirm_cancel(hold), "cancelled")

    async def _fail(self, hold: Hold, body: Json) -> Json:
        fields = check(FailFields, body)
        failure = Failure(code="agent_failed", detail=fields.error, retry=fields.retry)
        return _ended(await self._services.deliveries.fail(hold, failure), "accepted" if fields.retry else "failed")

    async def _release(self, hold: Hold, _body: Json) -> Json:
        written = await self._services.deliveries.give_back(Return(hold=hold, kind=ReturnKind.RELEASE))
        return _ended(written, "accepted")


def workspace_of(path: Mapping[str, Any]) -> UUID:
    """The workspace in a path; raises NotFound, as for an id that nothing has."""
    return _id(path.get("id"), "There is no such workspace.", "workspace_not_found")


def message_of(text: object) -> UUID:
    """A message's id; raises NotFound."""
    return _id(text, "There is no such message in this mailbox.", "not_found")


def _id(text: object, sentence: str, code: str) -> UUID:
    try:
        return UUID(text if isinstance(text, str) else "")
    except ValueError:
        raise NotFound(sentence, code=code) from None


def item_view(delivery: Delivery) -> Json:
    """A hand-out as the agent sees it."""
    sender = delivery.sender
    return {
        "message_id": str(delivery.message_id),
        "token": delivery.token,
        "attempt": delivery.attempt,
        "lease_until": rfc3339(delivery.lease_until),
        "deadline": rfc3339(delivery.deadline),
        "sender": {"kind": sender.kind, "id": str(sender.id), "name": sender.name, "role": sender.role},
        "thread_id": delivery.thread_id,
        "task_id": str(delivery.task_id),
        "idempotency_key": delivery.idempotency_key,
        "message": delivery.message,
        "traceparent": delivery.traceparent,
        "on_behalf_of": list(delivery.chain),
        "report": delivery.report,
    }


def _hold(principal: Principal, workspace: UUID, message: UUID, token: int) -> Hold:
    return Hold(message_id=message, workspace_id=workspace, token=token, credential_id=principal.credential_id)


def _ended(written: Written, state: str) -> Json:
    """Where the message stands after the verb; giving back may also have been its end."""
    stands = written.verdict if written.verdict in ("failed", "cancelled") else state
    return {"message_id": str(written.message_id), "state": stands}


def _winner(standing: Standing) -> Json:
    reply_id = None if standing.reply_id is None else str(standing.reply_id)
    return {"state": standing.state.value, "reply_id": reply_id, "message": standing.reply, "error": standing.error}
