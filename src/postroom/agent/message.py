"""A message as its handler sees it."""

import asyncio
import logging
from collections.abc import Awaitable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from postroom.agent.filing import Filing
from postroom.agent.parts import File, KeptFile, files_in
from postroom.client import Item, Peer
from postroom.client.talk import text_of
from postroom.errors import Unavailable

Json = dict[str, Any]

log = logging.getLogger(__name__)

current_message: ContextVar["Message"] = ContextVar("current_message")
"""The message whose handler runs here; threads of plain handlers see it too."""


@dataclass(frozen=True, slots=True)
class Report:
    """The end of something that was delegated: ``status`` is completed, input_required, failed, cancelled or expired."""

    delegation_id: str
    status: str
    error: Json | None


class Show(Protocol):
    """Shows progress where its sender sees it. Raises LeaseLost, and Unavailable when it could not be shown."""

    def __call__(self, *, parts: list[Json], status: str | None) -> Awaitable[object]: ...


class Message:
    """What was said to the agent. Everything here is the same for every attempt, except ``attempt`` itself."""

    def __init__(self, item: Item, show: Show, filing: Filing) -> None:
        self._item = item
        self._show = show
        self.filing = filing
        self._loop = asyncio.get_running_loop()
        self._asked: dict[str, int] = {}
        self.cancelled = False
        """True once nobody wants the work any more. An async handler is cancelled as well; a plain one should look here now and then."""

    @property
    def id(self) -> str:
        """The same at every attempt: what side effects are to be deduplicated by."""
        return self._item.message_id

    @property
    def thread_id(self) -> str:
        """The conversation that it belongs to."""
        return self._item.thread_id

    @property
    def sender(self) -> Peer:
        """Who said it, as the server knows it."""
        return self._item.sender

    @property
    def chain(self) -> list[Json]:
        """On whose behalf: the workspaces (``id``, ``name``) that asked one another for it, the first one first."""
        return self._item.chain

    @property
    def report(self) -> Report | None:
        """Set when the message is the end of something that was delegated with ``report=True``; its text and files are the answer."""
        told = self._item.report
        return None if told is None else Report(told["delegation_id"], told["status"], told.get("error"))

    @property
    def attempt(self) -> int:
        """1 at the first hand-out."""
        return self._item.attempt

    @property
    def deadline(self) -> datetime:
        """When the message expires, by the server's clock."""
        return self._item.deadline

    @property
    def parts(self) -> list[Json]:
        """The parts in A2A 1.0 form: ``text``, ``data``, ``raw`` or ``url``."""
        return self._item.message.get("parts", [])

    @property
    def text(self) -> str:
        """The text parts, joined by line ends."""
        return text_of(self.parts)

    @property
    def files(self) -> list[File | KeptFile]:
        """The files that came with it; ``await file.read()`` is the content."""
        return files_in(self.parts, self.filing.read)

    def read_from_thread(self, file: File | KeptFile) -> bytes:
        """The content of a file, for plain handlers, which run in a thread."""
        return asyncio.run_coroutine_threadsafe(file.read(), self._loop).result()

    async def progress(self, text: str, *, status: str | None = None, append: bool = False) -> None:
        """Show something before the reply; while the server is away it is not shown, and the work goes on. Raises LeaseLost.

        With ``append`` it is a piece of the answer and goes on from the piece before.
        """
        piece: Json = {"metadata": {"postroom.append": True}} if append else {}
        try:
            await self._show(parts=[{"text": text} | piece], status=status)
        except Unavailable as error:
            log.info("progress of message %s was not shown: %s", self._item.message_id, error)

    def progress_from_thread(self, text: str, *, status: str | None = None) -> None:
        """The same for plain handlers, which run in a thread; returns when it is shown."""
        asyncio.run_coroutine_threadsafe(self.progress(text, status=status), self._loop).result()

    def next_count(self, subject: str) -> int:
        """How many times ``subject`` was counted for this message in this attempt, from 0."""
        count = self._asked.get(subject, 0)
        self._asked[subject] = count + 1
        return count
