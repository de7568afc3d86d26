"""Races of senders: the same key is the same message, whoever comes first and over whichever server."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

from tests.races.arena import Round
from tests.races.line import Answer

Rounds = Callable[[Callable[[Round], Awaitable[str]]], Awaitable[None]]


def ids(answers: list[Answer]) -> set[str]:
    return {answer.message_id for answer in answers if answer.status == 200}


async def test_same_key_and_body_is_one_message(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        box, key = await one.box(max_concurrent=8), str(uuid4())
        answers = await one.race([one.send(box, "it", Idempotency_Key=key) for _ in range(one.size)])
        assert [answer.status for answer in answers] == [200] * one.size
        [message] = ids(answers)
        [item] = (await one.ask(one.claim(box, 32))).body["items"]
        assert item["message_id"] == message and await one.events(box, "message.accepted") == 1
        return "one message"

    await rounds(race)


async def test_same_key_and_another_body_has_one_winner(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        box, key = await one.box(), str(uuid4())
        texts = [str(number % 3) for number in range(one.size)]
        answers = await one.race([one.send(box, text, Idempotency_Key=key) for text in texts])
        [message] = ids(answers)
        [item] = (await one.ask(one.claim(box, 32))).body["items"]
        winner = item["message"]["parts"][0]["text"]
        for text, answer in zip(texts, answers, strict=True):
            said = (answer.status, answer.message_id, answer.code)
            assert said == ((200, message, "") if text == winner else (422, message, "key_reused"))
        return f"body {winner}"

    await rounds(race)


async def test_same_key_to_several_mailboxes_has_one_winner(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        boxes, key = [await one.box() for _ in range(3)], str(uuid4())
        answers = await one.race([one.send(boxes[number % 3], "it", Idempotency_Key=key) for number in range(one.size)])
        [message] = ids(answers)
        kept = [str(row[0]) for row in await one.sql("select workspace_id from message where idempotency_key = $1", key)]
        assert len(kept) == 1
        for number, answer in enumerate(answers):
            here = boxes[number % 3].id == kept[0]
            assert (answer.status, answer.code) == ((200, "") if here else (422, "key_reused"))
            assert answer.message_id == message
        return f"mailbox {[box.id for box in boxes].index(kept[0])}"

    await rounds(race)


async def test_a_key_is_its_principals_and_not_its_tokens(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        target, first, second = await one.box(), await one.box(), await one.box()
        more = (await one.ask(one.manage("POST", f"/workspaces/{first.id}/tokens", {}), 201)).body["token"]
        tokens, key = [first.token, more, second.token], str(uuid4())
        answers = await one.race([one.send(target, "it", token=tokens[n % 3], Idempotency_Key=key) for n in range(max(3, one.size))])
        assert {answer.status for answer in answers} == {200}
        of_first = ids([answer for answer in answers if answer.call.token in (first.token, more)])
        of_second = ids([answer for answer in answers if answer.call.token == second.token])
        assert len(of_first) == len(of_second) == 1 and of_first != of_second
        return "one message each"

    await rounds(race)


async def test_repeats_while_the_first_is_in_flight_hear_its_answer(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        box, key = await one.box(), str(uuid4())
        message = (await one.ask(one.send(box, "it", Idempotency_Key=key))).message_id
        [item] = (await one.ask(one.claim(box))).body["items"]
        waiting = [one.send(box, "it", wait=30, Idempotency_Key=key) for _ in range(one.size)]
        end = one.chance.choice([one.verb(box, item, "reply", text="that"), one.verb(box, item, "fail", error="no")])
        *answers, last = await one.race([*waiting, end])
        assert last.status == 200 and ids(answers) == {message}
        heard = {answer.said for answer in answers}
        assert len(heard) == 1, heard
        assert ("message" in answers[0].body["result"]) == ("text" in end.body)
        return "replied" if "text" in end.body else "failed"

    await rounds(race)


async def test_every_message_has_a_number_of_its_own(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        box = await one.box(max_concurrent=64)
        answers = await one.race([one.send(box, str(n), Idempotency_Key=str(uuid4())) for n in range(one.size)])
        assert len(ids(answers)) == one.size
        history = (await one.ask(one.manage("GET", f"/workspaces/{box.id}/chat-history?limit=200"))).body["messages"]
        assert [entry["seq"] for entry in history] == list(range(1, one.size + 1))
        items: list[str] = []
        while claimed := (await one.ask(one.claim(box, 32))).body["items"]:
            items += [item["message_id"] for item in claimed]
        assert items == [entry["id"] for entry in history]
        return "no gap"

    await rounds(race)
