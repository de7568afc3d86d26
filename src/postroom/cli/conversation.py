"""A conversation with one agent, whoever types it: what is sent in which thread, and what is still on its way."""

from concurrent.futures import Future
from dataclasses import dataclass
from typing import Self

from anyio.from_thread import BlockingPortal

from postroom.cli.delivery import Letter, accept, question_in, wait_without_end
from postroom.cli.names import Workspace
from postroom.cli.waiting import Sightings, Waiting, follow
from postroom.client import Client, Json, Sent

Answer = Future[Sent]


@dataclass(frozen=True, slots=True)
class Underway:
    """A message that is safe, and its answer to come. Nobody has to wait for it."""

    message_id: str
    answer: Answer
    waiting: Waiting


class Conversation:
    """Talks to the server from the thread that types, while answers and events come in on the event loop's thread.

    A context manager: its tasks belong to the portal's task group and end with the block; what they waited for stays safe on the server.
    """

    def __init__(self, portal: BlockingPortal, client: Client, workspace: Workspace, thread: str) -> None:
        self.workspace = workspace
        self.thread = thread
        self._portal = portal
        self._client = client
        self._question: str | None = None
        self._sightings = Sightings()
        self._underway: list[Underway] = []
        self._follower = portal.start_task_soon(follow, client, workspace, self._sightings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._follower.cancel()
        for underway in self._underway:
            underway.answer.cancel()

    def say(self, text: str) -> Underway:
        """Send a line. When this returns it is safe; its answer comes later.

        Raises PostroomError, and KeyboardInterrupt when the person does not wait for the server to take it.
        """
        letter = Letter(text=text, thread=self.thread, task=self._question)
        sent = self._accepted(self._portal.start_task_soon(accept, self._client, self.workspace, letter))
        self._question = None
        answer: Answer = self._portal.start_task_soon(wait_without_end, self._client, self.workspace, letter)
        underway = Underway(sent.message_id, answer, Waiting(self.workspace, sent.message_id, self._sightings))
        self._underway.append(underway)
        return underway

    def take(self, sent: Sent) -> None:
        """Note an answer that was shown: the next line answers it if it was a question."""
        self._question = question_in(sent) or self._question

    def open_messages(self) -> list[Underway]:
        """What has no answer yet."""
        self._underway = [one for one in self._underway if not one.answer.done()]
        return self._underway

    def history(self, limit: int) -> list[Json]:
        """The last messages of the thread. Raises PostroomError."""
        return self._portal.call(self._read, limit)["messages"]

    def look(self) -> Workspace:
        """The workspace as it is now. Raises PostroomError."""
        return self._portal.call(self._client.workspace, self.workspace["id"])

    def _accepted(self, accepting: Answer) -> Sent:
        try:
            return accepting.result()
        finally:
            accepting.cancel()

    async def _read(self, limit: int) -> Json:
        return await self._client.chat_history(self.workspace["id"], limit=limit, thread_id=self.thread)
