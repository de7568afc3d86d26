"""One open feed: pages in order, for as long as its reader may and wants to read."""

from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from postroom.clock import jittered, monotonic
from postroom.core.events.model import Position
from postroom.core.identity.model import Principal
from postroom.core.services import Services
from postroom.db.signals import Subscription
from postroom.edges.credentials import CredentialWatch
from postroom.edges.live.frames import BEAT, END, READY, RESTART, control_frame
from postroom.edges.live.tail import Entry, Tail
from postroom.edges.problems import problem_body
from postroom.errors import NotFound, PostroomError, Unavailable
from postroom.failpoints import reach
from postroom.metrics import LISTENERS

SEND_SECONDS: Final = 30.0
"""A reader that takes nothing for so long is cut; it resumes from its cursor."""
BEAT_SECONDS: Final = 15.0
"""The longest silence on a feed (R43)."""


class Draining(Protocol):
    """Set when the server stops."""

    def is_set(self) -> bool:
        """Whether it stops."""
        ...


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads which feed, and from where; ``workspace`` None is everything."""

    principal: Principal
    workspace: UUID | None
    position: Position
    request_id: str


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, written out; ``error`` is why it is the last one."""

    event: str
    cursor: str
    data: bytes
    error: PostroomError | None = None

    @property
    def last(self) -> bool:
        """Whether the feed ends with it."""
        return self.event in (END, RESTART)


Spoken = Sequence[Frame]


class Feeds:
    """All open feeds of this process: what they share."""

    def __init__(self, services: Services, draining: Draining) -> None:
        self.services = services
        self.draining = draining
        self._tail = Tail(services.events)
        self._watch = CredentialWatch(services.identity)

    async def open(self, principal: Principal, workspace: UUID | None, cursor: str | None, request_id: str) -> Reader:
        """Raises Forbidden, NotFound, Malformed (no cursor), Gone (pruned cursor, removed workspace), Unavailable at the drain."""
        if self.draining.is_set():
            raise Unavailable("This server is stopping.", code="restart", retry_after=1.0)
        if workspace is not None:
            await self.services.workspaces.get(principal, workspace)
        self.services.events.permit(principal, workspace)
        reach("feed.opened")
        return Reader(principal, workspace, await self.services.events.start(cursor), request_id)

    async def spoken(self, reader: Reader) -> AsyncGenerator[Spoken]:
        """All that a feed says, as it comes; nothing (an empty tuple) every now and then, to see whether the reader is still there.

        The first frame names the cursor, so that a feed which breaks before its first event has no gap either. The last one says why it
        ends: the server restarts, or ``payload`` is the problem. What is next is read when the last was taken.
        """
        cursor = reader.position.encode(self.services.events.installation)
        yield (_control(READY, cursor, {}),)
        try:
            async with aclosing(self._paced(reader)) as pages:
                async for page in pages:
                    cursor = page[-1].cursor if page else cursor
                    yield (_control(BEAT, cursor, {}),) if page is None else page
        except PostroomError as error:
            yield (_control(END, cursor, problem_body(error, reader.request_id), error),)
        else:
            yield (_control(RESTART, cursor, {}),)

    async def _paced(self, reader: Reader) -> AsyncGenerator[Spoken | None]:
        """Pages, with None where a sign of life is due."""
        heard = monotonic()
        async with aclosing(self._pages(reader)) as pages:
            async for page in pages:
                due = not page and monotonic() - heard >= BEAT_SECONDS
                heard = monotonic() if page or due else heard
                yield None if due else [Frame(entry.event.type, entry.cursor, entry.frame) for entry in page]

    async def _pages(self, reader: Reader) -> AsyncGenerator[Sequence[Entry]]:
        position, since, more = reader.position, monotonic(), False
        with self._listening(reader) as grown:
            while not self.draining.is_set():
                await self._watch.require(reader.principal.credential_id)
                page = await self._tail.after(reader.workspace, position, since)
                position, more = page.position, page.more
                if page.entries:
                    reach("feed.read")
                if page.entries or not more:
                    yield page.entries
                if page.entries:
                    reach("feed.said")
                if not more:
                    since = await self._wait(grown)

    @contextmanager
    def _listening(self, reader: Reader) -> Generator[Subscription]:
        signals, credential = self.services.signals, reader.principal.credential_id
        with LISTENERS.track_inprogress(), self._watch.watched(credential), signals.subscribe("events") as grown:
            yield grown

    async def _wait(self, grown: Subscription) -> float:
        """Wait for news; returns the time from which on what is committed has to be looked for.

        Woken, that is now. By the clock, the look of any other feed within the last half of a pause is as good as one's own.
        """
        pause = self.services.settings.poll_seconds
        woken = await grown.wait(jittered(pause))
        return monotonic() - (0.0 if woken else pause / 2)


def _control(name: str, cursor: str, payload: dict[str, Any], error: PostroomError | None = None) -> Frame:
    return Frame(name, cursor, control_frame(name, cursor, payload), error)


def workspace_id(text: object) -> UUID | None:
    """The workspace whose feed is meant; None for the feed of everything. Raises NotFound, as for an id that nothing has."""
    if text is None:
        return None
    try:
        return UUID(text if isinstance(text, str) else "")
    except ValueError:
        raise NotFound("There is no such workspace.", code="workspace_not_found") from None
