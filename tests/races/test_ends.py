"""Races to the end of a message: it has one, and everybody is told of that one."""

from collections.abc import Awaitable, Callable

from tests.races.arena import Box, Json, Round
from tests.races.line import Answer

Rounds = Callable[[Callable[[Round], Awaitable[str]]], Awaitable[None]]
NOT_CANCELABLE = "-32002"


def fine(answers: list[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.status == 200 and not answer.code]


async def test_the_same_reply_from_many_is_one_reply(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        box = await one.box()
        item = await one.held_item(box)
        answers = await one.race([one.verb(box, item, "reply", text="that") for _ in range(one.size)])
        assert [(answer.status, answer.body["state"]) for answer in answers] == [(200, "replied")] * one.size
        assert await one.events(box, "message.replied") == 1 and await one.events(box, "message.late") == 0
        assert (await one.task(box, item["message_id"]))["words"] == "that"
        return "one reply"

    await rounds(race)


async def test_of_different_replies_one_takes_effect(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        box = await one.box()
        item = await one.held_item(box)
        answers = await one.race([one.verb(box, item, "reply", text=str(number)) for number in range(one.size)])
        [winner] = fine(answers)
        text = winner.call.body["text"]
        for loser in answers:
            if loser is not winner:
                assert (loser.status, loser.code, loser.body["winner"]["state"]) == (409, "superseded", "replied")
                assert loser.body["winner"]["message"]["parts"] == [{"text": text}]
        assert (await one.task(box, item["message_id"]))["words"] == text
        assert await one.events(box, "message.replied") == 1 and await one.events(box, "message.late") == one.size - 1
        return "the first" if text == "0" else "another"

    await rounds(race)


async def test_cancel_never_takes_the_work_from_its_holder(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        box = await one.box()
        item = await one.held_item(box)
        message = item["message_id"]
        cancels = [one.rpc(box, "CancelTask", message) for _ in range(one.size - 1)]
        *asked, reply = await one.race([*cancels, one.verb(box, item, "reply", text="that")])
        assert reply.status == 200 and (await one.task(box, message))["state"] == "replied"
        for answer in asked:
            assert answer.code == NOT_CANCELABLE or answer.body["result"]["metadata"]["postroom.state"] in ("handed", "replied")
        return "asked, then replied" if await one.events(box, "message.cancel_requested") else "replied first"

    await rounds(race)


async def test_cancel_of_a_lease_that_ran_out_or_its_late_reply(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        box = await one.box()
        item = await one.held_item(box)
        message = item["message_id"]
        await one.end_lease(message)
        replies = [one.verb(box, item, "reply", text="that") for _ in range(one.size - 1)]
        *replied, cancel = await one.race([*replies, one.rpc(box, "CancelTask", message)])
        state = (await one.task(box, message))["state"]
        if state == "replied":
            assert len(fine(replied)) == len(replied) and cancel.code == NOT_CANCELABLE
        else:
            assert state == "cancelled" and fine([cancel])
            assert {(answer.status, answer.code, answer.body["winner"]["state"]) for answer in replied} == {
                (409, "superseded", "cancelled")
            }
        return state

    await rounds(race)


async def test_cancel_or_claim(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        box = await one.box()
        message = await one.post(box)
        *claims, cancel = await one.race([*(one.claim(box) for _ in range(one.size - 1)), one.rpc(box, "CancelTask", message)])
        items = [item for claim in claims for item in claim.body["items"]]
        state = (await one.task(box, message))["state"]
        assert fine([cancel]) and len(items) == (state == "handed")
        if items:
            told = await one.ask(one.verb(box, items[0], "extend", lease=60))
            assert told.body["cancel"] is True
        return state

    await rounds(race)


async def test_give_back_or_reply(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        box = await one.box()
        item = await one.held_item(box)
        verb, fields = one.chance.choice(_BACKS)
        backs = [one.verb(box, item, verb, **fields) for _ in range(one.size - 1)]
        *returned, reply = await one.race([*backs, one.verb(box, item, "reply", text="that")])
        # Nobody claimed it again: the reply counts whichever came first.
        assert reply.status == 200 and (await one.task(box, item["message_id"]))["words"] == "that"
        for answer in returned:
            assert answer.status == 200 or (answer.status, answer.code) == (409, "superseded")
        effects = await one.events(box, "message.released") + await one.events(box, "message.retrying")
        assert effects <= 1
        return "given back, then replied" if effects else "replied first"

    await rounds(race)


_BACKS: tuple[tuple[str, Json], ...] = (("release", {}), ("fail", {"error": "not now", "retry": True}))


async def test_late_reply_or_the_next_claim(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        box = await one.box()
        item = await one.held_item(box)
        await one.end_lease(item["message_id"])
        claims = [one.claim(box) for _ in range(one.size - 1)]
        *claimed, reply = await one.race([*claims, one.verb(box, item, "reply", text="late")])
        return await _judge_late(one, box, claimed, reply)

    await rounds(race)


async def _judge_late(one: Round, box: Box, claimed: list[Answer], reply: Answer) -> str:
    items: list[Json] = [item for claim in claimed for item in claim.body["items"]]
    if reply.status == 200:
        assert items == [] and await one.events(box, "message.replied") == 1
        return "the late reply"
    assert (reply.status, reply.code) == (409, "lease_lost")
    [item] = items
    assert (item["token"], item["attempt"]) == (2, 2)
    await one.ask(one.verb(box, item, "reply", text="in time"))
    assert (await one.task(box, item["message_id"]))["words"] == "in time"
    return "the next claim"


async def test_reply_or_removal(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        box = await one.box()
        item, waiting = await one.held_item(box), await one.post(box)
        replies = [one.verb(box, item, "reply", text="that") for _ in range(one.size - 1)]
        *replied, removal = await one.race([*replies, one.manage("DELETE", f"/workspaces/{box.id}")])
        assert removal.status == 200
        rows = await one.sql(
            "select message_id::text, state, error->>'code' from outcome where message_id = any($1::uuid[])", _ids(item, waiting)
        )
        ends = {row[0]: (row[1], row[2]) for row in rows}
        assert ends[waiting] == ("failed", "workspace_removed")
        wins = len(fine(replied))
        assert ends[item["message_id"]] == (("replied", None) if wins else ("failed", "workspace_removed"))
        assert {answer.status for answer in replied} <= {200, 401, 409, 410}
        return "the reply" if wins else "the removal"

    await rounds(race)


def _ids(item: Json, waiting: str) -> list[str]:
    return [item["message_id"], waiting]


async def test_extend_or_the_next_claim(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        box = await one.box()
        item = await one.held_item(box)
        await one.end_lease(item["message_id"])
        extends = [one.verb(box, item, "extend", lease=60) for _ in range(one.size // 2)]
        claims = [one.claim(box) for _ in range(one.size - len(extends))]
        answers = await one.race([*extends, *claims])
        extended, claimed = answers[: len(extends)], answers[len(extends) :]
        items = [given for claim in claimed for given in claim.body["items"]]
        kept = fine(extended)
        assert len(items) <= 1 and bool(items) != bool(kept)
        assert all((answer.status, answer.code) == (409, "lease_lost") for answer in extended if answer not in kept)
        # Who holds it now can end it, and nobody else.
        holder = items[0] if items else item
        await one.ask(one.verb(box, holder, "reply", text="that"))
        return "the claim" if items else "the extension"

    await rounds(race)


async def test_all_who_wait_hear_the_same_end(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        box = await one.box()
        item = await one.held_item(box)
        await one.end_lease(item["message_id"])
        ends = [
            one.verb(box, item, "reply", text="that"),
            one.rpc(box, "CancelTask", item["message_id"]),
            one.verb(box, item, "fail", error="no"),
        ]
        key = (await one.sql("select idempotency_key from message where id = $1", item["message_id"]))[0][0]
        waiting = [one.send(box, "it", wait=30, Idempotency_Key=key) for _ in range(one.size)]
        answers = await one.race([*waiting, *ends])
        heard, told = answers[: one.size], answers[one.size :]
        assert len(fine(told)) == 1 and len({answer.said for answer in heard}) == 1
        return (await one.task(box, item["message_id"]))["state"]

    await rounds(race)
