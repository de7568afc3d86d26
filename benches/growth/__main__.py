"""``make growth``: some ten minutes; the table goes to the terminal, all of it to ``tmp/growth.json``.

GROWTH_SIZES (default 0,10000,100000,1000000) are the sizes, GROWTH_SECONDS (10) is the time under load at each.
"""

import json
import os
from pathlib import Path
from time import perf_counter
from uuid import UUID

import psutil
import uvloop
from rich.console import Console

from benches.feed import memory_of
from benches.growth.probes import Probe, Room, furnish
from benches.growth.report import MEMORY, RULE, Size, document, per_100k, summed, table, target_lines
from benches.growth.seed import database_bytes, seed
from benches.machine import describe, postgres_version
from benches.processes import postroom
from tests.support.server import ServerProcess

RESULT = Path("tmp/growth.json")
SIZES = [int(word) for word in os.environ.get("GROWTH_SIZES", "0,10000,100000,1000000").split(",")]
SECONDS = float(os.environ.get("GROWTH_SECONDS", "10"))
LIVE = int(os.environ.get("GROWTH_MAILBOXES", "1000"))
MEGABYTE = 1_000_000


async def run(server: ServerProcess, console: Console) -> list[Size]:
    """Measure every size, on one server that is started anew at each."""
    console.print(f"making {LIVE} mailboxes")
    room, sizes = await furnish(server, LIVE), list[Size]()
    for waiting in SIZES:
        began = perf_counter()
        await seed(server.dsn(), UUID(room.sample), waiting)
        console.print(f"{waiting:,} waiting, after {perf_counter() - began:.0f} s")
        sizes.append(await measure(server, room, waiting))
    return sizes


async def measure(server: ServerProcess, room: Room, waiting: int) -> Size:
    """One size, by a server that has just started."""
    server.stop()
    server.start()
    process, probe = psutil.Process(server.pid), Probe(server, room)
    idle = memory_of(process)
    await probe.run(SECONDS)
    used = memory_of(process)
    found = {
        "start, s": server.ready_seconds,
        "RSS of the server once started, MB": idle["RSS"] / MEGABYTE,
        MEMORY: used["RSS"] / MEGABYTE,
        "PSS of the server, MB": used["PSS"] / MEGABYTE,
        "database, MB": await database_bytes(server.dsn()) / MEGABYTE,
    }
    return Size(waiting=waiting, times=summed(probe.times), found=found)


async def main(console: Console) -> None:
    """Measure and report. An answer that is not the expected one ends the run with 1."""
    with postroom(log_level="warning") as server:
        machine = {**describe(), "postgres": await postgres_version(server.dsn())}
        sizes = await run(server, console)
    console.print(table(sizes), RULE, *target_lines(sizes), *per_100k(sizes), sep="\n")
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(document(sizes, machine), indent=2) + "\n")
    console.print(f"written: {RESULT}")


if __name__ == "__main__":
    uvloop.run(main(Console(width=120)))
