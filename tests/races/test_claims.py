"""Races for post: a message has one holder at a time, in order, and none when it must not be handed out."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from tests.races.arena import LEASE, Box, Json, Round
from tests.races.line import Answer, together

Rounds = Callable[[Callable[[Round], Awaitable[str]]], Awaitable[None]]


def handed(answers: list[Answer]) -> list[Json]:
    assert all(answer.status == 200 for answer in answers), [answer.content for answer in answers]
    return [item for answer in answers for item in answer.body["items"]]


async def test_each_message_goes_to_one_claimer(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        room = one.chance.randint(1, 8)
        box = await one.box(max_concurrent=room)
        sent = [await one.post(box, str(number)) for number in range(room + 2)]
        answers = await one.race([one.claim(box, one.chance.randint(1, 4)) for _ in range(one.size)])
        got = [item["message_id"] for item in handed(answers)]
        # What every claimer got is in order, and together they got what there was room for, each once.
        assert all(ids == sorted(ids, key=sent.index) for ids in ([item["message_id"] for item in a.body["items"]] for a in answers))
        assert len(got) == len(set(got)) and set(got) == set(sent[: len(got)]) and len(got) <= room
        return "all that there was room for" if len(got) == room else "a part"

    await rounds(race)


async def test_of_those_who_wait_one_gets_the_message(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        box = await one.box()
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(one.race([one.claim(box, wait=1.5) for _ in range(min(one.size, 16))]))
            sending = tasks.create_task(one.post(box))
        [item] = handed(waiting.result())
        assert (item["message_id"], item["token"]) == (sending.result(), 1)
        return "one"

    await rounds(race)


async def test_claim_or_deadline(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        box = await one.box()
        message = await one.post(box)
        # The claims arrive just before, at and after it.
        soon = f"{one.chance.choice([-5, 0, 5, 10, 20, 40])} milliseconds"
        [[deadline]] = await one.sql(
            "update work set deadline = clock_timestamp() + $2::text::interval where message_id = $1 returning deadline", message, soon
        )
        items = handed(await one.race([one.claim(box) for _ in range(one.size)]))
        if not items:
            await _until_ended(one, box, message)
            assert (await one.task(box, message))["state"] == "expired" and await one.events(box, "message.handed") == 0
            return "the deadline"
        [item] = items
        moment = datetime.fromisoformat(item["lease_until"]).timestamp() - LEASE
        assert moment <= deadline.timestamp() + 0.002, "handed out after the deadline"
        return await _reply_after_deadline(one, box, item)

    await rounds(race)


async def _reply_after_deadline(one: Round, box: Box, item: Json) -> str:
    [reply] = await together([one.verb(box, item, "reply", text="that")])
    await _until_ended(one, box, item["message_id"])
    state = (await one.task(box, item["message_id"]))["state"]
    assert state == ("replied" if reply.status == 200 else "expired")
    assert reply.status == 200 or (reply.status, reply.code) == (409, "superseded")
    return f"the claim, then {state}"


async def _until_ended(one: Round, box: Box, message: str) -> None:
    async with asyncio.timeout(30):
        while (await one.task(box, message))["state"] in ("accepted", "handed"):
            await asyncio.sleep(0.02)


async def test_pause_or_claim(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        box = await one.box(max_concurrent=8)
        sent = [await one.post(box, str(number)) for number in range(6)]
        *claims, pause = await one.race([*(one.claim(box) for _ in range(one.size - 1)), one.manage("POST", f"/workspaces/{box.id}/pause")])
        before = [item["message_id"] for item in handed(claims)]
        assert pause.body["status"] == "paused" and len(before) == len(set(before))
        assert handed(await together([one.claim(box, 32) for _ in range(4)])) == [], "handed out after the pause's answer"
        await one.ask(one.manage("POST", f"/workspaces/{box.id}/resume"))
        after = [item["message_id"] for item in handed([await one.ask(one.claim(box, 32))])]
        assert sorted(before + after) == sorted(sent)
        return f"{len(before)} before the pause" if len(before) < 2 else "more before the pause"

    await rounds(race)


async def test_give_back_or_claim(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        box = await one.box()
        item = await one.held_item(box)
        second = await one.post(box)
        *claims, back = await one.race([*(one.claim(box, 8) for _ in range(one.size - 1)), one.verb(box, item, "release")])
        items = handed(claims)
        assert back.status == 200 and len(items) <= 1
        if not items:
            items = handed([await one.ask(one.claim(box, 8))])
        # The same one, again its first attempt; the second is not let past it.
        assert [(given["message_id"], given["token"], given["attempt"]) for given in items] == [(item["message_id"], 2, 1)]
        await one.ask(one.verb(box, items[0], "reply", text="that"))
        assert [given["message_id"] for given in handed([await one.ask(one.claim(box, 8))])] == [second]
        return "claimed at once" if len(handed(claims)) else "claimed later"

    await rounds(race)
