"""Sends what the reply store holds until it is taken; the only place where replies leave the agent."""

import asyncio
import logging
from contextlib import suppress

from postroom.agent.store import Kept, ReplyStore
from postroom.client import Client, Item
from postroom.client.retry import pause_before
from postroom.errors import Conflict, Gone, Malformed, NotFound, PostroomError, Refused, TooLarge, TooMany, Unauthenticated, Unavailable
from postroom.failpoints import reach

# How soon the reply that another process left is found, in seconds.
LOOK_SECONDS = 2.0

log = logging.getLogger(__name__)


class Outbox:
    """The delivery loop of one workspace's replies."""

    def __init__(self, store: ReplyStore, client: Client) -> None:
        self._store = store
        self._client = client
        self._attempt = 0
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()

    def put(self, item: Item, fields: dict[str, object]) -> None:
        """Keep the reply; on return it is on the disk, and on its way."""
        self._store.put(Kept(workspace_id=item.workspace_id, message_id=item.message_id, token=item.token, fields=fields))
        self._empty.clear()
        self._wake.set()

    async def run(self) -> None:
        """Send for ever, with jittered pauses while the server is away. Raises Unauthenticated when the credential ended."""
        while True:
            self._wake.clear()
            if await self.run_once():
                self._attempt = 0
                # Not for ever: a process of this agent that ends may leave a reply that it could not send any more.
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._wake.wait()
            else:
                await asyncio.sleep(pause_before(self._attempt))
                self._attempt += 1

    async def run_once(self) -> bool:
        """Try every waiting reply; whether none is left."""
        kept_back = [kept for kept in self._store.waiting() if not await self._send(kept)]
        if not kept_back and not self._wake.is_set():
            self._empty.set()
        return not kept_back

    async def drained(self) -> None:
        """Return when nothing waits any more."""
        await self._empty.wait()

    async def _send(self, kept: Kept) -> bool:
        try:
            await self._client.reply(kept, **kept.fields)
            reach("agent.replied")
        except (Unavailable, TooMany) as error:
            log.log(logging.DEBUG if self._attempt else logging.WARNING, "the reply to message %s is kept: %s", kept.message_id, error)
            return False
        except Unauthenticated:
            raise
        except PostroomError as error:
            return await self._refused(kept, error)
        self._store.settle(kept)
        reach("agent.settled")
        return True

    async def _refused(self, kept: Kept, error: PostroomError) -> bool:
        """Whether it is settled. After a lost lease the store still holds the reply: the message may come again and be answered from it."""
        log.warning("the reply to message %s was refused: %s (%s)", kept.message_id, error, error.name)
        match error:
            case Conflict() | NotFound() | Gone():
                self._store.settle(kept)
            case Malformed() | TooLarge() | Refused():
                return await self._fail(kept, error)
            case _:
                # The server is at fault (500): the reply is not.
                return False
        return True

    async def _fail(self, kept: Kept, error: PostroomError) -> bool:
        """A reply that can never be taken ends its message as failed, else it would be handed out and refused for ever."""
        try:
            await self._client.fail(kept, f"the reply was refused: {error}")
        except (Unavailable, TooMany):
            return False
        except PostroomError as second:
            log.warning("message %s could not be failed: %s", kept.message_id, second)
        self._store.drop(kept)
        return True
