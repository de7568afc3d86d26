"""What each of the operator's tools does. Reads and what may be done twice are tried again while the server is away, within bounds."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID, uuid4

from pydantic import ConfigDict

from postroom.bridge import operator_inputs as inputs
from postroom.bridge.patience import PATIENCE_SECONDS, patiently
from postroom.client import Client, Json, Sent
from postroom.errors import OutcomeUnknown, Refused, Unavailable
from postroom.mcp.acts import Tell
from postroom.mcp.naming import chosen
from postroom.mcp.results import Shown

Made = TypeVar("Made")

# What a list shows of a workspace; get_workspace has the rest.
_LISTED = ("id", "name", "role", "status", "parent_id", "delivery_mode", "queue_depth", "active_tasks", "current_task", "last_heartbeat")


class Found(Shown):
    """What the server answered, field by field as docs/http.md has it."""

    model_config = ConfigDict(extra="allow")


async def list_workspaces(client: Client, given: inputs.ListWorkspaces, _: Tell) -> Found:
    rows = await patiently(lambda: client.workspaces(include_removed=given.include_removed))
    return _found(workspaces=[{name: row[name] for name in _LISTED} for row in rows])


async def get_workspace(client: Client, given: inputs.OfWorkspace, _: Tell) -> Found:
    return _found(**await _at(client, given, client.workspace))


async def create_workspace(client: Client, given: inputs.CreateWorkspace, _: Tell) -> Found:
    parent = None if given.parent is None else await patiently(lambda: _id_of(client, str(given.parent)))
    fields = given.model_dump(exclude={"parent"})
    return _found(**await _once(client.create_workspace(**fields, parent_id=parent)))


async def update_workspace(client: Client, given: inputs.UpdateWorkspace, _: Tell) -> Found:
    fields = given.model_dump(exclude={"workspace", "parent"}, exclude_none=True)
    if given.parent is not None:
        fields["parent_id"] = await patiently(lambda: _id_of(client, str(given.parent))) if given.parent else None
    return _found(**await _at(client, given, lambda id: client.update_workspace(id, **fields)))


async def pause(client: Client, given: inputs.OfWorkspace, _: Tell) -> Found:
    return _found(**await _at(client, given, client.pause) or {})


async def resume(client: Client, given: inputs.OfWorkspace, _: Tell) -> Found:
    return _found(**await _at(client, given, client.resume) or {})


async def remove_workspace(client: Client, given: inputs.RemoveWorkspace, _: Tell) -> Found:
    rows = await patiently(client.workspaces)
    id = await patiently(lambda: _id_of(client, given.workspace))
    if not given.confirm:
        gone = [{name: row[name] for name in ("id", "name", "queue_depth")} for row in rows if id in _line_of(row, rows)]
        raise _unconfirmed("This removes the workspace and all below it, and fails their unfinished messages.", removes=gone)
    return _found(**await patiently(lambda: client.remove_workspace(id, confirm=True)) or {})


async def list_tokens(client: Client, given: inputs.OfWorkspace, _: Tell) -> Found:
    return _found(tokens=await _at(client, given, client.tokens))


async def create_token(client: Client, given: inputs.CreateToken, _: Tell) -> Found:
    id = await patiently(lambda: _id_of(client, given.workspace))
    return _found(**await _once(client.make_token(id, given.label)))


async def revoke_token(client: Client, given: inputs.RevokeToken, _: Tell) -> Found:
    id = await patiently(lambda: _id_of(client, given.workspace))
    live = await patiently(lambda: client.tokens(id))
    matches = [row for row in live if given.token in (row["id"], row["prefix"])]
    if len(matches) != 1:
        raise Refused(f"{len(matches)} live tokens fit.", code="token_not_found", prefixes=[row["prefix"] for row in live])
    if not given.confirm:
        raise _unconfirmed("Whoever uses this token is shut out at once.", token=matches[0])
    await patiently(lambda: client.revoke_token(id, matches[0]["id"]))
    return _found(revoked=matches[0])


async def chat(client: Client, given: inputs.Chat, _: Tell) -> Found:
    return await _say(client, given, given.timeout_seconds)


async def async_delegate(client: Client, given: inputs.Say, _: Tell) -> Found:
    return await _say(client, given, None)


async def _say(client: Client, given: inputs.Say, wait: float | None) -> Found:
    id = await patiently(lambda: _id_of(client, given.workspace))
    key = given.idempotency_key or str(uuid4())
    try:
        sent = await client.send(
            id,
            given.message,
            key=key,
            thread_id=given.thread_id,
            wait=wait,
            deadline_seconds=given.deadline_seconds,
            retry_for=PATIENCE_SECONDS,
        )
    except Unavailable as error:
        raise OutcomeUnknown(error.sentence, retry_after=error.retry_after, idempotency_key=key) from error
    return _found(**_told(sent), idempotency_key=key)


def _told(sent: Sent) -> Json:
    said: Json = sent.task or sent.message or {}
    return {
        "message_id": sent.message_id,
        "task_id": (sent.task or {}).get("id") or said.get("taskId"),
        "thread_id": said.get("contextId"),
        "state": sent.state,
        "text": sent.text,
        "error": sent.error,
    }


async def check_delegations(client: Client, given: inputs.CheckDelegations, _: Tell) -> Found:
    id = await patiently(lambda: _id_of(client, given.workspace))
    if given.task_id is not None:
        return _found(task=await patiently(lambda: client.task(id, str(given.task_id))))
    page = await patiently(lambda: client.chat_history(id, limit=200))
    replies = {row["reply_to"]: row["content"] for row in page["messages"] if row["reply_to"]}
    sent = [_line(row, replies) for row in page["messages"] if row["sender"]["kind"] == "operator"]
    return _found(delegations=sent[-given.limit :])


def _line(row: Json, replies: Json) -> Json:
    told = {name: row[name] for name in ("id", "task_id", "thread_id", "state", "error", "timestamp")}
    return {**told, "message": row["content"], "answer": replies.get(row["id"])}


async def cancel_task(client: Client, given: inputs.CancelTask, _: Tell) -> Found:
    if not given.confirm:
        raise _unconfirmed("Whoever works on this task is asked to stop.", task_id=given.task_id)
    return _found(task=await _at(client, given, lambda id: client.cancel(id, given.task_id)))


async def list_delegations(client: Client, given: inputs.ListDelegations, _: Tell) -> Found:
    if given.delegation_id is not None:
        one = await _at(client, given, lambda id: client.delegation(id, str(given.delegation_id), tree=True))
        return _found(delegations=[one.row])
    found = await _at(client, given, lambda id: client.delegations(id, open=given.open, limit=given.limit))
    return _found(delegations=[one.row for one in found])


async def cancel_delegation(client: Client, given: inputs.CancelDelegation, _: Tell) -> Found:
    if not given.confirm:
        raise _unconfirmed("Whoever works on this delegation is asked to stop.", delegation_id=given.delegation_id)
    return _found(**(await _at(client, given, lambda id: client.cancel_delegation(id, given.delegation_id))).row)


async def history(client: Client, given: inputs.History, _: Tell) -> Found:
    before = None if given.before is None else str(given.before)
    return _found(
        **await _at(client, given, lambda id: client.chat_history(id, limit=given.limit, before=before, thread_id=given.thread_id))
    )


async def activity(client: Client, given: inputs.Activity, _: Tell) -> Found:
    filters = given.model_dump(exclude={"workspace"}, exclude_none=True)
    return _found(activity=await _at(client, given, lambda id: client.activity(id, **filters)))


async def health(client: Client, _given: inputs.Nothing, _: Tell) -> Found:
    return _found(**await patiently(client.health))


async def _at(client: Client, given: inputs.OfWorkspace, act: Callable[[str], Awaitable[Made]]) -> Made:
    """Do what may be done twice about the workspace that is named."""

    async def both() -> Made:
        return await act(await _id_of(client, given.workspace))

    return await patiently(both)


async def _once(making: Awaitable[Made]) -> Made:
    """Make something that bears no key. Not tried again: nobody could tell the second from the first."""
    try:
        return await making
    except Unavailable as error:
        raise Unavailable(f"{error.sentence.rstrip('.')}. It may or may not have been made.", code="maybe_made") from error


async def _id_of(client: Client, named: str) -> str:
    """The workspace that a model meant. Raises as ``chosen``."""
    try:
        return str(UUID(named))
    except ValueError:
        return str(chosen(named, {UUID(row["id"]): row["name"] for row in await client.workspaces()}))


def _line_of(row: Json, rows: list[Json]) -> list[str]:
    """The ids from a workspace up to its root."""
    parents = {one["id"]: one["parent_id"] for one in rows}
    line: list[str] = [row["id"]]
    while (above := parents.get(line[-1])) is not None:
        line.append(above)
    return line


def _unconfirmed(sentence: str, **data: Any) -> Refused:
    return Refused(f"{sentence} Nothing was done: confirm is not true.", code="not_confirmed", **data)


def _found(**fields: Any) -> Found:
    return Found.model_validate(fields)
