"""What may befall a delegation on its way: an agent that is killed at its work, an answer that comes when it is over."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from postroom.client import Client, Delegation, Item
from postroom.errors import Conflict
from tests.crash.checker import answer_to
from tests.crash.load import Mailbox, at_rest
from tests.crash.test_matrix_agents import Desk
from tests.crash.tracing import Traces
from tests.support.server import ServerProcess, make_agent, wait_for

SECONDS = 60.0

pytestmark = pytest.mark.timeout(150)


async def test_an_agent_that_is_killed_at_its_work_is_followed_by_one_that_ends_it(
    server: ServerProcess, operator: Client, tmp_path: Path
) -> None:
    lead, token = await make_agent(operator, "Lead", max_concurrent=4)
    desk = Desk(server, Mailbox(*await make_agent(operator, "Typist")), tmp_path, Traces(tmp_path))
    try:
        async with server.client(token) as asking:
            asked = await asking.delegate(lead, desk.mailbox.id, "work")
            killed = desk.start("hang")
            await asyncio.to_thread(wait_for, desk.done, SECONDS, "it is at work")
            killed.kill()
            desk.start("reply")
            (report,) = await asking.claim(lead, wait=SECONDS)
            assert (report.report, report.message["parts"]) == (
                {"delegation_id": asked.id, "status": "completed"},
                [{"text": answer_to("work")}],
            )
            assert [attempt for _, _, attempt in desk.done()] == [1, 2]
            await asking.reply(report, "read")
            await at_rest(server.dsn(), [lead, desk.mailbox.id])
            assert await asking.claim(lead, wait=0) == []
    finally:
        for process in desk.processes:
            process.kill()
            process.wait(10)


PASSED = "update work set {} = clock_timestamp() - interval '1 s' where message_id = $1"


async def look_away(server: ServerProcess, statement: str, message: str) -> None:
    """As if time had passed."""
    connection = await asyncpg.connect(server.dsn())
    try:
        await connection.execute(statement, message)
    finally:
        await connection.close()


class Late:
    """Lead has asked Clerk, who holds it."""

    def __init__(self, server: ServerProcess, lead: tuple[str, Client], clerk: Client, item: Item) -> None:
        self.server = server
        self.lead_id, self.lead = lead
        self.clerk = clerk
        self.item = item

    async def look(self) -> Delegation:
        return await self.lead.delegation(self.lead_id, self.item.message_id)


async def cancelled(late: Late) -> None:
    await late.lead.cancel_delegation(late.lead_id, late.item.message_id)
    await look_away(late.server, PASSED.format("due_at"), late.item.message_id)


async def expired(late: Late) -> None:
    await look_away(late.server, PASSED.format("deadline"), late.item.message_id)


async def completed(late: Late) -> None:
    await late.clerk.reply(late.item, "in time")


@pytest.mark.parametrize("end", [cancelled, expired, completed], ids=lambda end: end.__name__)
async def test_an_answer_after_the_end_changes_nothing_and_tells_nobody(
    server: ServerProcess, operator: Client, end: Callable[[Late], Awaitable[None]]
) -> None:
    lead, token = await make_agent(operator, "Lead", max_concurrent=4)
    clerk, clerk_token = await make_agent(operator, "Typist")
    async with server.client(token) as asking, server.client(clerk_token) as answering:
        await asking.delegate(lead, clerk, "work")
        (item,) = await answering.claim(clerk, wait=SECONDS)
        late = Late(server, (lead, asking), answering, item)
        await end(late)
        (report,) = await asking.claim(lead, wait=SECONDS)
        before = (await late.look()).row
        for _ in range(2):
            with pytest.raises(Conflict) as refusal:
                await answering.reply(item, "too late")
            assert refusal.value.name == "superseded"
        assert (await late.look()).row == before
        assert report.report and report.report["status"] == before["status"] == end.__name__
        assert await asking.claim(lead, wait=0) == []
    kept = await operator.activity(clerk, type="message.late")
    assert {event["message_id"] for event in kept} == {item.message_id}
