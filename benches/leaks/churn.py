"""The load of the leak soak: messages at a steady pace, and agents, streams and tokens that come and go."""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from itertools import count
from time import perf_counter

from pyreqwest.client import Client as Http
from pyreqwest.exceptions import PyreqwestError
from websockets.exceptions import WebSocketException

from benches.agent import FetchingAgent
from benches.leaks.streams import Resident, open_and_cut
from benches.points import address, bearer
from benches.sending import UnexpectedAnswer, ask, build_client
from postroom.client import Client
from postroom.errors import PostroomError
from tests.support.server import ServerProcess, make_agent

SENDERS = 32
AGENTS = 10
"""Of each kind at a time."""
AGENT_LIFE = 10.0
"""Seconds; with 2 x 10 agents, two are replaced each second."""
CLAIM_SECONDS = 2
"""A claim that its agent no longer waits for goes on to its end, also at a client that has given it up."""
GRACE = 1.0
"""Seconds between an agent's last message and its removal."""
STREAMS = 8
TOKEN_PAUSE = 0.2

# What may happen to a request whose agent is removed meanwhile, or whose connection is cut. Anything else ends the run.
Expected = (PyreqwestError, UnexpectedAnswer, PostroomError, WebSocketException, OSError, EOFError)


class Churn:
    """Runs until ``stop``. ``done`` counts what succeeded, ``refused`` what did not, both by kind."""

    def __init__(self, server: ServerProcess, agent_url: str, *, per_second: float, agent_life: float = AGENT_LIFE) -> None:
        self._server = server
        self._agent_url = agent_url
        self._pause = SENDERS / per_second
        self._agent_life = agent_life
        self._residents: deque[Resident] = deque()
        self._numbers = count(1)
        self._stopped = asyncio.Event()
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.first_refusal: dict[str, str] = {}

    def stop(self) -> None:
        """End everything in order; ``run`` returns soon after."""
        self._stopped.set()

    async def run(self) -> None:
        """Own all of it. At the end no agent is left, and no connection of ours."""
        async with build_client() as http, self._server.client() as operator, asyncio.TaskGroup() as tasks:
            for number in range(2 * AGENTS):
                tasks.create_task(self._agents(http, operator, fetching=number % 2 == 0))
            for number in range(SENDERS):
                tasks.create_task(self._send(http, number))
            for _ in range(STREAMS):
                tasks.create_task(self._loop("stream", self._stream, 0.0))
            tasks.create_task(self._loop("token", lambda: self._token(operator), TOKEN_PAUSE))

    async def _agents(self, http: Http, operator: Client, *, fetching: bool) -> None:
        """One place in the population: an agent after the other lives in it."""
        await self._loop("agent", lambda: self._live(http, operator, fetching=fetching), 0.0)

    async def _live(self, http: Http, operator: Client, *, fetching: bool) -> None:
        fields = {"max_concurrent": 4} if fetching else {"url": self._agent_url, "max_concurrent": 4}
        resident = Resident(*await make_agent(operator, f"agent {next(self._numbers)}", **fields), fetches=fetching)
        async with asyncio.TaskGroup() as tasks:
            work = tasks.create_task(self._fetch(http, resident))
            self._residents.append(resident)
            await self._rest(random.uniform(0.5, 1.5) * self._agent_life)
            self._residents.remove(resident)
            await asyncio.sleep(GRACE)
            work.cancel()
        await operator.remove_workspace(resident.id, confirm=True)

    async def _fetch(self, http: Http, resident: Resident) -> None:
        if resident.fetches:
            await FetchingAgent(
                http, f"{self._server.url}/workspaces/{resident.id}/inbox", bearer(resident.token), wait=CLAIM_SECONDS
            ).run()

    async def _send(self, http: Http, number: int) -> None:
        await self._rest(self._pause * number / SENDERS)
        headers = bearer(self._server.operator_token)

        async def once() -> None:
            if self._residents:
                await ask(http, address(self._server, random.choice(self._residents).id), headers)

        await self._loop("message", once, self._pause)

    async def _stream(self) -> None:
        await self._rest(0.05)
        if self._residents:
            resident = random.choice(self._residents)
            await open_and_cut(self._server.url, resident, self._server.operator_token)

    async def _token(self, operator: Client) -> None:
        if self._residents:
            resident = random.choice(self._residents)
            made = await operator.make_token(resident.id, "for a moment")
            async with self._server.client(made["token"]) as agent:
                await agent.heartbeat(resident.id)
            await operator.revoke_token(resident.id, made["id"])

    async def _loop(self, kind: str, act: Callable[[], Awaitable[None]], every: float) -> None:
        due = perf_counter()
        while not self._stopped.is_set():
            try:
                await act()
            except Expected as error:
                self.refused[kind] += 1
                self.first_refusal.setdefault(kind, repr(error)[:300])
            else:
                self.done[kind] += 1
            due = max(due + every, perf_counter() - every)
            await self._rest(due - perf_counter())

    async def _rest(self, seconds: float) -> None:
        """Until then, or until the end."""
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._stopped.wait()
        except TimeoutError:
            return
