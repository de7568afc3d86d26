"""What a dead server held is taken over at once, and what a live one holds is left alone."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest

from postroom.core.registry.model import DeliveryMode
from postroom.db.signals import Signals
from postroom.ids import new_id
from postroom.metrics import REGISTRY
from postroom.workers.rescue import Rescue
from postroom.workers.wake import WakeConnection
from tests.core.test_path import claim, send
from tests.support.database import House


async def _until_free(house: House, rescue: Rescue) -> None:
    async with asyncio.timeout(10):
        while True:
            await rescue.take_over()
            [row] = await house.sql("select due_at <= clock_timestamp() as due from work")
            if row["due"]:
                return


async def test_calls_of_a_server_that_died_are_due_at_once(house: House) -> None:
    agent = await house.workspace(url="http://agent.example", delivery_mode=DeliveryMode.PUSH)
    await send(house, agent)
    dead = WakeConnection(house.db, Signals(), house.services.server)
    await dead.run_once()
    assert len(await house.services.deliveries.claim_calls(1)) == 1
    other = _other(house)
    for _ in range(3):
        await other.take_over()
    [row] = await house.sql("select due_at > clock_timestamp() + interval '20 seconds' as held from work")
    assert row["held"], "a live server's lease was taken"
    await dead.close()
    await _until_free(house, other)
    assert await house.sql("select * from server where lost_at is null") == []


async def test_server_whose_lock_is_held_is_not_suspected(house: House) -> None:
    alive = WakeConnection(house.db, Signals(), house.services.server)
    await alive.run_once()
    await _other(house).take_over()
    assert await house.sql("select * from server where lost_at is not null") == []
    await alive.close()


async def test_leases_of_agents_that_fetch_are_not_a_servers_to_lose(house: House) -> None:
    agent = await house.workspace()
    await send(house, agent)
    await claim(house, agent)
    for _ in range(3):
        await _other(house).take_over()
    [row] = await house.sql("select due_at > clock_timestamp() + interval '20 seconds' as held from work")
    assert row["held"]


def _other(house: House) -> Rescue:
    """The rescue of another server on the same database."""
    return Rescue(replace(house.services, server=new_id()))


async def test_server_taken_for_dead_comes_back_as_itself(house: House) -> None:
    wake = WakeConnection(house.db, Signals(), house.services.server)
    await wake.run_once()
    await house.sql("delete from server")
    wake._beaten = 0.0
    with pytest.raises(ConnectionError):
        await wake.run_once()
    async with asyncio.timeout(5):
        while not wake.connected.is_set():
            try:
                await wake.run_once()
            except ConnectionError:
                await asyncio.sleep(0)
    assert len(await house.sql("select * from server")) == 1
    await wake.close()


async def test_signals_reach_another_server(house: House) -> None:
    here, there = Signals(), Signals()
    sender, hearer = WakeConnection(house.db, here, house.services.server), WakeConnection(house.db, there, new_id())
    await sender.run_once()
    await hearer.run_once()
    with there.subscribe("post:x") as heard, there.subscribe("post:y") as other:
        here.emit("post:x")
        await sender.run_once()
        assert await heard.wait(5)
        assert not await other.wait(0)
    await sender.close()
    await hearer.close()


async def test_post_that_waits_although_there_is_room_is_let_out_and_counted(house: House) -> None:
    agent = await house.workspace()
    await send(house, agent)
    await house.sql("update work set due_at = 'infinity'")
    await house.sql("update mailbox set active_count = 0")
    before = _repaired()
    await Rescue(house.services).repair()
    [row] = await house.sql("select due_at <= clock_timestamp() as due from work")
    assert row["due"]
    assert _repaired() == before + 1


def _repaired() -> float:
    return REGISTRY.get_sample_value("postroom_repaired_total") or 0.0


async def test_a_server_takes_its_lock_back_from_a_connection_that_it_lost(house: House) -> None:
    """The network swallowed the connection's end, so PostgreSQL believes in it: the server must not stay away until it does not."""
    lost = WakeConnection(house.db, Signals(), house.services.server)
    await lost.run_once()
    again = WakeConnection(house.db, Signals(), house.services.server)
    async with asyncio.timeout(10):
        while not again.connected.is_set():
            with suppress(ConnectionError):
                await again.run_once()
    await again.close()
    await lost.close()
