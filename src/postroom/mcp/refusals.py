"""Errors that a model can act on: the stable code, the sentence, and what to do instead.

They travel as results of the tool (``isError``), as the protocol wants it for what a model should see and mend; ``_meta`` has the same for
programs. The structured result stays empty: clients check it against the tool's output schema, errors too.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from mcp_types import CallToolResult, TextContent

from postroom import errors
from postroom.errors import PostroomError

META: Final = "postroom/error"

# By code first, then by the first class that fits.
_NEXT: Final[Mapping[str, str]] = {
    "invalid": "Mend the arguments that are named and call again.",
    "workspace_not_found": "list_peers shows whom you may delegate to (the operator has list_workspaces): use an id or a name from there.",
    "ambiguous_name": "Use one of the ids instead of the name.",
    "workspace_removed": "It will not come back: choose another peer.",
    "delegation_to_self": "Do it yourself, or choose another peer.",
    "delegation_cycle": "Somebody in the chain waits for this already: do it yourself, or answer with outcome input_required.",
    "delegation_too_deep": "The work was passed on too often: do it yourself, or answer that it can not be done.",
    "chain_forbidden": "Somebody on whose behalf you work may not ask this peer: choose another, or answer that it can not be done.",
    "too_many_delegations": "Wait for your open tasks with check_task_status, or cancel some.",
    "parent_ended": "The message that you worked on has ended: delegate without it, or stop.",
    "delegation_ended": "There is nothing left to cancel: check_task_status has its end.",
    "not_answered": "Call reply first. If it needs no answer: inbox_pop with if_unanswered end, or give_back to have it handed out again.",
    "not_held": "It waits in the mailbox or somebody else has it: wait_for_message hands you what is yours to do.",
    "lease_lost": "It was taken from you after a long silence, and may be handed out again: wait_for_message.",
    "superseded": "The message has its answer, and that one counts. For something new use send_message_to_user or delegate_task.",
    "key_reused": "Take a new idempotency_key, or repeat the call exactly as it was.",
    "outcome_unknown": "It may or may not have been done: call again with the same arguments and the idempotency_key given here.",
    "maybe_made": "Look with the list tools whether it is there, and call again only if it is not.",
    "not_confirmed": "If your user wants exactly this, call again with confirm: true.",
    "mailbox_full": "That mailbox takes no more for now: try later, or ask another peer.",
    "delivery_mode": "Your post is brought to your workspace's URL: there is nothing to fetch here.",
}
CODES: Final = frozenset(_NEXT)
"""The codes that have an advice of their own."""
_NEXT_BY_KIND: Final[Sequence[tuple[type[PostroomError], str]]] = (
    (errors.NotFound, "Check the id against what you were given: only what is yours can be named."),
    (errors.Unavailable, "Try the same call again in a few seconds."),
    (errors.TooMany, "Wait and try again."),
    (errors.TooLarge, "Say it shorter, or put the long part where it can be fetched and name its address."),
    (errors.Unauthenticated, "Your token lets you in no more: tell your user."),
    (errors.Gone, "It is gone for good."),
)


def refused(error: PostroomError) -> CallToolResult:
    """The result of a call that was refused."""
    advice = advice_for(error)
    told = [f"Refused ({error.name}): {error.sentence}", f"What to do: {advice}"]
    if error.data:
        # Data may hold names that others chose: JSON keeps them on one line and inside their quotes.
        told.append(f"Details: {orjson.dumps(error.data, default=str).decode()}")
    meta: dict[str, Any] = {META: {**error.data, "code": error.name, "error": error.sentence, "next": advice}}
    return CallToolResult(content=[TextContent(text="\n".join(told))], is_error=True, _meta=meta)


def advice_for(error: PostroomError) -> str:
    """What to do about it."""
    by_kind = (advice for kind, advice in _NEXT_BY_KIND if isinstance(error, kind))
    return _NEXT.get(error.name) or next(by_kind, "Do not repeat the call as it is.")
