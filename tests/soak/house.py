"""The house under test: PostgreSQL of its own, servers on it, a proxy on either side, workspaces in two families, and the clients."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from postroom.db.embedded import EmbeddedPostgres
from tests.crash.checker.public import Resident, Run
from tests.crash.external import database_proxy
from tests.crash.load import make_mailbox
from tests.soak.crew import MakePlan, Member
from tests.soak.scale import Scale
from tests.support.ports import free_port
from tests.support.proxy import Proxy, proxy_to
from tests.support.server import ServerProcess

Json = dict[str, Any]

OPERATOR = "an operator token for the soak, long enough"
# Three servers fit into the 60 connections of the embedded PostgreSQL. Attempts are not what is tested: a fault may cost any number.
SETTINGS = {
    "secret_key": "a secret key for the soak, long enough",
    "admin_token": OPERATOR,
    "pool_size": "4",
    "attempt_limit": "1000",
    "lease_seconds": "10",
    "delegation_limit": "10000",  # one member sends whole bursts
    "backoff_seconds": "0.1",
    "backoff_limit": "2",
    "drain_seconds": "5",
}
CALLED = 4
CALLED_AT_ONCE = 8
SLOW_SECONDS = 0.4


class Server:
    """One server process; it keeps its port when it is started again."""

    def __init__(self, process: ServerProcess) -> None:
        self.process = process
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens, also while it is down."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and wait until it is healthy."""
        self.process.start(port=self.port)
        self.port = self.process.port

    def ailment(self) -> str:
        """What it says about itself; nothing when it is well."""
        try:
            health = self.process.health()
        except (OSError, ValueError) as error:
            return repr(error)
        return "" if health["status"] == "ok" else str(health)


@dataclass
class House:
    """Everything that the nemesis may lay hands on."""

    directory: Path
    scale: Scale
    postgres: EmbeddedPostgres
    servers: list[Server]
    database_line: Proxy
    client_line: Proxy
    urls: list[str]
    residents: dict[str, Resident]
    crew: dict[str, Member]

    @property
    def superuser_dsn(self) -> str:
        """For the hands of the nemesis."""
        password = (self.directory / "db" / "pg.superuser.password").read_text().strip()
        return f"postgresql://postgres:{password}@/postroom?host={sockets_of(self.postgres.dsn)}&port=5432"

    @property
    def feeds(self) -> list[Json]:
        """What is followed: of everything, of who is sent to, of who also sends, and in pages."""
        one, other, called = (self.residents[name] for name in ("north-fetched", "south-batch", "north-called-3"))
        return [
            {"name": "all", "workspace": None, "token": OPERATOR},
            {"name": "fetched", "workspace": one.id, "token": one.token},
            {"name": "sending", "workspace": called.id, "token": called.token},
            {"name": "pages", "workspace": other.id, "token": other.token, "pages": True},
        ]

    @property
    def postmaster(self) -> int:
        """The process id."""
        return int((self.directory / "db" / "pg" / "postmaster.pid").read_text().split()[0])

    def tell_judge(self) -> None:
        """Write down where and as whom the checker is to look."""
        run = Run(dsn=self.superuser_dsn, url=self.servers[0].url, operator_token=OPERATOR, residents=list(self.residents.values()))
        (self.directory / "run.json").write_bytes(orjson.dumps(asdict(run)))


def sockets_of(dsn: str) -> str:
    """The directory of PostgreSQL's socket."""
    return parse_qs(urlsplit(dsn).query)["host"][0]


@asynccontextmanager
async def open_house(directory: Path, scale: Scale) -> AsyncGenerator[House]:
    """Build it, without clients at work yet; take it down at the end."""
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(EmbeddedPostgres(directory / "db"))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        stack.callback(tasks.create_task(postgres.watch()).cancel)
        database_line, cut_dsn = await stack.enter_async_context(database_proxy(postgres.dsn))
        client_line = await stack.enter_async_context(proxy_to(("127.0.0.1", 0)))
        # The last server has a line that can be cut.
        dsns = [postgres.dsn] * (scale.servers - 1) + [cut_dsn]
        settings = SETTINGS | {"allowed_hosts": f"127.0.0.1:{client_line.port}"}
        servers = [Server(ServerProcess(directory / f"server-{number}", database_url=dsn, **settings)) for number, dsn in enumerate(dsns)]
        for server in servers:
            stack.callback(server.process.destroy)
            await asyncio.to_thread(server.start)
        client_line.upstream = ("127.0.0.1", servers[0].port)
        urls = [*(server.url for server in servers), f"http://127.0.0.1:{client_line.port}"]
        called_port = free_port()
        house = House(directory, scale, postgres, servers, database_line, client_line, urls, {}, {})
        await asyncio.to_thread(_settle, house, called_port)
        _hire(house, called_port)
        for member in house.crew.values():
            stack.callback(member.destroy)
        yield house


