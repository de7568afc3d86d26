"""Whether what is told of every message is whole: its events, its counts, its conversation. SQL and HTTP only; no code of the server."""

from collections import Counter
from typing import Any

import asyncpg

_EVENTS = """
    select m.id::text, o.state, array_agg(e.type order by e.xid, e.id) as types
    from message m join outcome o on o.message_id = m.id join event e on e.message_id = m.id
    where m.workspace_id = any($1::uuid[]) group by m.id, o.state"""
_COUNTS = """
    select workspace_id::text, open_count, active_count from mailbox
    where workspace_id = any($1::uuid[]) and (open_count <> 0 or active_count <> 0)"""
_STRAY = """
    select count(*) as rows from work where workspace_id = any($1::uuid[])
    union all select count(*) from outcome o where o.reply_id is not null and not exists (select from message r where r.id = o.reply_id)
    union all select count(*) from message r where r.reply_to is not null and not exists (select from outcome o where o.reply_id = r.id)"""


async def faults_of_history(dsn: str, mailboxes: list[str]) -> list[str]:
    """Sentences; none when every message was accepted once, ended once, and counted."""
    connection: Any = await asyncpg.connect(dsn)
    try:
        told = await connection.fetch(_EVENTS, mailboxes)
        counted = await connection.fetch(_COUNTS, mailboxes)
        stray = await connection.fetch(_STRAY, mailboxes)
    finally:
        await connection.close()
    faults = [f"{row['id']} {row['state']}: {row['types']}" for row in told if not _whole(row["state"], row["types"])]
    faults += [f"mailbox {dict(row)}" for row in counted]
    return faults + [f"torn rows: {row['rows']}" for row in stray if row["rows"]]


def _whole(state: str, types: list[str]) -> bool:
    counts = Counter(types)
    ends = sum(counts[f"message.{end}"] for end in ("replied", "failed", "cancelled", "expired"))
    handed = counts["message.handed"] > 0 or state != "replied"
    return types[0] == "message.accepted" and counts["message.accepted"] == 1 and ends == counts[f"message.{state}"] == 1 and handed
