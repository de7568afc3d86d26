-- Slice "messages". Writes: message and dead_letter (through the functions of migration 0005), read_mark.

-- name: accept_messages
select item, verdict, message_id, workspace_id, seq, thread_id, task_id, accepted_at, deadline, token, lease_until, active, called, url, agent_card,
    sender_name, sender_role, upstream, chain
from accept_messages($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)

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

-- name: find_part
-- Of a message that the workspace $2 got or said, or of the answer to one that it said.
select m.body -> 'parts' -> $3::integer as part from message m left join message asked on asked.id = m.reply_to
where m.id = $1 and $2 in (m.workspace_id, m.sender_id, asked.sender_id)

-- name: read_history
-- $1 workspace, $2 strands, $3 thread, $4 before seq, $5 after seq, $6 before time, $7 how many to pass by, $8 words to look for and $9 in how
-- many bytes, $10 how many lines to bring; newest first unless after. One row at least: which line it looked at last, and whether that was the end.
-- Four ways through each strand, of which the parameters leave one: each walks an index in its order and stops at the limit. One order by for
-- both directions would sort the whole mailbox for every page. Compared as rows, from and to, the columns leave only the index that has all of
-- them: with an equation the planner may as well walk the mailbox and drop what is of other strands or threads.
with passed as (
    select way.* from unnest($2::text[]) s (strand), lateral (
        (select m.id, m.seq, pg_column_size(m.body) as bytes from message m
        where $3::text is null and $5::bigint is null and m.workspace_id = $1
          and (m.strand, m.seq) > (s.strand, coalesce($5, 0)) and (m.strand, m.seq) < (s.strand, coalesce($4, 9223372036854775807))
          and ($6::timestamptz is null or m.accepted_at < $6)
        order by m.strand desc, m.seq desc limit $7)
        union all
        (select m.id, m.seq, pg_column_size(m.body) as bytes from message m
        where $3::text is null and $5::bigint is not null and m.workspace_id = $1
          and (m.strand, m.seq) > (s.strand, coalesce($5, 0)) and (m.strand, m.seq) < (s.strand, coalesce($4, 9223372036854775807))
          and ($6::timestamptz is null or m.accepted_at < $6)
        order by m.strand, m.seq limit $7)
        union all
        (select m.id, m.seq, pg_column_size(m.body) as bytes from message m
        where $3::text is not null and $5::bigint is null and m.workspace_id = $1
          and (m.thread_id, m.strand, m.seq) > ($3, s.strand, coalesce($5, 0)) and (m.thread_id, m.strand, m.seq) < ($3, s.strand, coalesce($4, 9223372036854775807))
          and ($6::timestamptz is null or m.accepted_at < $6)
        order by m.thread_id desc, m.strand desc, m.seq desc limit $7)
        union all
        (select m.id, m.seq, pg_column_size(m.body) as bytes from message m
        where $3::text is not null and $5::bigint is not null and m.workspace_id = $1
          and (m.thread_id, m.strand, m.seq) > ($3, s.strand, coalesce($5, 0)) and (m.thread_id, m.strand, m.seq) < ($3, s.strand, coalesce($4, 9223372036854775807))
          and ($6::timestamptz is null or m.accepted_at < $6)
        order by m.thread_id, m.strand, m.seq limit $7)
    ) way
    order by case when $5::bigint is null then -way.seq else way.seq end limit $7
), looked_at as (
    select s.id, s.seq from (
        select p.*, sum(p.bytes) over (order by case when $5::bigint is null then -p.seq else p.seq end) - p.bytes as bytes_before from passed p) s
    where $8::text is null or s.bytes_before < $9
), found as (
    select l.id from looked_at l
    where $8::text is null or exists (select from message m where m.id = l.id and strpos(lower(words_of(m.body)), lower($8)) > 0)
    order by case when $5::bigint is null then -l.seq else l.seq end limit $10
)
select e.edge, e.looked_at = p.passed and p.passed < $7 as ended, line.*
from (select count(*) as passed from passed) p,
    (select count(*) as looked_at, case when $5::bigint is null then min(seq) else max(seq) end as edge from looked_at) e
left join (select line.* from found f, lateral (select * from entry where entry.id = f.id limit 1) line) line on true
order by case when $5::bigint is null then -line.seq else line.seq end

-- name: find_moment
-- When a message that the workspace $2 got or said was accepted.
select m.accepted_at from message m where m.id = $1 and $2 in (m.workspace_id, m.sender_id)

