"""One run: load, faults, healing, quiet, judgement."""

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from benches.machine import postgres_version
from tests.crash.checker import unfinished
from tests.crash.checker.database import newest_position
from tests.crash.checker.feeds import position_of
from tests.soak.house import House, open_house
from tests.soak.nemesis import Nemesis, schedule
from tests.soak.paper import Tail
from tests.soak.scale import Scale

Json = dict[str, Any]

LOOK_SECONDS = 0.1
WARM_SECONDS = 60.0
SLOW_SECONDS = 10.0
"""What takes longer than this is told with its reason."""
RECOVERY_SECONDS = 60.0
"""The longest that a fault may be felt after it is over; none of them needs more than a lease or two."""
REST_SECONDS = 120.0
JUDGE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Suffered:
    """A fault that happened. Times are the machine's clock."""

    kind: str
    detail: str
    began: float
    healed: float
    recovered: float


@dataclass(slots=True)
class Course:
    """What became of a run."""

    seed: int
    scale: Scale
    faults: list[Suffered] = field(default_factory=list[Suffered])
    complaints: list[str] = field(default_factory=list[str])
    acks: list[float] = field(default_factory=list[float])
    ends: list[float] = field(default_factory=list[float])
    verdict: Json = field(default_factory=dict[str, Any])
    postgres: str = ""
    began: float = 0.0
    loaded_seconds: float = 0.0
    seconds: float = 0.0


class Run:
    """The hands on the clock. ``say`` takes a line for people now and then."""

    def __init__(self, house: House, course: Course, say: Callable[[str], None]) -> None:
        self._house = house
        self._course = course
        self._say = say
        self._tail = Tail(house.directory)

    async def run(self) -> None:
        """All of it, in order."""
        self._course.began = time.time()
        self._course.postgres = await postgres_version(self._house.superuser_dsn)
        for member in self._house.crew.values():
            member.start()
        await self._until(lambda: self._tail.acks > 0 and self._tail.ends > 0, WARM_SECONDS, "the first answers")
        await self._suffer()
        await self._come_to_rest()
        self._tail.look()
        self._course.acks = sorted(self._tail.times["acked"])
        self._course.ends = sorted([*self._tail.times["heard"], *self._tail.times["counted"]])
        self._house.tell_judge()
        self._course.verdict = await judgement(self._house.directory)
        self._course.seconds = time.time() - self._course.began

    async def _suffer(self) -> None:
        nemesis, scale = Nemesis(self._house), self._house.scale
        began = time.time()
        for kind, chance in schedule(self._course.seed, scale.kinds):
            await asyncio.sleep(chance.uniform(*scale.pause))
            if time.time() - began > scale.seconds and len(self._course.faults) >= len(scale.kinds):
                break
            await self._bear(kind, nemesis.fault(kind)(chance))
        self._course.loaded_seconds = time.time() - began

    async def _bear(self, kind: str, fault: Any) -> None:
        began = time.time()
        detail = await fault
        healed = time.time()
        self._tail.look()
        acks, ends = self._tail.acks, self._tail.ends
        recovered = await self._until(
            lambda: self._tail.acks > acks and self._tail.ends > ends, RECOVERY_SECONDS, f"post moves after {kind} {detail}"
        )
        if recovered:
            await self._until_well(kind)
        self._course.faults.append(Suffered(kind, detail, began, healed, time.time()))
        self._complain_of_the_dead()
        number = len(self._course.faults)
        self._say(f"{number:4} {kind} {detail}: {time.time() - healed:.2f} s until all was well, {self._tail.acks} acks")

    async def _until_well(self, kind: str) -> None:
        for server in self._house.servers:
            began = time.monotonic()
            words = last = await asyncio.to_thread(server.ailment)
            while words and time.monotonic() < began + RECOVERY_SECONDS:
                await asyncio.sleep(LOOK_SECONDS)
                last, words = words, await asyncio.to_thread(server.ailment)
            told = f"{server.process.data.name} was not well {time.monotonic() - began:.1f} s after {kind}: {words or last}"
            if words:
                self._course.complaints.append(told)
            elif time.monotonic() > began + SLOW_SECONDS:
                self._say(told)

    async def _come_to_rest(self) -> None:
        crew = self._house.crew
        senders = [crew[name] for name in crew if name.startswith("senders")]
        for sender in senders:
            sender.ask_to_stop()
        for sender in senders:
            if not await asyncio.to_thread(sender.wait, REST_SECONDS):
                self._course.complaints.append(f"{sender.name} did not come to its end")
        mailboxes = [resident.id for resident in self._house.residents.values()]
        give_up = time.monotonic() + REST_SECONDS
        while await unfinished(self._house.superuser_dsn, mailboxes) and time.monotonic() < give_up:
            await asyncio.sleep(LOOK_SECONDS)
        await self._catch_up()
        await asyncio.sleep(self._house.scale.quiet)
        self._complain_of_the_dead(but=senders)
        others = [member for member in crew.values() if member not in senders]
        for member in others:
            member.ask_to_stop()
        for member in others:
            if not await asyncio.to_thread(member.wait):
                self._course.complaints.append(f"{member.name} did not stop")

    async def _catch_up(self) -> None:
        """Give the followers the time that they need; what they were not shown by then is for the checker to find."""
        newest = {feed["name"]: await newest_position(self._house.superuser_dsn, feed["workspace"]) for feed in self._house.feeds}
        give_up = time.monotonic() + REST_SECONDS
        while time.monotonic() < give_up:
            self._tail.look()
            if all(name in self._tail.shown and position_of(self._tail.shown[name]) >= place for name, place in newest.items()):
                return
            await asyncio.sleep(LOOK_SECONDS)

    def _complain_of_the_dead(self, *, but: list[Any] | None = None) -> None:
        for member in self._house.crew.values():
            if member not in (but or ()) and not member.alive():
                self._course.complaints.append(f"{member.name} has ended by itself")
                member.start()

    async def _until(self, holds: Callable[[], bool], seconds: float, what: str) -> bool:
        give_up = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > give_up:
                self._course.complaints.append(f"waited {seconds} s in vain until {what}")
                return False
            await asyncio.sleep(LOOK_SECONDS)
            self._tail.look()
        return True


async def judgement(directory: Path) -> Json:
    """The verdict of the checker, a process that knows nothing but what is written down. Raises AssertionError when it has none."""
    command = [sys.executable, "-m", "tests.crash.checker", str(directory)]
    checker = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(JUDGE_SECONDS):
        told, _ = await checker.communicate()
    assert checker.returncode in (0, 1), f"the checker ended with {checker.returncode}"
    return orjson.loads(told)


async def soak(directory: Path, seed: int, scale: Scale, say: Callable[[str], None]) -> Course:
    """A run from nothing, in an empty directory with a short name."""
    course = Course(seed, scale)
    async with open_house(directory, scale) as house:
        await Run(house, course, say).run()
    return course
