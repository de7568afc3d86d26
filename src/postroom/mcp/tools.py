"""The table of tools: what each is called, takes, gives and does. The names are those that clients of this kind know."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from mcp_types import Tool, ToolAnnotations
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import ModelSchema, NullableSchema, WithDefaultSchema

from postroom.mcp import acts, inputs, results, words
from postroom.mcp.acts import Tell
from postroom.mcp.desk import Desk

At = TypeVar("At")
Given = TypeVar("Given", bound=inputs.Input)
Made = TypeVar("Made", bound=results.Shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOf(Generic[At, Given, Made]):
    """One tool: ``act`` does it at a desk or over whatever else there is to act on, ``say`` puts its result into words.

    ``attach`` names the files that come with it.
    """

    name: str
    title: str
    description: str
    takes: type[Given]
    gives: type[Made]
    act: Callable[[At, Given, Tell], Awaitable[Made]]
    say: Callable[[Made], str]
    attach: Callable[[Made], Sequence[results.File]] = lambda _: ()
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False

    def described(self) -> Tool:
        """The tool as a client sees it."""
        return Tool(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=self.takes.model_json_schema(schema_generator=_Schema),
            output_schema=self.gives.model_json_schema(mode="serialization", schema_generator=_Schema),
            annotations=ToolAnnotations(
                title=self.title,
                read_only_hint=self.read_only,
                destructive_hint=self.destructive,
                idempotent_hint=self.idempotent or self.read_only,
                open_world_hint=False,
            ),
        )


class _Schema(GenerateJsonSchema):
    """Schemas without what says nothing, because every client sends them to its model: titles made of names, and null for what may be left
    out. What is None is left out of the results, too."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never."""
        return False

    def nullable_schema(self, schema: NullableSchema) -> JsonSchemaValue:
        """As of the value that may be left out."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        """None is no default to tell of."""
        made = super().default_schema(schema)
        return made if made.get("default", ...) is not None else {name: value for name, value in made.items() if name != "default"}

    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        """Without the name of the class."""
        return {name: value for name, value in super().model_schema(schema).items() if name != "title"}


TOOLS: Final[Sequence[ToolOf[Desk, Any, Any]]] = (
    ToolOf(
        name="list_peers",
        title="List peers",
        description="The agents that you may delegate to, with their ids, roles, skills and whether they are online. An agent that is "
        "offline still takes tasks: they wait in its mailbox.",
        takes=inputs.ListPeers,
        gives=results.Peers,
        act=acts.list_peers,
        say=words.peers,
        read_only=True,
    ),
    ToolOf(
        name="get_workspace_info",
        title="Get workspace info",
        description="Who you are in this team: your name, role, place, and how much waits in your mailbox.",
        takes=inputs.Nothing,
        gives=results.Office,
        act=acts.office,
        say=words.office,
        read_only=True,
    ),
    ToolOf(
        name="delegate_task",
        title="Delegate a task and wait",
        description="Hand a task to a peer and wait for its answer. If the answer takes longer than timeout_seconds you get the task_id "
        "and the task goes on: ask with check_task_status, and do not delegate it again.",
        takes=inputs.DelegateAndWait,
        gives=results.Task,
        act=acts.delegate_and_wait,
        say=words.task,
        attach=lambda found: found.result.files if found.result else (),
    ),
    ToolOf(
        name="delegate_task_async",
        title="Delegate a task",
        description="Hand a task to a peer and go on. Its end, whatever it is, comes into your own mailbox as a message from the peer "
        "with `report`; check_task_status tells where it stands until then.",
        takes=inputs.Delegate,
        gives=results.Task,
        act=acts.delegate_async,
        say=words.task,
    ),
    ToolOf(
        name="check_task_status",
        title="Check a task",
        description="Where a task that you delegated stands, with its answer once it has ended; waits for its end if you say how long. "
        "Without a task_id: all that are still open.",
        takes=inputs.CheckTask,
        gives=results.Tasks,
        act=acts.check,
        say=words.tasks,
        attach=lambda found: [file for task in found.tasks if task.result for file in task.result.files],
        read_only=True,
    ),
    ToolOf(
        name="cancel_task",
        title="Cancel a task",
        description="Say that you do not want a delegated task any more. One that waits ends at once; whoever works on one is asked to "
        "stop, and may still answer.",
        takes=inputs.CancelTask,
        gives=results.Task,
        act=acts.cancel,
        say=words.task,
        destructive=True,
        idempotent=True,
    ),
    ToolOf(
        name="wait_for_message",
        title="Wait for a message",
        description="The next message of your mailbox, handed to you; waits when there is none. It is yours until you end it with reply "
        "or inbox_pop; if your session dies first, it goes back and is handed out again. Messages come one at a time in their "
        "order unless your workspace is set up for more: end the one you hold before you wait for the next.",
        takes=inputs.WaitForMessage,
        gives=results.Received,
        act=acts.wait_for_message,
        say=words.received,
        attach=lambda found: found.message.files if found.message else (),
    ),
    ToolOf(
        name="inbox_peek",
        title="Look into the mailbox",
        description="Your unfinished messages in their order, those that you hold included, without taking any. Long ones are "
        "shown whole when they are yours.",
        takes=inputs.Peek,
        gives=results.Mailbox,
        act=acts.peek,
        say=words.mailbox,
        read_only=True,
    ),
    ToolOf(
        name="inbox_pop",
        title="Be done with a message",
        description="Be done with a message that was handed to you. After reply there is nothing left to do and this says so. Before "
        "reply it is refused, because its sender waits, unless if_unanswered says what is to become of it; a report needs no "
        "answer and simply ends.",
        takes=inputs.Pop,
        gives=results.Settled,
        act=acts.pop,
        say=words.settled,
        destructive=True,
        idempotent=True,
    ),
    ToolOf(
        name="reply",
        title="Answer a message",
        description="Answer a message that was handed to you. The answer is kept and ends the message at once; there is one per message. "
        "Use report_progress for what comes before it.",
        takes=inputs.Answer,
        gives=results.Settled,
        act=acts.reply,
        say=words.settled,
        idempotent=True,
    ),
    ToolOf(
        name="report_progress",
        title="Report progress",
        description="Show the sender of a message that you hold how far you are. Also tells you whether it is still wanted.",
        takes=inputs.ReportProgress,
        gives=results.Noted,
        act=acts.progress,
        say=words.noted,
    ),
    ToolOf(
        name="chat_history",
        title="Read the history",
        description="What was said to you and by you, oldest first; without before, the newest page. Long texts are cut, unless you ask "
        "for one line: limit 1, and before the seq after it.",
        takes=inputs.History,
        gives=results.Page,
        act=acts.history,
        say=words.page,
        read_only=True,
    ),
    ToolOf(
        name="send_message_to_user",
        title="Tell your people",
        description="Tell the people behind your workspace something that nobody asked for. To answer a message, a person's too, use "
        "reply.",
        takes=inputs.TellPeople,
        gives=results.Told,
        act=acts.tell,
        say=words.told,
    ),
)
