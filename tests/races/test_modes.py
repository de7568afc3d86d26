"""Races with a change of how post is brought: what is out already goes the new way, whenever it came."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

from tests.races.arena import Round

Rounds = Callable[[Callable[[Round], Awaitable[str]]], Awaitable[None]]
NOWHERE = "http://127.0.0.1:65500/"


async def test_send_or_an_address_to_be_called_at(rounds: Rounds) -> None:
    async def race(one: Round) -> str:
        box = await one.box(max_concurrent=32)
        sends = [one.send(box, "it", Idempotency_Key=str(uuid4())) for _ in range(one.size)]
        called = one.manage("PATCH", f"/workspaces/{box.id}", {"delivery_mode": "push", "url": NOWHERE})
        answers = await one.race([*sends, called])
        assert {answer.status for answer in answers} == {200}
        left = await one.sql("select message_id from work where workspace_id = $1 and not called and due_at < 'infinity'", box.id)
        assert left == [], "nobody fetches this any more, and nobody is called for it"
        return "called"

    await rounds(race)
