"""A server of its own process that a test can kill: ``owner.py <data> <shared> [uid]``.

It prints one line of JSON when PostgreSQL runs, or when it could not be started, and ends in order when its input ends.
With ``uid`` it becomes that user first, so that a test that runs as root sees what a normal user sees.
"""

import asyncio
import importlib
import json
import os
import sys
from pathlib import Path

from postroom.db.embedded import EmbeddedPostgres
from postroom.errors import SetupError


def say(**words: object) -> None:
    print(json.dumps(words), flush=True)


async def own(data: Path, shared: Path) -> None:
    heard: list[str] = []
    try:
        async with EmbeddedPostgres(data, announce=heard.append, shared=shared) as postgres:
            say(dsn=postgres.dsn, pid=postgres.pid, adopted=postgres.adopted, heard=heard)
            await asyncio.to_thread(sys.stdin.read)
    except SetupError as error:
        say(error=error.sentence, advice=error.advice, heard=heard)


def become(uid: int) -> None:
    for late in ("concurrent.futures.thread", "importlib.readers", "stringprep"):
        importlib.import_module(late)  # Imported when first used, when this user may no longer read our Python.
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


if __name__ == "__main__":
    if len(sys.argv) > 3:
        become(int(sys.argv[3]))
    asyncio.run(own(Path(sys.argv[1]), Path(sys.argv[2])))
