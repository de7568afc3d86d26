"""What an agent that is called is at work on, as A2A tasks (specification 1.0, section 4.1)."""

import asyncio
from collections.abc import AsyncGenerator

from a2a.helpers import new_message, new_text_message
from a2a.types import Artifact, Message, Part, Task, TaskArtifactUpdateEvent, TaskState, TaskStatus, TaskStatusUpdateEvent
from a2a.utils.errors import InternalError
from google.protobuf.json_format import ParseDict

from postroom.agent.handling import Failed, Outcome, Replied, Stopped
from postroom.agent.parts import Json

Event = Message | Task | TaskStatusUpdateEvent | TaskArtifactUpdateEvent


class Run:
    """One message on its way to its answer. Its id is the message's, so whoever asks twice finds the same task."""

    def __init__(self, id: str, context_id: str) -> None:
        self.id = id
        self._context_id = context_id
        self._outcome: Outcome | None = None
        self._shown: list[TaskStatus] = []
        self._changed = asyncio.Condition()

    @property
    def has_ended(self) -> bool:
        """Whether there is an outcome."""
        return self._outcome is not None

    async def show(self, *, parts: list[Json], status: str | None) -> None:
        """Progress, for those who follow; A2A has no place for a word on the state."""
        message = new_message([ParseDict(part, Part()) for part in parts])
        self._shown.append(TaskStatus(state=TaskState.TASK_STATE_WORKING, message=message))
        await self._tell()

    async def end(self, outcome: Outcome) -> None:
        """The outcome is there; those who wait get it."""
        self._outcome = outcome
        await self._tell()

    async def ended(self) -> Task:
        """Wait for the end. Raises InternalError where another attempt makes sense: Postroom hands the message out again then."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.has_ended)
        return self.task()

    def task(self) -> Task:
        """The task as it stands. Raises InternalError as ``ended`` does."""
        return Task(id=self.id, context_id=self._context_id, status=self._status(), artifacts=self._artifacts())

    async def events(self) -> AsyncGenerator[Event]:
        """The task as it stands, then what becomes of it. Raises InternalError as ``ended`` does."""
        ended, seen = self.has_ended, len(self._shown)
        yield self.task()
        while not ended:
            await self._beyond(seen)
            ended, fresh = self.has_ended, self._shown[seen:]
            seen += len(fresh)
            for status in fresh:
                yield TaskStatusUpdateEvent(task_id=self.id, context_id=self._context_id, status=status)
            if ended:
                for artifact in self._artifacts():
                    yield TaskArtifactUpdateEvent(task_id=self.id, context_id=self._context_id, artifact=artifact, last_chunk=True)
                yield TaskStatusUpdateEvent(task_id=self.id, context_id=self._context_id, status=self._status())

    def _status(self) -> TaskStatus:
        match self._outcome:
            case None:
                return self._shown[-1] if self._shown else TaskStatus(state=TaskState.TASK_STATE_WORKING)
            case Replied():
                return TaskStatus(state=TaskState.TASK_STATE_COMPLETED)
            case Failed(error, retry=False):
                return TaskStatus(state=TaskState.TASK_STATE_FAILED, message=new_text_message(error))
            case Stopped("cancelled"):
                return TaskStatus(state=TaskState.TASK_STATE_CANCELED)
            case Failed(error):
                raise InternalError(message=error)
            case Stopped(reason):
                raise InternalError(message=f"the agent is {reason}")

    def _artifacts(self) -> list[Artifact]:
        return [Artifact(artifact_id="reply", parts=to_parts(self._outcome.fields))] if isinstance(self._outcome, Replied) else []

    async def _beyond(self, seen: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self.has_ended or len(self._shown) > seen)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def to_parts(fields: Json) -> list[Part]:
    """The parts of a reply. Raises ParseError when they are not A2A's."""
    return [ParseDict(part, Part()) for part in fields["parts"]]
