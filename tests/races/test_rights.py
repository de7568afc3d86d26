"""Races against the end of a permission: what begins after the answer that took it away gets nothing, and nothing is half done."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

from tests.races.arena import Box, Round
from tests.races.line import Answer, Call, Line, together

Rounds = Callable[[Callable[[Round], Awaitable[str]]], Awaitable[None]]


async def second_token(one: Round, box: Box) -> tuple[str, Call]:
    """Another token of the box, and the call that revokes it."""
    made = (await one.ask(one.manage("POST", f"/workspaces/{box.id}/tokens", {}), 201)).body
    return made["token"], one.manage("DELETE", f"/workspaces/{box.id}/tokens/{made['id']}")


def passed(answers: list[Answer]) -> int:
    return sum(answer.status == 200 for answer in answers)


async def test_revoke_or_read(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        box = await one.box()
        await one.post(box)
        token, revoke = await second_token(one, box)
        reads = [one.call("GET", one.chance.choice(_READS).format(box.id), token) for _ in range(one.size - 1)]
        *answers, revoked = await one.race([*reads, revoke])
        assert revoked.status == 204 and {answer.status for answer in answers} <= {200, 401}
        assert {answer.status for answer in await together(reads)} == {401}, "read after the revoke's answer"
        return "some read" if passed(answers) else "none read"

    await rounds(race)


_READS = ("/workspaces/{}", "/workspaces/{}/chat-history", "/workspaces/{}/activity", "/registry/{}/peers", "/workspaces")


async def test_revoke_or_write(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        target, box = await one.box(), await one.box(max_concurrent=4)
        await one.post(box)
        token, revoke = await second_token(one, box)
        sends = [one.send(target, "it", token=token, Idempotency_Key=str(uuid4())) for _ in range(one.size)]
        *answers, revoked = await one.race([*sends, one.claim(box, token=token), revoke])
        assert revoked.status == 204 and {answer.status for answer in answers} <= {200, 401}
        sent = [answer for answer in answers[:-1] if answer.status == 200]
        assert len(await one.sql("select from message where workspace_id = $1", target.id)) == len(sent)
        assert {answer.status for answer in await together(sends)} == {401}, "sent after the revoke's answer"
        return "some sent" if sent else "none sent"

    await rounds(race)


async def test_what_was_let_in_before_the_revoke_writes_nothing_after_it(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        target, box = await one.box(), await one.box(max_concurrent=4)
        item, _ = await one.held_item(box), await one.post(box)
        token, revoke = await second_token(one, box)
        stale = Box(box.id, token)
        calls = [
            one.send(target, "it", token=token, Idempotency_Key=str(uuid4())),
            one.claim(stale),
            one.verb(stale, item, "extend", lease=3600),
            one.verb(stale, item, "progress", text="half"),
            one.verb(stale, item, "fail", error="no", retry=True),
            one.verb(stale, item, "reply", text="stolen"),
        ]
        lines = [Line(call) for call in calls]
        for line in lines:
            await line.load(held=True)
        # The servers look at who is calling as soon as the headers are there.
        await one.ask(one.manage("GET", "/health"))
        await one.ask(revoke, 204)
        for line in lines:
            line.fire()
        answers = [await line.answer() for line in lines]
        handed = [answer.body["items"] for answer in answers if "items" in answer.body]
        assert handed in ([], [[]]), "handed out to a revoked token"
        assert {answer.status for answer in answers if "items" not in answer.body} <= {401, 409}
        assert await one.sql("select from message where workspace_id = $1", target.id) == []
        [[left, attempt]] = await one.sql(
            "select extract(epoch from due_at - clock_timestamp())::float8, attempt from work where message_id = $1", item["message_id"]
        )
        assert 0 < left < 120 and attempt == 1 and await one.events(box, "message.progress") == 0
        return "refused"

    await rounds(race)


async def test_send_or_a_move_that_parts_them(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        family = await one.box()
        sender, target = await one.box(parent_id=family.id), await one.box(parent_id=family.id)
        elsewhere = await one.box()
        move = one.manage("PATCH", f"/workspaces/{target.id}", {"parent_id": elsewhere.id})
        sends = [one.send(target, "it", token=sender.token, Idempotency_Key=str(uuid4())) for _ in range(one.size)]
        *answers, moved = await one.race([*sends, move])
        assert moved.status == 200 and {(answer.status, answer.code) for answer in answers} <= {(200, ""), (404, "workspace_not_found")}
        rows = await one.sql("select from message where workspace_id = $1", target.id)
        assert len(rows) == passed(answers)
        later = [one.send(target, "it", token=sender.token, Idempotency_Key=str(uuid4())) for _ in range(2)]
        assert {answer.status for answer in await together(later)} == {404}, "sent after the move's answer"
        return "some sent" if rows else "none sent"

    await rounds(race)


async def test_send_or_removal(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        box = await one.box()
        sends = [one.send(box, "it", Idempotency_Key=str(uuid4())) for _ in range(one.size)]
        *answers, removal = await one.race([*sends, one.manage("DELETE", f"/workspaces/{box.id}")])
        assert removal.status == 200 and {(answer.status, answer.code) for answer in answers} <= {(200, ""), (410, "workspace_removed")}
        ends = await one.sql(
            "select o.error->>'code' from message m join outcome o on o.message_id = m.id where m.workspace_id = $1", box.id
        )
        assert [row[0] for row in ends] == ["workspace_removed"] * passed(answers), "a message was left behind"
        assert {answer.status for answer in await together([one.send(box, "it"), one.claim(box)])} == {410}
        return "some sent" if ends else "none sent"

    await rounds(race)
