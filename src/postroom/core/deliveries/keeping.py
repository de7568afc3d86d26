"""Use cases of agents that speak in single calls, to whichever server: what they were handed is kept for them between their calls.

The lease is like any other: it has a token, it is extended, it runs out. Only who it belongs to is written beside it, so that the next call
finds it, at another server and after a restart, too. Nobody gives back what a session held when the session breaks off: its lease is cut to
a short one, and whoever sees the session alive, here or elsewhere, extends it again.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from uuid import UUID

from postroom.core.deliveries import store
from postroom.core.deliveries.model import Claim, Delivery, Hold, Return, ReturnKind, Session, Waiting
from postroom.core.deliveries.service import Deliveries
from postroom.db.database import Database
from postroom.errors import PostroomError
from postroom.settings import Settings

MOST = 100
# No message bears it: a write that names it is judged by how the message ended, and as late by whoever has it now.
_NO_TOKEN = -1


class Keeping:
    """What sessions hold."""

    def __init__(self, db: Database, settings: Settings, deliveries: Deliveries) -> None:
        self._db = db
        self._settings = settings
        self._deliveries = deliveries

    async def take(self, session: Session, seconds: float, gone: Callable[[], Awaitable[bool]]) -> Delivery | None:
        """The next message, the session's from now on; None after so many seconds, and when the caller is ``gone``.

        Raises as ``Deliveries.claim_post``.
        """
        usual, lease = self._settings.lease_seconds, self._settings.session_lease_seconds
        claim = Claim(workspace_id=session.workspace_id, credential_id=session.credential_id, most=1, lease=usual)
        found = await self._deliveries.wait_for_post(claim, seconds, gone)
        if not found:
            return None
        delivery = found[0]
        # Only from here on it is out for as long as a session's: a server that ends in between leaves a usual lease.
        await store.keep_work(self._db, delivery, session.id, lease)
        if not await gone():
            return delivery
        # Nobody hears of it; what can not be given back runs out by itself.
        with suppress(PostroomError):
            await self.give_back(_hold(session, delivery.message_id, delivery.token))
        return None

    async def give_back(self, hold: Hold) -> None:
        """Back into the mailbox. Raises as ``Deliveries.give_back``."""
        await self._deliveries.give_back(Return(hold=hold, kind=ReturnKind.RELEASE))

    async def extend(self, sessions: Sequence[Session]) -> None:
        """Signs of life."""
        if sessions:
            await store.extend_kept(self._db, sessions, self._settings.session_lease_seconds)

    async def break_off(self, session: Session) -> None:
        """Its stream broke: unless somebody sees it alive, what it held is out again when a usual lease has passed."""
        await store.extend_kept(self._db, [session], self._settings.lease_seconds)

    async def held(self, session: Session) -> Sequence[Waiting]:
        """What the session was handed and has not ended, the oldest first."""
        return await store.list_post(self._db, session.workspace_id, MOST, session.id, held=True)

    async def look(self, workspace: UUID, most: int, session: Session | None = None) -> Sequence[Waiting]:
        """Unfinished post in its order, without taking it."""
        return await store.list_post(self._db, workspace, most, session and session.id, held=False)

    async def hold(self, session: Session, message: UUID) -> Hold:
        """Under which every write about the message goes; under a token that nobody has, where the session does not hold it."""
        token = await store.find_kept(self._db, session, message)
        return _hold(session, message, _NO_TOKEN if token is None else token)


def _hold(session: Session, message: UUID, token: int) -> Hold:
    return Hold(message_id=message, workspace_id=session.workspace_id, token=token, credential_id=session.credential_id)