def _settle(house: House, called_port: int) -> None:
    """Two families that may not know of each other; the heads of both are siblings."""
    for family in ("north", "south"):
        lead = _move_in(house, f"{family}-lead", None, at_once=4)
        for number in range(CALLED):
            _move_in(house, f"{family}-called-{number}", lead.id, at_once=CALLED_AT_ONCE if number else 1, port=called_port)
        _move_in(house, f"{family}-slow", lead.id, at_once=8, port=called_port)
        _move_in(house, f"{family}-fetched", lead.id)
        _move_in(house, f"{family}-batch", lead.id, at_once=4)
        _move_in(house, f"{family}-stream", lead.id, at_once=4)
        _move_in(house, f"{family}-relay", lead.id)


def _move_in(house: House, name: str, parent: str | None, *, at_once: int = 1, port: int | None = None) -> Resident:
    fields: Json = {"max_concurrent": at_once, "parent_id": parent}
    fields |= {"delivery_mode": "push", "url": f"http://127.0.0.1:{port}/{name}"} if port else {}
    made = make_mailbox(house.servers[0].url, OPERATOR, name, **fields)
    house.residents[name] = Resident(id=made.id, name=name, token=made.token, parent=parent, loose=at_once > 1)
    return house.residents[name]


def _hire(house: House, called_port: int) -> None:
    """The clients; each gets its plan when it starts."""
    residents, scale = house.residents, house.scale
    boxes = {
        name: (each.id, SLOW_SECONDS if "slow" in name else 0.0) for name, each in residents.items() if "called" in name or "slow" in name
    }
    makers: dict[str, MakePlan] = {"called": lambda _: {"port": called_port, "boxes": boxes}}
    for number in range(2):
        makers[f"fetchers-{number}"] = lambda _: {"urls": house.urls, "boxes": _fetched(residents)}
    for family in ("north", "south"):
        makers[f"sdk-{family}"] = _sdk_plan(house, family)
    for number in range(scale.senders):
        makers[f"senders-{number}"] = lambda member: {
            "before": [str(path) for path in member.journals],
            "urls": house.urls,
            "routes": _routes(residents),
            "callers": scale.callers,
        }
    makers["followers"] = lambda member: {
        "before": [str(path) for path in member.journals],
        "urls": house.urls,
        "feeds": house.feeds,
        "strangers": _strangers(residents),
    }
    house.crew |= {name: Member(house.directory, name, make) for name, make in makers.items()}


def _sdk_plan(house: House, family: str) -> MakePlan:
    lead, peer = house.residents[f"{family}-lead"], house.residents[f"{family}-called-1"]
    state = str(house.directory / f"state-{family}")
    told = {"url": house.servers[0].url, "workspace": lead.id, "token": lead.token, "peer": peer.id, "state": state}
    return lambda _: told


def _fetched(residents: dict[str, Resident]) -> list[Json]:
    found: list[Json] = []
    for family in ("north", "south"):
        for kind, fields in (("fetched", {}), ("batch", {"most": 4}), ("stream", {"most": 4, "stream": True})):
            each = residents[f"{family}-{kind}"]
            found.append({"id": each.id, "token": each.token, **fields})
        relay, peer = residents[f"{family}-relay"], residents[f"{family}-called-2"]
        found.append({"id": relay.id, "token": relay.token, "peer": peer.id})
    return found


def _routes(residents: dict[str, Resident]) -> list[Json]:
    """The operator to everybody; one member of a family to the others, not to itself: with post in hand that would be a circle.

    Called mailboxes get most of it: they are the cheapest.
    """
    routes: list[Json] = []
    for name, each in residents.items():
        weight = 6 if "called" in name else 1
        sibling = residents[f"{name.partition('-')[0]}-called-3"]
        for token in (OPERATOR,) if each is sibling else (OPERATOR, sibling.token):
            routes += [{"token": token, "mailbox": each.id, "slow": "slow" in name}] * (
                weight if token is OPERATOR else max(1, weight // 2)
            )
    return routes


def _strangers(residents: dict[str, Resident]) -> list[Json]:
    north, south = residents["north-fetched"], residents["south-fetched"]
    found: list[Json] = []
    for stranger, family in ((north, "south"), (south, "north")):
        others = [each.id for name, each in residents.items() if name.startswith(family)]
        found.append({"workspace": stranger.id, "token": stranger.token, "others": others})
    return found
