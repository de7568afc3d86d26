"""Races of delegations: each end is told once and in its place, and no more are open than may be."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

from tests.races.arena import Box, Json, Round
from tests.races.line import Call

Rounds = Callable[[Callable[[Round], Awaitable[str]]], Awaitable[None]]
OPEN = 64
MOST_CLERKS = 8


def delegate(one: Round, lead: Box, clerk: Box) -> Call:
    """Lead asks, and is to be told."""
    body = {"target_id": clerk.id, "task": "it"}
    return one.call("POST", f"/workspaces/{lead.id}/delegate", lead.token, body, Idempotency_Key=str(uuid4()))


async def delegated(one: Round, lead: Box, clerk: Box) -> tuple[str, Json]:
    """A delegation that its callee holds; and what it holds."""
    made = (await one.ask(delegate(one, lead, clerk), 202)).body["delegation_id"]
    [item] = (await one.ask(one.claim(clerk))).body["items"]
    return made, item


async def told(one: Round, lead: Box) -> list[Json]:
    """The ends that Lead is told."""
    return [item["report"] for item in (await one.ask(one.claim(lead, 32))).body["items"] if item["report"]]


async def test_ends_in_many_mailboxes_are_told_in_one(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        lead = await one.box(max_concurrent=32)
        clerks = [await one.box() for _ in range(min(one.size, MOST_CLERKS))]
        held = [await delegated(one, lead, clerk) for clerk in clerks]
        replies = [one.verb(clerk, item, "reply", text="that") for clerk, (_, item) in zip(clerks, held, strict=True)]
        answers = await one.race([*replies, one.send(lead, "another", Idempotency_Key=str(uuid4()))])
        assert {answer.status for answer in answers} == {200}
        assert {report["delegation_id"] for report in await told(one, lead)} == {made for made, _ in held}
        return "all of them"

    await rounds(race)


async def test_cancel_or_reply_is_told_once(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        lead, clerk = await one.box(max_concurrent=32), await one.box()
        made, item = await delegated(one, lead, clerk)
        await one.end_lease(made)
        cancels = [
            one.call("POST", f"/workspaces/{lead.id}/delegations/{made}/cancel", lead.token, {}) for _ in range(max(1, one.size // 2))
        ]
        await one.race([*cancels, one.verb(clerk, item, "reply", text="that")])
        [report] = await told(one, lead)
        found = await one.ask(one.call("GET", f"/workspaces/{lead.id}/delegations/{made}", lead.token))
        assert (report["delegation_id"], report["status"]) == (made, found.body["status"])
        return report["status"]

    await rounds(race)


async def test_no_more_are_open_than_may_be(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        lead, clerks = await one.box(), [await one.box() for _ in range(2)]
        answers = await one.race([delegate(one, lead, clerks[number % 2]) for number in range(OPEN + one.size)])
        refused = [(answer.status, answer.code) for answer in answers if answer.status != 202]
        assert refused == [(429, "too_many_delegations")] * one.size
        return "sixty-four"

    await rounds(race)
