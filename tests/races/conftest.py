"""Two servers on one database for all races; ``rounds`` runs a race over one of them, and over both.

RACES says how many rounds each race has (``make races``: 200), RACES_SEED which; a failed round names its seed.
"""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.races.arena import SIZES, Round, Tally
from tests.support.asked import asking
from tests.support.database import cluster
from tests.support.server import ServerProcess

OPERATOR = "an operator token for races, long enough"
ROUNDS = int(os.environ.get("RACES", "4"))
SEED = int(os.environ.get("RACES_SEED", "1"))

Race = Callable[[Round], Awaitable[str]]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One group: they share the servers, and would only take the processor from each other. Before pytest-xdist looks for groups."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("races"))
            item.add_marker(pytest.mark.timeout(120 + 5 * ROUNDS))


@dataclass(frozen=True)
class Place:
    """Where the races are."""

    dsn: str
    urls: list[str]


@pytest.fixture(scope="session")
def place(short_directory: Path) -> Generator[Place]:
    with cluster(short_directory / "races") as dsn:
        settings: dict[str, str] = {"database_url": dsn, "secret_key": "a secret key for races, long enough", "admin_token": OPERATOR}
        # On a busy machine sixty readers may wait for a connection longer than a person should: 503 would be right, and decides no race.
        settings["pool_seconds"] = "30"
        made = [ServerProcess(short_directory / f"race-{number}" / "data", poll_seconds="0.2", **settings) for number in range(2)]
        try:
            for server in made:
                server.data.parent.mkdir(mode=0o711)
            asyncio.run(_start(made))
            yield Place(dsn, [server.url for server in made])
        finally:
            for server in made:
                server.destroy()


async def _start(servers: list[ServerProcess]) -> None:
    async with asyncio.TaskGroup() as starts:
        for server in servers:
            starts.create_task(asyncio.to_thread(server.start))


@pytest.fixture(scope="session")
def tallies() -> Generator[list[Tally]]:
    """All results; shown in the end where somebody looks (``-s``)."""
    found: list[Tally] = []
    yield found
    rounds, clients = sum(tally.winners.total() for tally in found), sum(tally.clients for tally in found)
    print(f"\n{len(found)} races, {rounds} rounds, {clients} clients, seed {SEED}")


@pytest.fixture(params=[1, 2], ids=["one", "two"])
def rounds(request: pytest.FixtureRequest, place: Place, tallies: list[Tally]) -> Callable[[Race], Awaitable[None]]:
    """Runs a race as often as it should be run; every round leaves the books of its mailboxes in order."""
    servers: int = request.param
    name = asking(request).name

    async def run(race: Race) -> None:
        tally = Tally(name)
        tallies.append(tally)
        for number in range(ROUNDS):
            one = _round(f"{name} {SEED} {number}", number, place, servers)
            try:
                tally.winners[await race(one)] += 1
                await one.check_books()
            except AssertionError as error:
                error.add_note(f"round {number} of seed {SEED}: {one.size} clients, held {one.held}, uneven {one.uneven}")
                raise
            tally.clients += one.clients
        print(f"\n  {tally}", end="")

    return run


def _round(seed: str, number: int, place: Place, servers: int) -> Round:
    chance = random.Random(seed)
    # The first rounds show every kind of size, for the short form.
    size = (2, 8, 3, 32)[number] if number < 4 else chance.choice(SIZES)
    return Round(place.urls[:servers], OPERATOR, place.dsn, chance, size, held=number % 2 == 1, uneven=number % 4 > 1)
