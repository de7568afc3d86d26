"""What the operator sees of the whole post room."""

from tests.core.test_path import claim, send
from tests.support.database import House


async def test_an_empty_house_has_no_queues(house: House) -> None:
    await house.workspace()
    queues = await house.services.survey.queues()
    assert (queues.waiting, queues.handed, queues.oldest_waiting_seconds, queues.mailboxes) == (0, 0, 0.0, [])


async def test_queues_are_shown_longest_first_without_what_is_in_hand(house: House) -> None:
    long, short, busy = [await house.workspace(name) for name in ("long", "short", "busy")]
    for agent, many in ((short, 1), (long, 3), (busy, 1)):
        for _ in range(many):
            await send(house, agent)
    await claim(house, long)
    await claim(house, busy)
    await house.services.workspaces.pause(house.operator, short.id, paused=True)
    queues = await house.services.survey.queues()
    assert (queues.waiting, queues.handed) == (3, 2)
    assert [(queue.name, queue.waiting, queue.paused) for queue in queues.mailboxes] == [("long", 2, False), ("short", 1, True)]
    assert (
        queues.oldest_waiting_seconds == max(queue.oldest_seconds for queue in queues.mailboxes) == queues.mailboxes[1].oldest_seconds > 0
    )


async def test_at_most_ten_mailboxes_are_shown_and_the_oldest_counts_also_beyond_them(house: House) -> None:
    first = await house.workspace("first")
    await send(house, first)
    for number in range(11):
        agent = await house.workspace(f"agent {number}")
        for _ in range(2):
            await send(house, agent)
    queues = await house.services.survey.queues()
    assert (queues.waiting, len(queues.mailboxes)) == (23, 10)
    assert "first" not in {queue.name for queue in queues.mailboxes}
    assert queues.oldest_waiting_seconds > max(queue.oldest_seconds for queue in queues.mailboxes)
