"""Tells the client that there is post, if it takes that: Claude Code as a channel event, others of the handshake era as a log message.

Nothing is fetched for it. Whether a client shows such things to its model, no server can know, and a message that was handed to a session
which never looks would be kept from all others.
"""

import asyncio
import contextlib
import logging
from contextlib import aclosing
from typing import Any, Final, Literal, cast

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.session import ServerSession
from mcp_types import EmptyResult, LoggingMessageNotification, LoggingMessageNotificationParams, SetLevelRequestParams
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel

from postroom.bridge.seat import Sitting
from postroom.client import Json
from postroom.clock import jittered
from postroom.errors import PostroomError
from postroom.mcp.words import plain

# Claude Code's name for servers that push (its "channels reference"): the capability, and the notification ``{content, meta}``.
CHANNEL: Final = "claude/channel"
EXPERIMENTAL: Final[dict[str, Json]] = {CHANNEL: {}}
# With its spread, 15 to 25 seconds between two looks that no event brought about.
SHORTEST_PAUSE = 15.0
SPREAD = 10.0
# Of the mailbox, to find the first that nobody has.
MOST = 20

log = logging.getLogger(__name__)


class ChannelNotification(BaseModel):
    """What Claude Code puts before its model as ``<channel source="postroom" key="value">content</channel>``: ``{content, meta}``."""

    method: Literal["notifications/claude/channel"] = "notifications/claude/channel"
    params: Json


class Notices:
    """Watches mailboxes for the client of one server."""

    def __init__(self) -> None:
        self._session: ServerSession | None = None
        self._met = asyncio.Event()

    def attach(self, server: Server[Any]) -> None:
        """From now on its client is the one that is told."""
        server.middleware.append(self._meet)
        server.add_request_handler("logging/setLevel", SetLevelRequestParams, _take_any_level)

    async def _meet(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        self._session = ctx.session
        if ctx.method != "initialize":
            self._met.set()
        return await call_next(ctx)

    async def watch(self, at: Sitting) -> None:
        """Tell of each message that waits in this mailbox and that nobody asks for, for ever, once there is a client to tell."""
        await self._met.wait()
        happened = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_follow(at, happened))
            tasks.create_task(self._look_for_ever(at, happened))

    async def _look_for_ever(self, at: Sitting, happened: asyncio.Event) -> None:
        told: str | None = None
        while True:
            happened.clear()
            try:
                found = await _waiting(at)
            except PostroomError as error:
                log.info("no look into the mailbox of %s: %s", at.name, error)
            else:
                if found is not None and found["message_id"] != told:
                    told = found["message_id"]
                    await self._tell(at.name, found)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SHORTEST_PAUSE + jittered(SPREAD)):
                    await happened.wait()

    async def _tell(self, name: str, found: Json) -> None:
        session = cast(ServerSession, self._session)
        sender = f"{found['sender']['kind']} {plain(found['sender']['name'])}"
        sentence = f'A message from {sender} waits in the mailbox of "{plain(name)}": wait_for_message hands it to you.'
        if _is_claude_code(session):
            meta = {"workspace": plain(name), "sender": sender, "message_id": found["message_id"]}
            await _notify(session, ChannelNotification(params={"content": sentence, "meta": meta}))
        elif session.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            # Later revisions let a server log only within a call that asked for it.
            params = LoggingMessageNotificationParams(level="notice", logger="postroom", data=sentence)
            await _notify(session, LoggingMessageNotification(params=params))


async def _follow(at: Sitting, happened: asyncio.Event) -> None:
    """Whatever happens in the mailbox is a reason to look; without the feed, looks come by themselves."""
    try:
        async with aclosing(at.client.events(at.workspace_id)) as frames:
            async for _ in frames:
                happened.set()
    except PostroomError as error:
        log.info("no feed: %s", error)


async def _waiting(at: Sitting) -> Json | None:
    """The first message that nobody has; None where there is none, and while the client asks for one by itself or works on one."""
    if at.hand.wanted or at.hand.held:
        return None
    rows = await at.client.peek(at.workspace_id, MOST)
    return next((row for row in rows if row["state"] == "accepted"), None)


def _is_claude_code(session: ServerSession) -> bool:
    params = session.client_params
    return params is not None and params.client_info.name.startswith("claude-code")


async def _notify(session: ServerSession, notification: Any) -> None:
    await session.send_notification(notification)


async def _take_any_level(_context: ServerRequestContext[Any, Any], _params: SetLevelRequestParams) -> EmptyResult:
    """There is one kind of notice, and a client that wants none shows none."""
    return EmptyResult()
