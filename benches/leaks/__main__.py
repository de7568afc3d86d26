"""``make leaks``: MINUTES (20) of load at MESSAGES_PER_SECOND (200); a verdict at the end, all of it in ``tmp/leaks.json``."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import asyncpg
import uvloop
from rich.console import Console
from rich.table import Table

from benches.leaks.churn import Churn
from benches.leaks.samples import Sample, Sampler
from benches.leaks.verdict import RULE, Series, growth, judge
from benches.machine import describe, postgres_version
from benches.processes import app, postroom
from benches.sending import build_client
from tests.support.server import ServerProcess

RESULT = Path("tmp/leaks.json")
MINUTES = float(os.environ.get("MINUTES", "20"))
PER_SECOND = float(os.environ.get("MESSAGES_PER_SECOND", "200"))
SAMPLE_SECONDS = min(10.0, MINUTES * 60 / 12)
"""A short run, for trying it out, still has some samples."""


@dataclass(slots=True)
class Soak:
    """One run: its load and its samples."""

    churn: Churn
    samples: list[Sample] = field(default_factory=list[Sample])

    async def run(self, server: ServerProcess, console: Console) -> None:
        """Load and look, for MINUTES."""
        async with asyncio.TaskGroup() as tasks:
            load = tasks.create_task(self.churn.run())
            async with build_client() as http:
                connection = await asyncpg.connect(server.dsn("postgres"))
                await self._look(Sampler(server, http, connection), console, load)
                await connection.close()
            self.churn.stop()

    async def _look(self, sampler: Sampler, console: Console, load: "asyncio.Task[None]") -> None:
        began, number = perf_counter(), 0
        while (passed := perf_counter() - began) < MINUTES * 60 and not load.done():
            self.samples.append({"time": passed, **await sampler.look()})
            console.print(_glance(self.samples[-1]))
            number += 1
            await asyncio.sleep(max(0.0, began + number * SAMPLE_SECONDS - perf_counter()))


def _glance(sample: Sample) -> str:
    names = ("RSS, MB", "descriptors", "tasks", "database connections", "unfinished messages", "accepted")
    return f"{sample['time']:6.0f} s  " + "  ".join(f"{name} {sample[name]:.0f}" for name in names)


def table(series: list[Series]) -> Table:
    """The verdict as a table."""
    shown = Table(title="After the warm-up")
    for heading in ("series", "middle third", "last third", "at most", "slope per hour", "flat"):
        shown.add_column(heading, justify="left" if heading == "series" else "right")
    for one in series:
        slope = f"{one.slope:.2f} ± {one.error:.2f}"
        shown.add_row(one.name, f"{one.middle:.1f}", f"{one.last:.1f}", f"{one.bound:.1f}", slope, "yes" if one.flat else "NO")
    return shown


def main() -> None:
    """Run and report; ends with 1 when a series is not flat, or the server met what nobody expected."""
    console = Console(width=120)
    with app("apps", "echo") as agent, postroom(log_level="warning") as server:
        machine = {**describe(), "postgres": asyncio.run(postgres_version(server.dsn()))}
        soak = Soak(Churn(server, agent, per_second=PER_SECOND))
        uvloop.run(soak.run(server, console))
    series, grown = judge(soak.samples), growth(soak.samples, soak.churn.done["agent"])
    rate = (soak.samples[-1]["accepted"] - soak.samples[0]["accepted"]) / soak.samples[-1]["time"]
    faults = soak.samples[-1]["faults"]
    console.print(table(series), RULE, f"faults {faults:.0f}", f"accepted {rate:.0f}/s", f"done {dict(soak.churn.done)}", sep="\n")
    console.print(f"refused {dict(soak.churn.refused)} {soak.churn.first_refusal}", markup=False)
    console.print(*(f"{name}: {value:.0f}" for name, value in grown.items()), sep="\n")
    document = {
        "command": "make leaks",
        "machine": machine,
        "minutes": MINUTES,
        "per_second": rate,
        "done": soak.churn.done,
        "refused": soak.churn.refused,
        "first_refusal": soak.churn.first_refusal,
        "faults": faults,
        "rule": RULE,
        "series": [one.document() for one in series],
        "growth": grown,
        "samples": soak.samples,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(document, indent=2) + "\n")
    console.print(f"written: {RESULT}")
    sys.exit(faults > 0 or not all(one.flat for one in series))


if __name__ == "__main__":
    main()
