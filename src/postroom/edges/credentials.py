"""Connections that stay open outlive the moment in which their caller was let in: they are asked about again, all of them at once."""

import asyncio
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from postroom.clock import monotonic
from postroom.core.identity.service import Identity
from postroom.errors import Unauthenticated

CHECK_SECONDS: Final = 2.0
"""A revoked credential's open connections end within about this time."""


class CredentialWatch:
    """One question to the database per CHECK_SECONDS, however many connections are open.

    There is no task behind it: whoever asks first after the time is up asks for everybody, the others wait for the same answer.
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._open: Counter[UUID] = Counter()
        self._asking = asyncio.Lock()
        self._asked_at = monotonic()
        self._dead: frozenset[UUID] = frozenset()

    @contextmanager
    def watched(self, credential: UUID) -> Generator[None]:
        """For as long as the block runs, questions include this credential."""
        self._open[credential] += 1
        try:
            yield
        finally:
            self._open[credential] -= 1
            if not self._open[credential]:
                del self._open[credential]

    async def require(self, credential: UUID) -> None:
        """Raises Unauthenticated when the credential lets nobody in any more, Unavailable when nobody can say."""
        if self._is_due():
            async with self._asking:
                if self._is_due():
                    await self._ask()
        if credential in self._dead:
            raise Unauthenticated("This credential was revoked or has run out: log in again.", code="credential_ended")

    def _is_due(self) -> bool:
        return monotonic() - self._asked_at >= CHECK_SECONDS

    async def _ask(self) -> None:
        # The time before the question: what is revoked while it is under way is found by the next one.
        asked_at, asked = monotonic(), frozenset(self._open)
        self._dead = asked - await self._identity.live(list(asked))
        self._asked_at = asked_at
