"""Waiting messages by the hundred thousand, put into the tables by one statement: through the API a million would take the better part of
an hour. They are copies of one that was really sent, with rows in every table that an accept writes to."""

from pathlib import Path
from uuid import UUID

import asyncpg

STEP = 10_000
_SEED = Path(__file__).with_name("seed.sql").read_text()
_FREE = "set statement_timeout = 0; set transaction_timeout = 0; set idle_in_transaction_session_timeout = 0"
_PRESENT = "select last_seq from mailbox where workspace_id = (select workspace_id from message where id = $1)"
# What autovacuum does in its own time.
_TIDY = "vacuum analyze"


async def seed(dsn: str, sample: UUID, wanted: int) -> None:
    """Bring the mailbox of the message ``sample`` to ``wanted`` messages, as the owner of the tables (``dsn``)."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_FREE)
        present: int = await connection.fetchval(_PRESENT, sample)
        for first in range(present + 1, wanted + 1, STEP):
            await connection.execute(_SEED, sample, first, min(first + STEP - 1, wanted))
        await connection.execute(_TIDY)
    finally:
        await connection.close()


async def database_bytes(dsn: str) -> int:
    """The size of the database with its indexes."""
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval("select pg_database_size(current_database())"))
    finally:
        await connection.close()
