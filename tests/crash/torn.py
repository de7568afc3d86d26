"""Whether what stands in the database about some mailboxes fits together: counts, and rows that only make sense in pairs."""

from typing import Any

import asyncpg

_COUNTS = """
    select workspace_id::text, open_count, active_count from mailbox
    where workspace_id = any($1::uuid[]) and (open_count <> 0 or active_count <> 0)"""
_TORN = """
    select 'work without an end' as what, count(*) as rows from work where workspace_id = any($1::uuid[])
    union all select 'an end that names no reply', count(*) from outcome o
        where o.reply_id is not null and not exists (select from message r where r.id = o.reply_id)
    union all select 'a reply that no end names', count(*) from message r
        where r.role = 'agent' and r.reply_to is not null and not exists (select from outcome o where o.reply_id = r.id)
    union all select 'a message that is answered and was never handed out', count(*) from outcome o join message m on m.id = o.message_id
        where o.state = 'replied' and not exists (select from event e where e.message_id = m.id and e.type = 'message.handed')"""


async def torn_rows(dsn: str, mailboxes: list[str]) -> list[str]:
    """Sentences; none when mailboxes at rest are counted right and nothing was done by half."""
    connection: Any = await asyncpg.connect(dsn)
    try:
        counted = await connection.fetch(_COUNTS, mailboxes)
        torn = await connection.fetch(_TORN, mailboxes)
    finally:
        await connection.close()
    return [f"mailbox {dict(row)}" for row in counted] + [f"{row['what']}: {row['rows']}" for row in torn if row["rows"]]
