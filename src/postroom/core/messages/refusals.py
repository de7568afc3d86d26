"""Why a message is not accepted: the verdicts of migration 0005, in words that whoever sent it can act on."""

from postroom.db.database import Row
from postroom.errors import Conflict, Forbidden, Gone, KeyReused, NotFound, PostroomError, Refused, TooMany, Unauthenticated
from postroom.settings import Settings


def refusal(row: Row, settings: Settings) -> PostroomError:
    """The error for a row whose verdict is neither ``accepted`` nor ``duplicate``."""
    match row["verdict"]:
        case "key_reused":
            return KeyReused("This key was used for another message.", message_id=str(row["message_id"]))
        case "unauthenticated":
            return Unauthenticated("This needs a valid token.")
        case "removed":
            return Gone("This workspace was removed.", code="workspace_removed")
        case "not_found":
            return NotFound("There is no such workspace.", code="workspace_not_found")
        case "full":
            limit = settings.mailbox_limit
            return TooMany(f"This mailbox holds {limit} unfinished messages.", code="mailbox_full", retry_after=30, limit=limit)
        case "letter_dropped":
            return Conflict("This dead letter was dropped.", code="dead_letter_dropped")
        case "task_not_found" | "task_ended" | "task_busy" | "thread_mismatch":
            return _of_task(row["verdict"])
        case _:
            return _of_delegation(row, settings)


def _of_task(verdict: str) -> PostroomError:
    match verdict:
        case "task_not_found":
            return NotFound("There is no such task.", code="task_not_found")
        case "thread_mismatch":
            return Refused("The task belongs to another context.", code="thread_mismatch")
        case _:
            return Conflict("This task does not wait for more.", code=verdict)


def _of_delegation(row: Row, settings: Settings) -> PostroomError:
    """``chain`` are the workspaces that asked one another (``id``, ``name``), the sender last."""
    chain = row["chain"]
    path = " -> ".join(link["name"] for link in chain)
    match row["verdict"]:
        case "cycle":
            sentence = f"The target is among those on whose behalf this is asked: {path}. If it is about another message, name that one."
            return Refused(sentence, code="delegation_cycle", chain=chain)
        case "too_deep":
            limit = settings.chain_limit
            sentence = f"At most {limit} workspaces ask one another on behalf of the first: {path}."
            return Refused(sentence, code="delegation_too_deep", chain=chain, limit=limit)
        case "chain_forbidden":
            sentence = (
                f"Somebody on whose behalf this is asked may not talk to the target, and it is in the team of none that was asked: {path}."
            )
            return Forbidden(sentence, code="chain_forbidden", chain=chain)
        case "too_many":
            limit = settings.delegation_limit
            sentence = f"{limit} delegations of this workspace have not ended: wait for one, or cancel it."
            return TooMany(sentence, code="too_many_delegations", retry_after=5, limit=limit)
        case "reader_full":
            return TooMany("Your own mailbox is full: read your post before you delegate more.", code="own_mailbox_full", retry_after=30)
        case _:
            return Conflict("The message on whose behalf this is asked is not in your hands any more.", code="parent_ended")
