"""Loops outlive their crashes and tell of them."""

import asyncio

from postroom.db.signals import Signals
from postroom.workers.supervisor import Loop, Supervisor


async def test_crash_of_a_loop_is_counted_shown_and_survived() -> None:
    runs: list[int] = []
    well = asyncio.Event()

    async def fail_twice() -> bool:
        runs.append(1)
        if len(runs) <= 2:
            raise ValueError("broken")
        well.set()
        return False

    loop = Loop(name="shaky", run_once=fail_twice, interval=60)
    supervisor = Supervisor(Signals(), [loop])
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = group.create_task(supervisor.run())
        await well.wait()
        task.cancel()
    report = supervisor.report()["shaky"]
    assert (report["crashes"], report["last_error"]) == (2, "ValueError: broken")


async def test_loop_wakes_for_its_topic_and_for_nothing_else() -> None:
    ran = asyncio.Queue[int]()

    async def note() -> bool:
        ran.put_nowait(1)
        return False

    signals = Signals()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = group.create_task(Supervisor(signals, [Loop(name="l", run_once=note, interval=60, topics=("t",))]).run())
        await ran.get()
        signals.emit("other")
        signals.emit("t")
        await ran.get()
        assert ran.empty()
        task.cancel()