-- name: read_traffic
-- What a workspace and other agents said to each other: $1 workspace, $2 and $3 before (time and id), $4 and $5 after, $6 how many to pass by,
-- $7 thread, $8 words to look for and $9 in how many bytes, $10 how many lines to bring; newest first unless after. One row at least, as of
-- read_history. Two ways through its own mailbox and two through what it sent, of which the parameters leave one each.
with passed as (
    select way.id, way.bytes,
        row_number() over (order by way.accepted_at, way.id) * case when $4::timestamptz is null then -1 else 1 end as turn
    from (
        (select m.id, m.accepted_at, pg_column_size(m.body) as bytes from message m
        where $4::timestamptz is null and m.workspace_id = $1 and m.strand = 'agents' and (m.accepted_at, m.id) < ($2::timestamptz, $3::uuid)
        order by m.accepted_at desc, m.id desc limit $6)
        union all
        (select m.id, m.accepted_at, pg_column_size(m.body) as bytes from message m
        where $4::timestamptz is null and m.sender_id = $1
          and m.role = 'user' and m.sender_kind = 'workspace' and m.reply_to is null and m.sender_id <> m.workspace_id
          and (m.accepted_at, m.id) < ($2::timestamptz, $3::uuid)
        order by m.accepted_at desc, m.id desc limit $6)
        union all
        (select m.id, m.accepted_at, pg_column_size(m.body) as bytes from message m
        where $4::timestamptz is not null and m.workspace_id = $1 and m.strand = 'agents'
          and (m.accepted_at, m.id) > ($4::timestamptz, $5::uuid) and (m.accepted_at, m.id) < ($2::timestamptz, $3::uuid)
        order by m.accepted_at, m.id limit $6)
        union all
        (select m.id, m.accepted_at, pg_column_size(m.body) as bytes from message m
        where $4::timestamptz is not null and m.sender_id = $1
          and m.role = 'user' and m.sender_kind = 'workspace' and m.reply_to is null and m.sender_id <> m.workspace_id
          and (m.accepted_at, m.id) > ($4::timestamptz, $5::uuid) and (m.accepted_at, m.id) < ($2::timestamptz, $3::uuid)
        order by m.accepted_at, m.id limit $6)
    ) way
    order by turn limit $6
), looked_at as (
    select s.id, s.turn from (select p.*, sum(p.bytes) over (order by p.turn) - p.bytes as bytes_before from passed p) s
    where $8::text is null or s.bytes_before < $9
), found as (
    select l.id, l.turn from looked_at l
    where ($7::text is null and $8::text is null) or exists (
        select from message m where m.id = l.id and ($7 is null or m.thread_id = $7)
          and ($8 is null or strpos(lower(concat_ws(e'\n', words_of(m.body), words_of((answer_to(m.id, $1)).body))), lower($8)) > 0))
    order by l.turn limit $10
)
select e.edge, e.looked_at = p.passed and p.passed < $6 as ended, line.*
from (select count(*) as passed from passed) p,
    (select count(*) as looked_at, (array_agg(id order by turn desc))[1] as edge from looked_at) e
left join (
    select f.turn, line.*, receiver.id as receiver_id, receiver.name as receiver_name,
        (select jsonb_build_object('delegation_id', o.message_id, 'status', delegation_status(o))
         from outcome o where line.role = 'user' and o.message_id = line.reply_to) as report,
        (select jsonb_build_object('id', answer.id, 'body', answer.body, 'at', answer.accepted_at)
         from answer_to(line.id, $1) answer where answer.id is not null) as answer
    from found f, lateral (select * from entry where entry.id = f.id limit 1) line
    -- What is said to a post that tells an end goes to nobody.
    left join lateral (select w.id, w.name from workspace w where w.id = case line.role when 'user' then line.workspace_id else (
        select asked.sender_id from message asked where asked.id = line.reply_to and asked.reply_to is null) end limit 1) receiver on true
) line on true
order by line.turn

