"""Where a run took place."""

import os
import platform
from typing import Any

import asyncpg
import psutil

Json = dict[str, Any]


async def postgres_version(dsn: str) -> str:
    """The version of a running PostgreSQL."""
    connection = await asyncpg.connect(dsn)
    try:
        return str(await connection.fetchval("show server_version"))
    finally:
        await connection.close()


def describe() -> Json:
    """The machine, before the run: its load average tells whether others are at work, who would slow every point."""
    return {
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_average_before": [round(value, 2) for value in psutil.getloadavg()],
    }
