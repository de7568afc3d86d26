"""Saying something to a workspace over A2A 1.0 (JSON-RPC), safely repeated under one Idempotency-Key."""

from dataclasses import dataclass
from typing import Any, Literal, cast
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from postroom.client.errors import error_from
from postroom.client.retry import Patience
from postroom.client.transport import Answer, Id, Json, Transport, given, path_to, rows
from postroom.clock import monotonic
from postroom.errors import Unavailable

State = Literal["replied", "failed", "cancelled", "expired", "accepted", "handed", "input_required"]

VERSION_HEADERS = {"A2A-Version": "1.0"}
# Longer than the server's own limit on a wait, so that it is the server that ends the wait and says how things stand.
WAIT_MARGIN = 15.0

Place = str | int | UUID
"""Where to go on in a conversation."""

_STATES: dict[str, State] = {
    "TASK_STATE_SUBMITTED": "accepted",
    "TASK_STATE_WORKING": "handed",
    "TASK_STATE_INPUT_REQUIRED": "input_required",
    "TASK_STATE_AUTH_REQUIRED": "input_required",
    "TASK_STATE_COMPLETED": "replied",
    "TASK_STATE_FAILED": "failed",
    "TASK_STATE_REJECTED": "failed",
    "TASK_STATE_CANCELED": "cancelled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """How a message stood when the send returned.

    ``text`` joins the text parts of the reply; ``task`` or ``message`` is what A2A answered; ``error`` is set when the message failed or
    expired: ``{"code", "detail"}`` where the server gave them.
    """

    message_id: str
    state: State
    text: str | None
    task: Json | None
    message: Json | None
    error: Json | None

    @property
    def parts(self) -> list[Json]:
        """The parts of the reply in A2A 1.0 form, files among them; empty while there is none."""
        return _reply_parts(self.task) if self.task is not None else (self.message or {}).get("parts", [])


class TalkCalls(Transport):
    """Send, look after what was sent, and read what was said."""

    async def send(
        self,
        workspace_id: Id,
        content: str | Json,
        *,
        key: str | None = None,
        thread_id: str | None = None,
        wait: float | None = 300.0,
        deadline_seconds: float | None = None,
        retry_for: float = 60.0,
    ) -> Sent:
        """Send a text, or an A2A message object with its ``parts``, and wait up to ``wait`` seconds for the end of it (None: not at all).

        Transport failures and 503 are tried again under the same key until ``retry_for`` seconds of an outage have passed; then
        Unavailable is raised, and sending again with the same ``key`` settles what became of it. Raises every refusal as it is.
        """
        key = key or str(uuid4())
        message = _message(content, key, thread_id, deadline_seconds)
        ends_at = monotonic() + (wait or 0.0)
        patience = Patience(retry_for)
        while True:
            began = monotonic()
            try:
                return await self._send_once(workspace_id, message, key, None if wait is None else max(ends_at - began, 1.0))
            except Unavailable as error:
                await patience.pause(error, began)

    async def task(self, workspace_id: Id, task_id: Id) -> Json:
        """The A2A task as it stands (GetTask). Raises NotFound."""
        return _result(await self._rpc(workspace_id, "GetTask", {"id": str(task_id)}))

    async def cancel(self, workspace_id: Id, task_id: Id) -> Json:
        """Ask for the end of a task (CancelTask). Raises NotFound, and Conflict when it has ended already."""
        return _result(await self._rpc(workspace_id, "CancelTask", {"id": str(task_id)}))

    async def chat_history(
        self,
        id: Id,
        *,
        limit: int = 50,
        before: Place | None = None,
        after: Place | None = None,
        around: Place | None = None,
        thread_id: str | None = None,
        between: Literal["people", "agents"] | None = None,
        q: str | None = None,
    ) -> Json:
        """A page of what was said, oldest first: ``{messages, reached_end, next}``, ``next`` being the place to go on from.

        A place is a ``seq``; ``between="agents"`` (the traffic with other agents, both ways) has ids of messages for it. ``between`` is
        what HTTP calls ``with``. With words to find (``q``) a page may be short, or empty, and not the last.
        """
        query = given(limit=limit, before=before, after=after, around=around, thread_id=thread_id, q=q) | given(**{"with": between})
        return (await self.request("GET", path_to("workspaces", id, "chat-history"), query=query)).body

    async def notify(
        self, id: Id, message: str, *, attachments: list[Json] | None = None, key: str | None = None, thread_id: str | None = None
    ) -> Json:
        """Tell the agent's people something that answers nobody, with parts that are files: ``{id, seq, thread_id}``.

        The same ``key`` again is the same notice.
        """
        headers = {"Idempotency-Key": key} if key else None
        body = given(message=message, attachments=attachments, thread_id=thread_id)
        return (await self.request("POST", path_to("workspaces", id, "notify"), json=body, headers=headers)).body

    async def activity(self, id: Id, **filters: Any) -> list[Json]:
        """The feed of one workspace as rows. Raises Gone when the cursor was pruned."""
        return rows((await self.request("GET", path_to("workspaces", id, "activity"), query=filters)).body, "activity")

    async def _send_once(self, workspace_id: Id, message: Json, key: str, wait: float | None) -> Sent:
        params: Json = {"message": message, "configuration": {"returnImmediately": wait is None}}
        headers = {"Idempotency-Key": key, **({} if wait is None else {"X-Timeout": f"{wait:.3f}"})}
        answer = await self._rpc(workspace_id, "SendMessage", params, headers=headers, timeout=(wait or 0.0) + WAIT_MARGIN)
        return _sent(answer)

    async def _rpc(
        self,
        workspace_id: Id,
        method: str,
        params: Json,
        *,
        headers: dict[str, str] | None = None,
        timeout: float | None = None,
    ) -> Answer:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        path = path_to("workspaces", workspace_id, "a2a")
        return await self.request("POST", path, json=body, headers={**VERSION_HEADERS, **(headers or {})}, timeout=timeout)


def text_of(parts: list[Json]) -> str:
    """The text parts, joined by line ends; other parts are passed over."""
    return "\n".join(part["text"] for part in parts if isinstance(part.get("text"), str))


def _message(content: str | Json, key: str, thread_id: str | None, deadline_seconds: float | None) -> Json:
    message: Json = {"role": "ROLE_USER", **({"parts": [{"text": content}]} if isinstance(content, str) else content)}
    # From the key, so that the same send is the same body whoever repeats it: another body under the key would be refused.
    message.setdefault("messageId", str(uuid5(NAMESPACE_URL, f"postroom:{key}")))
    if thread_id is not None:
        message["contextId"] = thread_id
    if deadline_seconds is not None:
        message["metadata"] = {**message.get("metadata", {}), "postroom.deadline_seconds": deadline_seconds}
    return message


def _result(answer: Answer) -> Json:
    body = cast(Json, answer.body)
    if "error" in body:
        raise error_from(answer.status, body, None)
    return body["result"]


def _sent(answer: Answer) -> Sent:
    result = _result(answer)
    task: Json | None = result.get("task")
    message: Json | None = result.get("message")
    state = "replied" if task is None else _state(task)
    parts = _reply_parts(task) if task is not None else (message or {}).get("parts", [])
    return Sent(
        message_id=answer.headers.get("x-postroom-message-id", ""),
        state=state,
        text=text_of(parts) if state in ("replied", "input_required") else None,
        task=task,
        message=message,
        error=_failure(task) if task is not None and state in ("failed", "expired") else None,
    )


def _state(task: Json) -> State:
    # A2A knows no expiry, so the server says it beside the state.
    if _metadata(task).get("postroom.state") == "expired":
        return "expired"
    return _STATES[task["status"]["state"]]


def _reply_parts(task: Json) -> list[Json]:
    artifacts = [part for artifact in task.get("artifacts", []) for part in artifact.get("parts", [])]
    return artifacts or task["status"].get("message", {}).get("parts", [])


def _failure(task: Json) -> Json:
    metadata = _metadata(task)
    detail = metadata.get("postroom.detail") or text_of(task["status"].get("message", {}).get("parts", []))
    return {"code": metadata.get("postroom.code"), "detail": detail}


def _metadata(task: Json) -> Json:
    return {**task.get("metadata", {}), **task["status"].get("message", {}).get("metadata", {})}