-- name: list_threads
-- The people's threads with a workspace, the most recently spoken first: $1 workspace, $2 before seq, $3 how many messages to look at, $4 how many
-- threads to bring. Each stands where its newest message does, so the pages together have it once. One row at least, as of read_history.
with strand as (
    select unnest(array['from_people', 'to_people']) as strand
), passed as (
    select way.* from strand s, lateral (
        select m.seq, m.thread_id from message m
        where m.workspace_id = $1 and (m.strand, m.seq) > (s.strand, 0) and (m.strand, m.seq) < (s.strand, coalesce($2::bigint, 9223372036854775807))
        order by m.strand desc, m.seq desc limit $3) way
    order by way.seq desc limit $3
), thread as (
    select p.thread_id, max(p.seq) as seq from passed p group by p.thread_id
), found as (
    select t.* from thread t
    where not exists (
        select from strand s, lateral (
            select from message m
            where m.workspace_id = $1 and (m.thread_id, m.strand, m.seq) > (t.thread_id, s.strand, t.seq)
              and (m.thread_id, m.strand, m.seq) < (t.thread_id, s.strand, 9223372036854775807)
            order by m.thread_id, m.strand, m.seq limit 1) later)
    order by t.seq desc limit $4
)
select e.edge, e.passed < $3 as ended, line.*
from (select count(*) as passed, min(seq) as edge from passed) e
left join (
    select counted.messages, preview_of(first.body) as begins, last.*, preview_of(last.body) as preview
    from found f,
    lateral (select count(*)::integer as messages from (
        select from strand s, lateral (
            select from message m
            where m.workspace_id = $1 and (m.thread_id, m.strand, m.seq) > (f.thread_id, s.strand, 0)
              and (m.thread_id, m.strand, m.seq) < (f.thread_id, s.strand, 9223372036854775807)
            order by m.thread_id, m.strand, m.seq limit 1000) one limit 1000) counted) counted,
    lateral (select m.body from strand s, lateral (
        select m.body, m.seq from message m
        where m.workspace_id = $1 and (m.thread_id, m.strand, m.seq) > (f.thread_id, s.strand, 0)
          and (m.thread_id, m.strand, m.seq) < (f.thread_id, s.strand, 9223372036854775807)
        order by m.thread_id, m.strand, m.seq limit 1) m order by m.seq limit 1) first,
    lateral (select m.id from message m where m.workspace_id = $1 and m.seq = f.seq limit 1) newest,
    lateral (select * from entry where entry.id = newest.id limit 1) last
) line on true
order by line.seq desc

-- name: list_chats
-- The people's conversations: $1 the reader, $2 one workspace or all. Where each was last spoken, and what of it the reader has not seen.
select w.id as workspace_id, coalesce(r.seq, 0) as read_seq,
    (select count(*) from (
        select from message m
        where m.workspace_id = w.id and (m.strand, m.seq) > ('to_people', coalesce(r.seq, 0))
          and (m.strand, m.seq) < ('to_people', 9223372036854775807)
        order by m.strand, m.seq limit 100) told)::integer as unread,
    line.id, line.seq, line.role, line.sender_kind, line.sender_id, line.sender_name, line.thread_id, line.state,
    line.accepted_at, preview_of(line.body) as preview
from workspace w
left join read_mark r on r.reader_id = $1 and r.workspace_id = w.id
left join lateral (
    select way.id from unnest(array['from_people', 'to_people']) s (strand), lateral (
        select m.id, m.seq from message m
        where m.workspace_id = w.id and (m.strand, m.seq) > (s.strand, 0) and (m.strand, m.seq) < (s.strand, 9223372036854775807)
        order by m.strand desc, m.seq desc limit 1) way
    order by way.seq desc limit 1) latest on true
left join lateral (select * from entry where entry.id = latest.id limit 1) line on true
where w.removed_at is null and ($2::uuid is null or w.id = $2)
order by line.accepted_at desc nulls last, w.created_at, w.id

-- name: mark_read
-- $1 reader, $2 workspace, $3 seq. Forward only, and no further than the mailbox is; a row only if it moved.
insert into read_mark (reader_id, workspace_id, seq)
select $1, b.workspace_id, least($3, b.last_seq) from mailbox b where b.workspace_id = $2 and least($3, b.last_seq) > 0
on conflict (reader_id, workspace_id) do update set seq = excluded.seq where read_mark.seq < excluded.seq
returning seq

-- name: list_dead_letters
-- Those that nobody has replayed or dropped, the newest first. $1 one workspace or all, $2 and $3 below that one, $4 limit. Two ways to the
-- page, of which $1 leaves one.
with page as (
    (select d.message_id, d.ended_at from dead_letter d
    where $1::uuid is null and d.replayed_as is null and d.dropped_at is null
      and (d.ended_at, d.message_id) < (coalesce($2::timestamptz, 'infinity'), coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    order by d.ended_at desc, d.message_id desc limit $4)
    union all
    (select d.message_id, d.ended_at from dead_letter d
    where $1::uuid is not null and d.workspace_id = $1 and d.replayed_as is null and d.dropped_at is null
      and (d.ended_at, d.message_id) < (coalesce($2::timestamptz, 'infinity'), coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    order by d.ended_at desc, d.message_id desc limit $4)
)
select line.*, (select w.name from workspace w where w.id = line.workspace_id) as workspace_name
from page, lateral (select * from entry where entry.id = page.message_id limit 1) line
order by page.ended_at desc, page.message_id desc

-- name: count_dead_letters
select count(*) as total from dead_letter d
where d.replayed_as is null and d.dropped_at is null and ($1::uuid is null or d.workspace_id = $1)

-- name: find_dead_letter
-- Also one that was replayed or dropped.
select d.message_id, d.workspace_id, d.ended_at, d.replayed_as, m.thread_id, m.body
from dead_letter d join message m on m.id = d.message_id where d.message_id = $1

-- name: drop_dead_letter
update dead_letter set dropped_at = clock_timestamp() where message_id = $1 and replayed_as is null and dropped_at is null returning workspace_id
