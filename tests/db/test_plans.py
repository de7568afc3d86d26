"""The hot statements use their indexes, also right after a start on empty tables, and whatever else waits in the house."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from postroom.db.database import _SESSION
from postroom.db.statements import load

HOT = {
    ("deliveries", "claim_calls"): (uuid4(), 8, 30.0, 10),
    ("deliveries", "read_calls"): ([uuid4()],),
    ("deliveries", "extend_work"): ([uuid4()], [1], [30.0], [uuid4()], [uuid4()]),
    ("deliveries", "extend_kept"): ([uuid4()], [uuid4()], [uuid4()], [30.0]),
    ("deliveries", "find_kept"): (uuid4(), uuid4(), uuid4()),
    ("deliveries", "list_queues"): (10,),
    ("deliveries", "list_post"): (uuid4(), 100, uuid4(), True),
    ("messages", "read_states"): ([uuid4()],),
    ("messages", "find_latest"): (uuid4(),),
    ("messages", "find_part"): (uuid4(), uuid4(), 0),
    ("delegations", "list_open_delegations"): (1000,),
    ("files", "find_file"): (uuid4(), "workspace", uuid4()),
    ("files", "keep_files"): ([uuid4()], "workspace", uuid4()),
    ("files", "read_chunk"): (uuid4(), 0),
    ("files", "prune_files"): (50,),
    ("events", "read_all_events"): ("1", 1, 10),
    ("events", "read_workspace_events"): ("1", 1, 10, uuid4()),
    ("identity", "find_callers"): ([b"x" * 32], 30),
    ("messages", "read_history"): (uuid4(), ["from_people", "to_people"], None, None, None, None, 51, None, 2**24, 50),
    ("messages", "read_traffic"): (uuid4(), datetime.now(UTC), uuid4(), None, None, 51, None, None, 2**24, 50),
    ("messages", "list_threads"): (uuid4(), None, 1000, 50),
    ("messages", "find_moment"): (uuid4(), uuid4()),
    ("messages", "list_chats"): (uuid4(), None),
    ("messages", "mark_read"): (uuid4(), uuid4(), 1),
    ("messages", "list_dead_letters"): (None, None, None, 50),
    ("messages", "count_dead_letters"): (None,),
    ("messages", "find_dead_letter"): (uuid4(),),
    ("messages", "drop_dead_letter"): (uuid4(),),
    ("identity", "list_preferences"): (uuid4(),),
    ("identity", "set_preference"): (uuid4(), "theme", "1", 64),
}
BIG = {"work", "message", "outcome", "event", "credential", "read_mark", "dead_letter", "preference", "file", "file_chunk", "attachment"}


def scanned(plan: dict[str, Any]) -> set[str]:
    """Tables that a plan reads from end to end."""
    found = {plan["Relation Name"]} if plan["Node Type"] == "Seq Scan" else set[str]()
    for below in plan.get("Plans", ()):
        found |= scanned(below)
    return found


@pytest.mark.parametrize(("place", "name"), HOT)
async def test_hot_statement_scans_no_table(dsn: str, place: str, name: str) -> None:
    connection: Any = await asyncpg.connect(dsn, server_settings=_SESSION)
    try:
        prepared = await connection.prepare(getattr(load(place), name))
        plan = await prepared.explain(*HOT[place, name])
        assert not scanned(plan[0]["Plan"]) & BIG, plan
    finally:
        await connection.close()
