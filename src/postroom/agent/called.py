"""The A2A side of an agent that is called: messages in, tasks out, each message handled once however often it is handed over."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import NoReturn
from uuid import uuid4

from a2a.server.context import ServerCallContext
from a2a.server.request_handlers import RequestHandler
from a2a.types import (
    AgentCard,
    CancelTaskRequest,
    DeleteTaskPushNotificationConfigRequest,
    GetExtendedAgentCardRequest,
    GetTaskPushNotificationConfigRequest,
    GetTaskRequest,
    ListTaskPushNotificationConfigsRequest,
    ListTaskPushNotificationConfigsResponse,
    ListTasksRequest,
    ListTasksResponse,
    SendMessageRequest,
    SubscribeToTaskRequest,
    Task,
    TaskPushNotificationConfig,
)
from a2a.utils.errors import (
    ExtendedAgentCardNotConfiguredError,
    InvalidParamsError,
    PushNotificationNotSupportedError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from google.protobuf.json_format import MessageToDict, ParseError

from postroom.agent.desk import Desk
from postroom.agent.handling import Failed, Handling, Outcome, Replied, Stopped, word_of
from postroom.agent.message import Message
from postroom.agent.parts import Json
from postroom.agent.store import Kept
from postroom.agent.tasks import Event, Run, to_parts
from postroom.client import Item

# As many as the server ever hands out at a time; threads are made when they are needed.
THREADS = 64
# Ended runs that are remembered for whoever asks about them; replies are on the disk besides.
REMEMBERED = 100
# A key becomes the name of a file.
LONGEST_KEY = 200
# What a caller that says nothing of a deadline gives; Postroom says it with every message.
DEADLINE = timedelta(days=1)

log = logging.getLogger(__name__)


class Answering(RequestHandler):
    """Handles messages in ``tasks``, never in the request that brought them: a connection that breaks ends nothing."""

    def __init__(self, desk: Desk, tasks: asyncio.TaskGroup) -> None:
        self._desk = desk
        self._tasks = tasks
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="handler")
        self._runs: dict[str, Run] = {}

    async def on_message_send(self, params: SendMessageRequest, context: ServerCallContext) -> Task:
        """Handle the message and answer with its task: when it has ended, or at once if that is asked for."""
        run = await self._run_of(params, context)
        return run.task() if params.configuration.return_immediately else await run.ended()

    async def on_message_send_stream(self, params: SendMessageRequest, context: ServerCallContext) -> AsyncGenerator[Event]:
        """Handle the message and show how it goes."""
        async for event in (await self._run_of(params, context)).events():
            yield event

    async def on_subscribe_to_task(self, params: SubscribeToTaskRequest, context: ServerCallContext) -> AsyncGenerator[Event]:
        """Show how it goes on with a task."""
        async for event in (await self._find(params.id)).events():
            yield event

    async def on_get_task(self, params: GetTaskRequest, context: ServerCallContext) -> Task:
        """How a task stands."""
        return (await self._find(params.id)).task()

    async def on_cancel_task(self, params: CancelTaskRequest, context: ServerCallContext) -> Task:
        """Stop the handler."""
        run = await self._find(params.id)
        if run.has_ended:
            raise TaskNotCancelableError
        self._desk.running.stop(run.id, "cancelled")
        return await run.ended()

    async def _run_of(self, params: SendMessageRequest, context: ServerCallContext) -> Run:
        """The run of this message: the one that there is, else a new one."""
        item = _item(params, context.state["headers"], self._desk.workspace_id)
        try:
            return await self._find(item.message_id, item.thread_id)
        except TaskNotFoundError:
            run = self._remember(Run(item.message_id, item.thread_id))
        handling = Handling(Message(item, run.show, self._desk.filing), self._desk.handler_of(item), self._threads)
        self._desk.running.begin(handling)
        self._tasks.create_task(self._handle(run, handling))
        return run

    async def _find(self, id: str, context_id: str = "") -> Run:
        """Raises TaskNotFoundError."""
        if (run := self._runs.get(id)) is not None:
            return run
        if len(id) > LONGEST_KEY or (kept := self._desk.store.kept(id)) is None:
            raise TaskNotFoundError
        run = self._remember(Run(id, context_id))
        await run.end(Replied(kept.fields))
        return run

    def _remember(self, run: Run) -> Run:
        self._runs[run.id] = run
        if len(self._runs) > REMEMBERED and (old := next((each for each in self._runs.values() if each.has_ended), None)):
            del self._runs[old.id]
        return run

    async def _handle(self, run: Run, handling: Handling) -> None:
        try:
            outcome = self._keep(handling.message, await handling.run())
            self._desk.running.note(outcome)
            log.info("message %s, attempt %d: %s", run.id, handling.message.attempt, word_of(outcome))
            if not _is_final(outcome):
                # Whoever asks for it again has it handled again.
                del self._runs[run.id]
            await run.end(outcome)
        finally:
            await self._desk.running.end(handling)

    def _keep(self, message: Message, outcome: Outcome) -> Outcome:
        """Onto the disk before anybody hears of it; what comes again is answered from there."""
        if not isinstance(outcome, Replied):
            return outcome
        kept = Kept(workspace_id=self._desk.workspace_id, message_id=message.id, token=None, fields=outcome.fields)
        try:
            to_parts(outcome.fields)
            self._desk.store.put(kept)
            self._desk.store.settle(kept)
        except ParseError as error:
            return Failed(f"the reply has parts that are not A2A's: {error}", retry=False)
        except OSError as error:
            return Failed(f"the reply can not be kept: {error.strerror}", retry=True)
        return outcome

    async def on_list_tasks(self, params: ListTasksRequest, context: ServerCallContext) -> ListTasksResponse:
        raise UnsupportedOperationError

    async def on_get_extended_agent_card(self, params: GetExtendedAgentCardRequest, context: ServerCallContext) -> AgentCard:
        raise ExtendedAgentCardNotConfiguredError

    async def on_create_task_push_notification_config(self, params: TaskPushNotificationConfig, context: ServerCallContext) -> NoReturn:
        raise PushNotificationNotSupportedError

    async def on_get_task_push_notification_config(
        self, params: GetTaskPushNotificationConfigRequest, context: ServerCallContext
    ) -> NoReturn:
        raise PushNotificationNotSupportedError

    async def on_list_task_push_notification_configs(
        self, params: ListTaskPushNotificationConfigsRequest, context: ServerCallContext
    ) -> ListTaskPushNotificationConfigsResponse:
        raise PushNotificationNotSupportedError

    async def on_delete_task_push_notification_config(
        self, params: DeleteTaskPushNotificationConfigRequest, context: ServerCallContext
    ) -> NoReturn:
        raise PushNotificationNotSupportedError


def _is_final(outcome: Outcome) -> bool:
    match outcome:
        case Failed(_, retry):
            return not retry
        case Stopped(reason):
            return reason == "cancelled"
        case Replied():
            return True


def _item(params: SendMessageRequest, headers: dict[str, str], workspace_id: str) -> Item:
    """The message as a claim has it, from what Postroom says in its key and under ``metadata.postroom``.

    Another caller may say less: without a key each of its calls is a message of its own. Raises InvalidParamsError.
    """
    key = headers.get("idempotency-key") or str(uuid4())
    if len(key) > LONGEST_KEY:
        raise InvalidParamsError(message=f"an Idempotency-Key has at most {LONGEST_KEY} characters")
    try:
        return Item.from_wire(workspace_id, _row(MessageToDict(params.message), key))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidParamsError(message="what stands under metadata.postroom is not Postroom's") from error


def _row(message: Json, key: str) -> Json:
    said: Json = message.get("metadata", {}).get("postroom", {})
    deadline = said.get("deadline") or (datetime.now(UTC) + DEADLINE).isoformat()
    return {
        "message_id": key,
        "token": None,
        # Numbers of metadata are doubles here, as in all of protobuf's free-form values.
        "attempt": int(said.get("attempt", 1)),
        "lease_until": deadline,
        "deadline": deadline,
        "sender": said.get("sender") or {"kind": "unknown", "id": "", "name": "unknown"},
        "thread_id": message.get("contextId") or key,
        "message": message,
        **{name: said[name] for name in ("on_behalf_of", "report") if name in said},
    }
