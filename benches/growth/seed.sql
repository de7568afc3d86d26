-- More messages for one mailbox, as accepting them one by one leaves them: each waits behind the first, which nobody fetches.
-- $1 a message of that mailbox that was really sent, $2 and $3 the first and the last sequence number to make.
with sample as (
    select * from message where id = $1
), made as materialized (
    select uuidv7() as id, n from generate_series($2::bigint, $3::bigint) n
), said as (
    insert into message (id, workspace_id, seq, role, sender_kind, sender_id, thread_id, task_id, idempotency_key, fingerprint, body, deadline,
        chain, report, strand)
    select made.id, s.workspace_id, made.n, s.role, s.sender_kind, s.sender_id, made.id::text, made.id, made.id::text,
        sha256(made.id::text::bytea), jsonb_set(s.body, '{messageId}', to_jsonb(made.id::text)), s.deadline, s.chain, s.report, s.strand
    from made, sample s
), waiting as (
    insert into work (message_id, workspace_id, seq, due_at, called, deadline)
    select made.id, s.workspace_id, made.n, 'infinity', false, s.deadline from made, sample s
), box as (
    update mailbox set last_seq = $3, open_count = open_count + ($3 - $2 + 1) where workspace_id = (select workspace_id from sample)
)
insert into event (type, workspace_id, peer_id, message_id, actor_kind, actor_id, payload)
select 'message.accepted', s.workspace_id, e.peer_id, made.id, e.actor_kind, e.actor_id,
    e.payload || jsonb_build_object('seq', made.n, 'thread_id', made.id::text)
from made, sample s join event e on e.message_id = s.id and e.type = 'message.accepted'
