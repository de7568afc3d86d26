"""The load generator, a process of its own: reads a Plan from standard input, writes a Measured to standard output."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict
from itertools import cycle
from time import perf_counter

import orjson
import uvloop
from pyreqwest.client import Client
from pyreqwest.exceptions import PyreqwestError

from benches.agent import FetchingAgent
from benches.feed import listen
from benches.plan import Measured, Plan, percentile, plan_from
from benches.sending import A2A_HEADERS, UnexpectedAnswer, ask, build_client, post, result_of, send_body

Failures = (PyreqwestError, UnexpectedAnswer)


class Run:
    """One point: its clock and what was counted. Times in seconds on the performance counter."""

    def __init__(self, plan: Plan, client: Client) -> None:
        self._plan = plan
        self._client = client
        self._urls = cycle(plan.urls)
        self._starts = perf_counter() + plan.warm_seconds
        self._ends = self._starts + plan.seconds
        self.times: list[float] = []
        self.accepts: list[float] = []
        self.wakes: list[float] = []
        self.errors: list[str] = []

    async def call(self) -> None:
        """One caller: blocking sends, one after the other."""
        while (began := perf_counter()) < self._ends:
            try:
                await ask(self._client, next(self._urls), self._plan.headers)
            except Failures as error:
                self.errors.append(repr(error))
            else:
                self._count(began, perf_counter())

    def _count(self, began: float, ended: float) -> None:
        if self._starts <= ended < self._ends:
            self.times.append(ended - began)

    async def wake(self, agent: FetchingAgent) -> None:
        """One message at a time, sent when the agent waits: how long until it has it in hand."""
        while perf_counter() < self._ends:
            try:
                await self._wake_once(agent)
            except Failures as error:
                self.errors.append(repr(error))
            await agent.idle()

    async def _wake_once(self, agent: FetchingAgent) -> None:
        began = perf_counter()
        headers = {**A2A_HEADERS, **self._plan.headers}
        content = await post(self._client, next(self._urls), headers, send_body("wake up", blocking=False))
        accepted = perf_counter()
        claimed = await agent.claimed_at(result_of(content)["task"]["id"])
        self._count(began, claimed)
        if self._starts <= claimed < self._ends:
            self.accepts.append(accepted - began)
            self.wakes.append(claimed - accepted)

    def measured(self) -> Measured:
        """The result so far."""
        more = {"accept p50, ms": self.accepts, "accepted to claimed p50, ms": self.wakes} if self.wakes else {}
        return Measured(
            requests_per_second=len(self.times) / self._plan.seconds,
            p50=percentile(self.times, 0.5) * 1000,
            p99=percentile(self.times, 0.99) * 1000,
            count=len(self.times),
            errors=len(self.errors),
            first_error=next(iter(self.errors), ""),
            more={name: percentile(values, 0.5) * 1000 for name, values in more.items()},
        )


@asynccontextmanager
async def fetching(plan: Plan, client: Client) -> AsyncGenerator[list[FetchingAgent]]:
    """The agents of the plan's mailboxes at work."""
    agents = [FetchingAgent(client, inbox.url, inbox.headers, remembers=plan.kind == "wake") for inbox in plan.inboxes]
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(agent.run()) for agent in agents]
        yield agents
        for task in running:
            task.cancel()


async def measure(plan: Plan) -> Measured:
    """Run one point."""
    if plan.kind == "feed":
        return await listen(plan)
    async with build_client() as client, fetching(plan, client) as agents:
        run = Run(plan, client)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(plan.callers):
                tasks.create_task(run.call() if plan.kind == "load" else run.wake(agents[0]))
        return run.measured()


if __name__ == "__main__":
    result = uvloop.run(measure(plan_from(orjson.loads(sys.stdin.buffer.read()))))
    sys.stdout.buffer.write(orjson.dumps(asdict(result)))
