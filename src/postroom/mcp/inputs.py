"""What the tools take, as models that are also their input schemas."""

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

WAIT_SECONDS: Final = 50.0
"""Below the 60 s after which common clients give a call up."""
LONGEST_WAIT: Final = 3600.0


class Input(BaseModel):
    """Base of what tools take; an argument that is not known is refused, so that a misspelt one is not lost."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


Wait = Annotated[float, Field(ge=0, le=LONGEST_WAIT, description="How long to wait, in seconds.")]
Text = Annotated[str, Field(min_length=1)]
Key = Annotated[
    str | None,
    Field(
        min_length=1, max_length=255, description="Your own name for this call: the same key again is the same call, never a second one."
    ),
]
Thread = Annotated[str | None, Field(min_length=1, max_length=255, description="A thread_id to go on in; none begins a new thread.")]
MessageId = Annotated[UUID, Field(description="The message_id as you were given it.")]
TaskId = Annotated[UUID, Field(description="The task_id as you were given it.")]


class Nothing(Input):
    """No arguments."""


class ListPeers(Input):
    """Whom to look for."""

    query: Annotated[str | None, Field(description="Words to find in names, roles and skills; none lists all.")] = None


class Delegate(Input):
    """What to ask of whom."""

    workspace_id: Annotated[str, Field(min_length=1, description="The peer's id or its exact name, as list_peers shows them.")]
    task: Annotated[Text, Field(description="What to do, with everything that the peer needs to know: it sees nothing else of yours.")]
    thread_id: Thread = None
    deadline_seconds: Annotated[float | None, Field(ge=1, le=2_592_000, description="After so long nobody wants it any more.")] = None
    idempotency_key: Key = None


class DelegateAndWait(Delegate):
    """What to ask of whom, and how long to wait for the answer."""

    timeout_seconds: Wait = WAIT_SECONDS


class CheckTask(Input):
    """Which task, and whether to wait for its end."""

    task_id: Annotated[UUID | None, Field(description="One task; none lists those that are still open.")] = None
    timeout_seconds: Wait = 0.0


class CancelTask(Input):
    """Which task."""

    task_id: TaskId


class WaitForMessage(Input):
    """How long to wait."""

    timeout_seconds: Wait = WAIT_SECONDS


class Peek(Input):
    """How much to look at."""

    limit: Annotated[int, Field(ge=1, le=100)] = 10


class Answer(Input):
    """What to answer to which message."""

    message_id: MessageId
    text: Annotated[Text, Field(description="The whole answer: the sender sees nothing else of your work.")]
    outcome: Annotated[
        Literal["completed", "input_required", "failed"],
        Field(description="input_required asks the sender back and failed says why it can not be done; both end the message, too."),
    ] = "completed"


class Pop(Input):
    """Which message to be done with."""

    message_id: MessageId
    if_unanswered: Annotated[
        Literal["refuse", "end", "give_back"],
        Field(description="What becomes of a message that you have not answered: end it without words, or give it back to the mailbox."),
    ] = "refuse"


class ReportProgress(Input):
    """How far the work on which message is."""

    message_id: MessageId
    text: Annotated[Text, Field(description="A sentence on how far you are; the sender sees it live.")]


class History(Input):
    """Which part of what was said."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    before: Annotated[int | None, Field(ge=1, description="The next of the page before this one.")] = None
    thread_id: Annotated[str | None, Field(description="One thread only.")] = None


class TellPeople(Input):
    """What to tell."""

    text: Annotated[Text, Field(description="What your people should read.")]
    thread_id: Thread = None
    idempotency_key: Key = None
