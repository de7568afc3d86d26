"""What the operator's tools take, as models that are also their input schemas."""

from typing import Annotated, Literal

from pydantic import Field

from postroom.mcp.inputs import Input, Key, Text, Thread, Wait

Which = Annotated[str, Field(min_length=1, description="The workspace, by id or exact name, as list_workspaces shows them.")]
Limit = Annotated[int, Field(ge=1, le=200)]
Confirm = Annotated[bool, Field(description="Must be true: what this does can not be undone.")]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Role = Annotated[str | None, Field(max_length=1000, description="What it is there for; others see it.")]
Url = Annotated[str | None, Field(max_length=2000, description="Where its agent is called (A2A).")]
Mode = Annotated[Literal["push", "poll"] | None, Field(description="push: called at its url; poll: fetches its post.")]
Concurrency = Annotated[int | None, Field(ge=1, le=64, description="How many of its messages may be out at a time.")]
Task = Annotated[str, Field(min_length=1, description="As chat_with_agent or async_delegate gave it.")]


class Nothing(Input):
    """No arguments."""


class ListWorkspaces(Input):
    """Which to list."""

    include_removed: bool = False


class OfWorkspace(Input):
    """Which workspace."""

    workspace: Which


class CreateWorkspace(Input):
    """The workspace to make."""

    name: Name
    role: Role = None
    parent: Annotated[str | None, Field(min_length=1, description="The workspace above it; without one it is a root.")] = None
    delivery_mode: Mode = None
    url: Url = None
    max_concurrent: Concurrency = None


class UpdateWorkspace(OfWorkspace):
    """What to change; what is not named stays."""

    name: Name | None = None
    role: Role = None
    parent: Annotated[str | None, Field(description="The new workspace above it; an empty text makes it a root.")] = None
    delivery_mode: Mode = None
    url: Url = None
    max_concurrent: Concurrency = None


class RemoveWorkspace(OfWorkspace):
    """Which to remove, for certain."""

    confirm: Confirm = False


class CreateToken(OfWorkspace):
    """Whose token."""

    label: Annotated[str | None, Field(max_length=255, description="A note on whose it is.")] = None


class RevokeToken(OfWorkspace):
    """Which token, for certain."""

    token: Annotated[str, Field(min_length=1, description="Its id or prefix, as list_tokens shows them.")]
    confirm: Confirm = False


class Say(OfWorkspace):
    """What to say to whom."""

    message: Text
    thread_id: Thread = None
    deadline_seconds: Annotated[float | None, Field(ge=1, le=2_592_000, description="After so long nobody wants the answer.")] = None
    idempotency_key: Key = None


class Chat(Say):
    """What to say to whom, and how long to wait for the answer."""

    timeout_seconds: Wait = 50.0


class CheckDelegations(OfWorkspace):
    """Whose answers."""

    task_id: Annotated[Task | None, Field(description="One task; without it, the latest that you sent there.")] = None
    limit: Limit = 20


class CancelTask(OfWorkspace):
    """Which task, for certain."""

    task_id: Task
    confirm: Confirm = False


class ListDelegations(OfWorkspace):
    """What a workspace asked of others."""

    open: Annotated[bool, Field(description="Only those that have not ended.")] = False
    delegation_id: Annotated[str | None, Field(description="One of them, with everything that was delegated as part of it.")] = None
    limit: Limit = 50


class CancelDelegation(OfWorkspace):
    """Which delegation of a workspace, for certain."""

    delegation_id: Annotated[str, Field(min_length=1)]
    confirm: Confirm = False


class History(OfWorkspace):
    """Which part of what was said."""

    limit: Limit = 20
    before: Annotated[int | None, Field(ge=1, description="The next of the page before this one.")] = None
    thread_id: Annotated[str | None, Field(description="One thread only.")] = None


class Activity(OfWorkspace):
    """Which part of the feed."""

    limit: Limit = 50
    type: Annotated[str | None, Field(description="An event, or its first word: message, workspace, notice.")] = None
    since_id: Annotated[str | None, Field(description="A cursor: what came after it.")] = None
