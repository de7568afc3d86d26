"""The agent: its settings, its loops, its way to stop."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

from postroom.agent.contact import Contact
from postroom.agent.delegating import Delegating, Handle
from postroom.agent.desk import Desk, Door
from postroom.agent.fetching import Fetching
from postroom.agent.filing import Filing
from postroom.agent.handling import Handler, first_of
from postroom.agent.parts import Content
from postroom.agent.presence import Presence
from postroom.agent.running import Running
from postroom.agent.store import ReplyStore, state_directory
from postroom.client import Client, Json
from postroom.errors import Gone, NotFound, PostroomError, SetupError, Unauthenticated

HandlerT = TypeVar("HandlerT", bound=Handler)


class Agent:
    """An agent. What is not given comes from POSTROOM_URL, POSTROOM_TOKEN, POSTROOM_WORKSPACE_ID, POSTROOM_STATE.

    ``concurrency`` messages (1 to 32) are handled at a time, as far as the workspace's ``max_concurrent`` lets them out. ``lease`` (10 to
    3600 seconds) is how long the server waits for a sign of life before it hands a message to another process. A stopping agent gives
    its handlers ``grace`` seconds to finish. ``card`` adds to the agent card (``description``, ``skills``), ``state`` is the directory
    where replies are kept.
    """

    def __init__(  # noqa: PLR0913 - a setting, a parameter
        self,
        name: str,
        *,
        url: str | None = None,
        token: str | None = None,
        workspace_id: str | None = None,
        concurrency: int = 1,
        lease: float = 30.0,
        grace: float = 10.0,
        card: Json | None = None,
        state: Path | None = None,
    ) -> None:
        self.name = name
        self.url = url or _required("POSTROOM_URL", "the address of the server")
        self.workspace_id = workspace_id or _required("POSTROOM_WORKSPACE_ID", "the id of the agent's workspace")
        self._token = token or _required("POSTROOM_TOKEN", "the token of the agent's workspace")
        self._concurrency = concurrency
        self._lease = lease
        self._grace = grace
        self._card = _card(name) | (card or {})
        self._state = state or state_directory(self.workspace_id)
        self._handler: Handler | None = None
        self._report_handler: Handler | None = None
        self._delegating: Delegating | None = None
        self._running = Running()
        self._stopping = asyncio.Event()

    def on_message(self, handler: HandlerT) -> HandlerT:
        """Decorate the handler: ``async def``, or a plain ``def``, which runs in a thread.

        It returns a text, a File, a list of them, or None. One that yields (``async def`` with ``yield``) has its texts shown live, and
        the whole is the reply. What it raises fails the message with a short reason; ``raise Retry("...")`` has it handed out again later.
        """
        self._handler = handler
        return handler

    def on_report(self, handler: HandlerT) -> HandlerT:
        """Decorate the handler of reports, the ends of what was delegated with ``report=True``; without it, they go to ``on_message``.

        ``message.report`` tells what ended and how, the message itself is the answer. What it returns goes nowhere.
        """
        self._report_handler = handler
        return handler

    def run(self, door: Callable[[Desk], Door] = Fetching) -> None:
        """Serve until SIGTERM or SIGINT. What ends it for good (see ``serve``) is told in a sentence, and the program exits with 1."""
        try:
            asyncio.run(self.run_until_signal(door))
        except PostroomError as error:
            advice = error.advice if isinstance(error, SetupError) else _advice(error)
            sys.stderr.write(f"{self.name}: {error.sentence.rstrip('.')}.\nNext: {advice}\n")
            sys.exit(1)

    async def serve(self, door: Callable[[Desk], Door] = Fetching) -> None:
        """Serve until ``stop`` is called: take messages in, handle, reply, and come back by itself for as long as the server is away.

        Messages are fetched; ``postroom.agent.serve`` has the other door, an address where the agent is called. Raises SetupError, and
        what the server refuses for good (Unauthenticated, NotFound, Gone).
        """
        if self._handler is None:
            raise SetupError("the agent has no handler", advice="Decorate a function with @agent.on_message.")
        try:
            async with Client(self.url, self._token) as client:
                self._delegating = Delegating(client, self.workspace_id)
                desk = self._desk(client, self._handler)
                await self._serve(desk, door(desk))
        finally:
            self._delegating = None

    def stop(self) -> None:
        """End ``serve``: no more claims, a grace for what is being handled, the rest is given back."""
        self._stopping.set()

    async def peers(self, q: str | None = None) -> list[Json]:
        """Whom this agent may talk to; only while it serves."""
        return await self._speaker().peers(q)

    async def delegate(
        self, peer: str, content: Content, *, deadline_seconds: float | None = None, report: bool = False, cancel_with_parent: bool = False
    ) -> Handle:
        """Hand work to a peer, by name or id, and go on; ``await handle.result()`` is its answer.

        With ``report`` its end comes as a message of its own to ``on_report``, also when this handler is done long before. With
        ``cancel_with_parent`` it is cancelled when the message that is handled now ends. See ``Delegating.delegate`` for keys and errors.
        """
        return await self._speaker().delegate(
            peer, content, deadline_seconds=deadline_seconds, report=report, cancel_with_parent=cancel_with_parent
        )

    async def ask(self, peer: str, content: Content, *, wait: float | None = None) -> str:
        """Delegate, wait for the answer, for ``wait`` seconds (None: until the peer is done), and return its text. Raises AskFailed."""
        return (await (await self.delegate(peer, content)).result(wait)).text

    def _desk(self, client: Client, handler: Handler) -> Desk:
        return Desk(
            client=client,
            contact=Contact(self.url),
            filing=Filing(client),
            workspace_id=self.workspace_id,
            card=self._card,
            store=ReplyStore(self._state),
            state=self._state,
            running=self._running,
            handler_of=lambda item: handler if item.report is None else self._report_handler or handler,
            concurrency=self._concurrency,
            lease=self._lease,
        )

    async def _serve(self, desk: Desk, door: Door) -> None:
        presence = Presence(desk.client, desk.contact, self._running, workspace_id=self.workspace_id, card=door.card, url=door.url)
        with _one_error():
            async with asyncio.TaskGroup() as tasks:
                loops = [tasks.create_task(loop) for loop in (presence.run(), door.run())]
                await self._stopping.wait()
                await door.stop(self._grace)
                for loop in loops:
                    loop.cancel()

    async def run_until_signal(self, door: Callable[[Desk], Door] = Fetching) -> None:
        """``run`` for a program that has an event loop already. Logs to standard error unless the program says where logs go."""
        _show_logs()
        for number in (signal.SIGTERM, signal.SIGINT):
            # Windows has no signal handlers on the event loop: there Ctrl-C cancels, and leases run out by themselves.
            with contextlib.suppress(NotImplementedError):
                asyncio.get_running_loop().add_signal_handler(number, self.stop)
        await self.serve(door)

    def _speaker(self) -> Delegating:
        if self._delegating is None:
            raise RuntimeError("an agent talks to its peers while it serves")
        return self._delegating


def _show_logs() -> None:
    """For a program that has not set up logging. The level is that of our own lines: how much others say is not ours to decide."""
    ours = logging.getLogger("postroom")
    if not ours.hasHandlers():
        logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
        ours.setLevel(ours.level or logging.INFO)


def _required(name: str, meaning: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise SetupError(f"{name} is not set", advice=f"Set it to {meaning}, or give it to Agent(...).")
    return value


def _advice(error: PostroomError) -> str:
    if isinstance(error, Unauthenticated):
        return "Give it a token that is valid (POSTROOM_TOKEN); a new one: postroom workspace token NAME"
    if isinstance(error, NotFound | Gone):
        return "Check the id of its workspace (POSTROOM_WORKSPACE_ID); what there is: postroom workspace list"
    return "Check its settings and the server: postroom doctor"


def _card(name: str) -> Json:
    """The fields that a card must have (A2A 1.0, section 4.4.1). The address is the server's to add: it is the one that is called."""
    return {
        "name": name,
        "description": name,
        "version": "1",
        "capabilities": {"streaming": False},
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "skills": [],
    }


@contextlib.contextmanager
def _one_error() -> Generator[None]:
    """Out of a task group's bundle the refusal that ended it: one sentence for the author."""
    try:
        yield
    except* PostroomError as group:
        raise first_of(group) from None
