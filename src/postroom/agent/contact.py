"""Whether the server is there: said when the agent is in, when the server is lost and when it is back, once each."""

import logging

from postroom.client.retry import pause_after
from postroom.errors import PostroomError, Unavailable

log = logging.getLogger(__name__)


class Contact:
    """What all loops of one agent find out together; whichever hears of a change first tells it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._entered = False
        self._lost = False

    def enter(self, name: str, workspace_id: str, address: str | None) -> None:
        """The server has taken the agent in: under this name, to be called at ``address`` (None: it fetches)."""
        self._entered, self._lost = True, False
        way = f"called at {address}" if address else "fetching its post"
        # A name may hold anything: quoted, it is one line.
        log.info("%r is in at %s, %s (workspace %s)", name, self._url, way, workspace_id)

    def hear(self) -> None:
        """The server has answered."""
        if self._entered and self._lost:
            log.info("the server at %s is back", self._url)
            self._lost = False

    def miss(self, error: PostroomError, attempt: int) -> float:
        """Seconds to wait before the next try, after ``attempt`` earlier ones. Raises an error that will not pass."""
        pause = pause_after(error, attempt)
        if not isinstance(error, Unavailable):
            log.warning("the server at %s refuses for now, next try in %.1f s: %s", self._url, pause, error)
        elif not self._lost:
            self._lost = True
            log.warning(
                "the server at %s is %s, it is tried until it answers: %s", self._url, "lost" if self._entered else "not there", error
            )
        else:
            log.debug("next try in %.1f s: %s", pause, error)
        return pause
