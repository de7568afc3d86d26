"""Use cases of dead letters: look at what came to nothing, say it again, or give it up.

A replay is a message like any other, sent by who asks for it, along the one path. The letter is marked in the transaction that accepts it.
"""

from uuid import UUID

import orjson

from postroom.core.events import store as event_store
from postroom.core.events.model import EventType
from postroom.core.identity.model import Principal
from postroom.core.identity.service import require_manager
from postroom.core.messages import store
from postroom.core.messages.model import DeadLetterPage, Draft, Json, Receipt
from postroom.core.messages.service import Messages
from postroom.core.registry.service import Workspaces
from postroom.db.database import Connection, Database, Row
from postroom.db.signals import Signals
from postroom.errors import Conflict, NotFound

# What a message is about, and not where it stood in a conversation that is over.
_SAID_AGAIN = ("role", "parts", "metadata", "extensions")


class DeadLetters:
    """Messages that failed or expired, for those who manage."""

    def __init__(self, db: Database, signals: Signals, *, messages: Messages, workspaces: Workspaces) -> None:
        self._db = db
        self._signals = signals
        self._messages = messages
        self._workspaces = workspaces

    async def list(self, principal: Principal, workspace: UUID | None, *, before: UUID | None, limit: int) -> DeadLetterPage:
        """A page, the newest first, of one workspace or all. Raises Forbidden, NotFound (also for ``before``)."""
        require_manager(principal)
        if workspace is not None:
            await self._workspaces.get(principal, workspace, removed=True)
        below = None if before is None else await self._find(before)
        letters = await store.list_dead_letters(self._db, workspace, below, limit + 1)
        shown = letters[:limit]
        following = shown[-1].line.id if len(letters) > limit else None
        return DeadLetterPage(letters=shown, next=following, total=await store.count_dead_letters(self._db, workspace))

    async def count(self) -> int:
        """How many there are."""
        return await store.count_dead_letters(self._db, None)

    async def replay(self, principal: Principal, message: UUID) -> Receipt:
        """Say it again: the receipt of the new message, or of the one that said it again before.

        Raises Forbidden, NotFound, Conflict (``dead_letter_dropped``), and what ``Messages.accept`` raises.
        """
        require_manager(principal)
        letter = await self._find(message)
        key = f"replay-{message}"
        body: Json = {name: letter["body"][name] for name in _SAID_AGAIN if name in letter["body"]} | {"messageId": key}
        again = Draft(
            workspace_id=letter["workspace_id"],
            body=body,
            size=len(orjson.dumps(body)),
            key=key,
            thread_id=letter["thread_id"],
            letter=message,
        )
        return await self._messages.accept(principal, again)

    async def drop(self, principal: Principal, message: UUID) -> None:
        """Give it up; again is the same. Raises Forbidden, NotFound, Conflict (``dead_letter_replayed``)."""
        require_manager(principal)

        async def act(connection: Connection) -> None:
            workspace = await store.drop_dead_letter(connection, message)
            if workspace is not None:
                await event_store.insert_event(
                    connection,
                    EventType.LETTER_DROPPED,
                    workspace,
                    actor_kind=principal.kind.value,
                    actor=principal.id,
                    message=message,
                )

        await self._db.transaction(act)
        letter = await self._find(message)
        if letter["replayed_as"] is not None:
            raise Conflict("This dead letter was replayed.", code="dead_letter_replayed", message_id=str(letter["replayed_as"]))
        self._signals.emit("events")

    async def _find(self, message: UUID) -> Row:
        letter = await store.find_dead_letter(self._db, message)
        if letter is None:
            raise NotFound("There is no such dead letter.", code="dead_letter_not_found")
        return letter
