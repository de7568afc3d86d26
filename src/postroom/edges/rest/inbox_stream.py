"""``GET /workspaces/{id}/inbox/stream``: the verbs of the inbox over a WebSocket that the agent opened.

The agent sends ``{"id": n, "verb": "claim", ...}`` with the fields of the HTTP body, and ``message_id`` where HTTP has it in the path. It
is answered with ``{"id": n, "ok": true, ...}`` or ``{"id": n, "error": ..., "code": ...}``; answers may overtake one another.

After ``{"id": n, "verb": "subscribe", "max": m, "lease": s}`` post comes by itself as ``{"item": {...}}``, never more than ``max`` at a
time that were not finished; ``max`` 0 ends that. When the connection ends, what was pushed and never mentioned by any verb is given back
at once (the agent may not even have seen it); everything else stays with its lease, so that an agent that comes back can go on.

One text frame holds one request, at most as large as a reply may be. The server's WebSocket pings find dead connections; a client that
does not read for 30 s is cut; a credential that ends closes the connection with 4401.
"""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Final, cast
from uuid import UUID

import orjson
from pydantic import Field
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from postroom.clock import jittered, monotonic
from postroom.core.deliveries.model import Claim, Delivery
from postroom.core.identity.model import Principal
from postroom.core.services import Services
from postroom.db.signals import Subscription
from postroom.edges import strict_json
from postroom.edges.body import Fields, check
from postroom.edges.context import authenticate, request_id_of
from postroom.edges.credentials import CHECK_SECONDS, CredentialWatch
from postroom.edges.problems import codes_of, problem_body, problem_of, problem_response
from postroom.edges.rest.inbox_verbs import MOST, InboxVerbs, Lease, item_view, message_of, workspace_of
from postroom.errors import (
    Conflict,
    LeaseLost,
    Malformed,
    NotFound,
    PostroomError,
    Refused,
    Superseded,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

Json = dict[str, Any]

SEND_SECONDS: Final = 30.0
_AT_ONCE: Final = 64
_ENDING: Final = frozenset({"reply", "release", "fail"})


class SubscribeFields(Fields):
    """How much may be out over this connection, and for how long each."""

    max: Annotated[int, Field(ge=0, le=MOST, strict=True)] = 1
    lease: Lease | None = None


@dataclass(slots=True)
class _Pushed:
    """What was sent unasked: until when it counts as unfinished, and whether the agent has mentioned it."""

    delivery: Delivery
    until: float
    mentioned: bool = False


class InboxStream:
    """Lets agents in; each connection then lives for itself."""

    def __init__(self, services: Services, verbs: InboxVerbs) -> None:
        self._services = services
        self._verbs = verbs
        self._watch = CredentialWatch(services.identity)

    async def serve(self, websocket: WebSocket) -> None:
        """One connection, from its handshake to its end. A refusal is an HTTP answer in place of the handshake."""
        request_id = request_id_of(websocket.scope)
        try:
            principal = await authenticate(websocket, self._services)
            workspace = workspace_of(websocket.path_params)
            await self._verbs.admit_fetcher(principal, workspace)
        except Exception as error:  # boundary: problem_of logs and counts what nobody expected
            await websocket.send_denial_response(problem_response(problem_of(error, request_id, place="inbox_stream"), request_id))
            return
        await websocket.accept()
        with self._watch.watched(principal.credential_id):
            await _Connection(self._services, self._verbs, self._watch, principal, workspace, websocket).run()


class _Connection:
    def __init__(  # noqa: PLR0917 - made in one place
        self, services: Services, verbs: InboxVerbs, watch: CredentialWatch, principal: Principal, workspace: UUID, websocket: WebSocket
    ) -> None:
        self._services = services
        self._verbs = verbs
        self._watch = watch
        self._principal = principal
        self._workspace = workspace
        self._websocket = websocket
        self._request_id = request_id_of(websocket.scope)
        self._ended = asyncio.Event()
        self._sending = asyncio.Lock()
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._wish = SubscribeFields(max=0)
        self._pushing = Subscription()
        self._pushed: dict[UUID, _Pushed] = {}

    async def run(self) -> None:
        """Nothing here is cancelled when the agent leaves: what is under way comes to its end, and what it leased for nobody goes back."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._guard())
            tasks.create_task(self._push())
            await self._read(tasks)
            self._ended.set()
            self._pushing.wake()
            # A claim that waits finds out now, and not at its next look.
            self._services.signals.receive(f"post:{self._workspace}")
        unseen = [pushed.delivery for pushed in self._pushed.values() if not pushed.mentioned]
        await self._verbs.give_back(self._principal, unseen)

    # What the agent says

    async def _read(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            # No more frames are read than are worked on: an agent that floods waits at its own socket.
            await self._places.acquire()
            frame = await self._websocket.receive()
            if frame["type"] == "websocket.disconnect":
                return
            tasks.create_task(self._answer(frame.get("text")))

    async def _answer(self, text: str | None) -> None:
        asked: Json = {}
        try:
            asked = self._parse(text)
            told = {"ok": True, **await self._act(asked)}
        except Exception as raised:  # boundary: problem_of logs and counts what nobody expected
            error = problem_of(raised, self._request_id, place="inbox_stream")
            told = problem_body(error, self._request_id)
            if isinstance(error, Unauthenticated):
                await self._close(error)
        finally:
            self._places.release()
        await self._send({"id": asked.get("id"), **told})

    def _parse(self, text: str | None) -> Json:
        if text is None:
            raise Malformed("A frame is text that holds a JSON object.")
        data = text.encode()
        if len(data) > self._services.settings.reply_limit:
            raise TooLarge(
                f"A frame is larger than {self._services.settings.reply_limit} bytes.", limit=self._services.settings.reply_limit
            )
        value: Any = strict_json.loads(data)
        if not isinstance(value, dict):
            raise Malformed("A frame is text that holds a JSON object.")
        return cast(Json, value)

    async def _act(self, asked: Json) -> Json:
        verb: Any = asked.get("verb")
        if verb == "subscribe":
            return self._subscribe(asked)
        if verb == "claim":
            return await self._verbs.claim(self._principal, self._workspace, asked, self._is_gone, stopping=self._ended.is_set)
        if verb in self._verbs.names:
            return await self._say(verb, message_of(asked.get("message_id")), asked)
        raise Refused("There is no such verb.", code="unknown_verb", verbs=["claim", "subscribe", *self._verbs.names])

    async def _is_gone(self) -> bool:
        return self._ended.is_set()

    def _subscribe(self, asked: Json) -> Json:
        self._wish = check(SubscribeFields, asked)
        self._pushing.wake()
        return {"max": self._wish.max}

    async def _say(self, verb: str, message: UUID, asked: Json) -> Json:
        pushed = self._pushed.get(message)
        if pushed is not None:
            pushed.mentioned = True
        try:
            told = await self._verbs.say(verb, self._principal, self._workspace, message, asked)
        except (LeaseLost, Superseded, NotFound):
            self._forget(message)
            raise
        if verb in _ENDING:
            self._forget(message)
        elif pushed is not None and verb == "extend":
            pushed.until = monotonic() + float(asked.get("lease") or self._services.settings.lease_seconds)
        return told

    def _forget(self, message: UUID) -> None:
        """It is not out over this connection any more: there is room for another."""
        if self._pushed.pop(message, None) is not None:
            self._pushing.wake()

    # What comes by itself

    async def _push(self) -> None:
        with self._services.signals.subscribe(f"post:{self._workspace}") as self._pushing:
            while not self._ended.is_set():
                deliveries = await self._take()
                for delivery in deliveries:
                    await self._hand(delivery)
                if not deliveries:
                    await self._pushing.wait(jittered(self._services.settings.poll_seconds))

    async def _take(self) -> list[Delivery]:
        """Lease as many as there is room for."""
        now = monotonic()
        for message in [message for message, pushed in self._pushed.items() if pushed.until <= now]:
            del self._pushed[message]
        room = self._wish.max - len(self._pushed)
        if room <= 0:
            return []
        claim = Claim(workspace_id=self._workspace, credential_id=self._principal.credential_id, most=room, lease=self._lease())
        try:
            return await self._services.deliveries.claim_post(claim)
        except Unavailable:
            # The next turn of the loop looks again; a database that is away is no reason to hang up.
            return []
        except (Unauthenticated, Conflict) as error:
            await self._close(error)
            return []

    def _lease(self) -> float:
        return self._wish.lease or self._services.settings.lease_seconds

    async def _hand(self, delivery: Delivery) -> None:
        self._pushed[delivery.message_id] = _Pushed(delivery, monotonic() + self._lease())
        await self._send({"item": item_view(delivery)})

    # The connection

    async def _guard(self) -> None:
        """While the connection is open its agent lives, and its credential must."""
        while not await self._ends_within(CHECK_SECONDS):
            try:
                await self._watch.require(self._principal.credential_id)
                await self._verbs.touch(self._workspace)
            except Unavailable:
                continue
            except PostroomError as error:
                await self._close(error)
                return

    async def _ends_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._ended.wait()
        except TimeoutError:
            return False

    async def _send(self, frame: Json) -> None:
        """Send, or cut an agent that does not read; what it does not hear any more is known by its lease."""
        try:
            async with asyncio.timeout(SEND_SECONDS), self._sending:
                if self._websocket.application_state is WebSocketState.CONNECTED and not self._ended.is_set():
                    await self._websocket.send_text(orjson.dumps(frame).decode())
        except TimeoutError:
            await self._close(Unavailable("The other side does not read.", code="too_slow"))
        except WebSocketDisconnect:
            # The reader is told too, and ends the connection.
            return

    async def _close(self, error: PostroomError) -> None:
        if self._websocket.application_state is not WebSocketState.CONNECTED:
            return
        try:
            # RFC 6455, section 5.5: a reason has at most 123 bytes.
            await self._websocket.close(codes_of(error).close, error.name[:123])
        except WebSocketDisconnect:
            # It left before it could be told why. The reader is told too, and ends the connection.
            return
