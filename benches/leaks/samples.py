"""What a server holds at one moment: memory, descriptors, tasks, connections, tables. All numbers, by name."""

import re
from collections import defaultdict
from typing import Any

import asyncpg
import psutil
from pyreqwest.client import Client as Http

from benches.feed import memory_of
from benches.points import bearer
from tests.support.server import ServerProcess

Sample = dict[str, float]

TABLES = ("work", "mailbox", "presence", "server", "credential", "workspace", "message", "outcome", "event")
_LINE = re.compile(r"^(\w+?)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
# What must not happen even once: exceptions that nobody expected, loops that crash, mailboxes that had to be repaired.
_FAULTS = ("postroom_faults_total", "postroom_loop_crashes_total", "postroom_repaired_total")
_TABLES = """
    select relname, pg_table_size(relid) as heap, pg_indexes_size(relid) as indexes, n_dead_tup as dead
    from pg_stat_user_tables where relname = any($1::text[])"""
_CONNECTIONS = "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"


class Sampler:
    """Looks at one server."""

    def __init__(self, server: ServerProcess, http: Http, connection: "asyncpg.Connection[Any]") -> None:
        self._server = server
        self._http = http
        self._connection = connection
        self._process = psutil.Process(server.pid)
        self._waits: dict[float, float] = {}

    async def look(self) -> Sample:
        """Now. The wait for a connection is since the last look."""
        metrics = await self._metrics()
        memory = memory_of(self._process)
        connections = float(await self._connection.fetchval(_CONNECTIONS))
        return {
            "RSS, MB": memory["RSS"] / 1e6,
            "PSS, MB": memory["PSS"] / 1e6,
            "descriptors": float(self._process.num_fds()),
            # What the pools hold comes and goes by itself, up to their sizes.
            "descriptors beside the database's": self._process.num_fds() - connections,
            "threads": float(self._process.num_threads()),
            "database connections": connections,
            "tasks": metrics["postroom_tasks"],
            "feed listeners": metrics["postroom_feed_listeners"],
            "calls in flight": metrics["postroom_calls_in_flight"],
            "unfinished messages": sum(value for name, value in metrics.items() if name.startswith("postroom_queue_depth{")),
            "faults": sum(value for name, value in metrics.items() if name.startswith(_FAULTS)),
            "accepted": metrics["postroom_accepted_total"],
            "pool wait p99, ms": self._wait_p99(metrics) * 1000,
            **await self._tables(),
        }

    async def _metrics(self) -> Sample:
        headers = bearer(self._server.operator_token)
        response = await self._http.get(f"{self._server.url}/metrics").headers(headers).build().send()
        found = defaultdict[str, float](float)
        for name, labels, value in _LINE.findall(bytes(await response.bytes()).decode()):
            found[f"{name}{{{labels}}}" if labels else name] = float(value)
        return found

    def _wait_p99(self, metrics: Sample) -> float:
        """The bound of the bucket in which the 99th percentile lies, seconds; 0 when nobody waited."""
        now = defaultdict[float, float](float)
        for name, value in metrics.items():
            if name.startswith("postroom_pool_wait_seconds_bucket"):
                now[float(name.partition('le="')[2].partition('"')[0])] += value
        since = {bound: value - self._waits.get(bound, 0.0) for bound, value in now.items()}
        self._waits = dict(now)
        most = max(since.values(), default=0.0)
        return min((bound for bound, value in since.items() if value >= 0.99 * most), default=0.0) if most else 0.0

    async def _tables(self) -> Sample:
        found: Sample = {}
        for row in await self._connection.fetch(_TABLES, list(TABLES)):
            found[f"{row['relname']}, MB"] = (row["heap"] + row["indexes"]) / 1e6
            found[f"{row['relname']}, dead rows"] = float(row["dead"])
        return found
