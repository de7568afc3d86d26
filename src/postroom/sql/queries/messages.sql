-- Slice "messages". Writes: message (through the functions of migration 0005).

-- name: accept_messages
select item, verdict, message_id, workspace_id, seq, thread_id, task_id, accepted_at, deadline, token, lease_until, active, called, url, agent_card,
    sender_name, sender_role, upstream, chain
from accept_messages($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)

-- name: post_notice
select verdict, message_id, seq, thread_id from post_notice($1, $2, $3, $4, $5, $6, $7, $8)

-- name: read_states
-- Where messages stand, for callers that wait. A row only for those that ended or are out.
select m.id as message_id, m.workspace_id, m.thread_id, m.task_id, m.body, m.accepted_at, m.deadline, w.handed_at, w.cancel_requested_at, coalesce(w.attempt, o.attempts) as attempt, w.last_error,
    o.state as end_state, o.interrupted, o.error, o.usage, o.ended_at, o.reply_id, r.body as reply
from message m left join work w on w.message_id = m.id left join outcome o on o.message_id = m.id left join message r on r.id = o.reply_id
where m.id = any($1::uuid[])

-- name: find_message
-- The message, if the caller may see it: its sender, the workspace it was said to, the operator and people.
select m.id, m.workspace_id, m.task_id, m.sender_kind, m.sender_id from message m
where m.id = $1 and m.workspace_id = $2 and m.role = 'user'
  and ($3::text in ('operator', 'person') or m.sender_id = $4 or m.workspace_id = $4)

-- name: find_latest
select m.id from message m where (m.id = $1 or (m.task_id = $1 and m.task_id <> m.id)) and m.role = 'user' order by m.seq desc limit 1

-- name: read_history
-- $1 workspace, $2 principal kind, $3 principal, $4 thread, $5 before seq, $6 after seq, $7 before time, $8 limit; newest first unless after.
-- Four ways to the page, of which the parameters leave one: each walks an index in its order and stops at the limit. One order by for both
-- directions would sort the whole mailbox for every page.
with page as (
    (select m.id from message m
    where $4::text is null and $6::bigint is null and m.workspace_id = $1 and m.seq < coalesce($5, 9223372036854775807)
      and ($7::timestamptz is null or m.accepted_at < $7) order by m.seq desc limit $8)
    union all
    (select m.id from message m
    where $4::text is null and $6::bigint is not null and m.workspace_id = $1 and m.seq < coalesce($5, 9223372036854775807) and m.seq > $6
      and ($7::timestamptz is null or m.accepted_at < $7) order by m.seq limit $8)
    union all
    (select m.id from message m
    where m.thread_id = $4 and $6::bigint is null and m.workspace_id = $1 and m.seq < coalesce($5, 9223372036854775807)
      and ($7::timestamptz is null or m.accepted_at < $7) order by m.seq desc limit $8)
    union all
    (select m.id from message m
    where m.thread_id = $4 and $6::bigint is not null and m.workspace_id = $1 and m.seq < coalesce($5, 9223372036854775807) and m.seq > $6
      and ($7::timestamptz is null or m.accepted_at < $7) order by m.seq limit $8)
)
select m.id, m.seq, m.role, m.sender_kind, m.sender_id, coalesce(sw.name, sp.name, 'Operator') as sender_name, m.thread_id, m.task_id, m.reply_to,
    m.body, m.accepted_at, coalesce(case when o.interrupted is null then o.state else 'input_required' end, case when w.handed_at is not null then 'handed' when w.message_id is not null then 'accepted' end) as state,
    o.error, coalesce(w.attempt, o.attempts) as attempt
from page join message m on m.id = page.id
left join outcome o on o.message_id = m.id left join work w on w.message_id = m.id
left join workspace sw on m.sender_kind = 'workspace' and sw.id = m.sender_id
left join person sp on m.sender_kind = 'person' and sp.id = m.sender_id
where $2::text in ('operator', 'person') or $3 = $1
order by case when $6::bigint is null then -m.seq else m.seq end
