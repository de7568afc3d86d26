-- Delegations as they are looked at: messages of one workspace to another, with where they stand. Read by the slice "delegations".

-- The newest that an agent told about what it works on.
create function newest_progress(p_message uuid) returns jsonb language sql stable as $$
    select jsonb_build_object('parts', e.payload -> 'parts', 'status', e.payload ->> 'status', 'at', e.at)
    from event e where e.message_id = p_message and e.type = 'message.progress' order by e.xid desc, e.id desc limit 1
$$;

create view delegation as
select m.id, m.sender_id as source_id, s.name as source_name, m.workspace_id as target_id, t.name as target_name, m.body, m.thread_id,
    m.accepted_at, coalesce(o.ended_at, w.handed_at, m.accepted_at) as updated_at, o.ended_at, m.deadline, coalesce(w.attempt, o.attempts) as attempt,
    case when o.message_id is not null then delegation_status(o) when w.handed_at is not null then 'handed' else 'accepted' end as status,
    w.cancel_requested_at is not null as cancel_requested, m.report, m.parent_id, named_chain(m.chain) as chain, o.error, r.body as reply,
    newest_progress(m.id) as progress
from message m
join workspace s on s.id = m.sender_id join workspace t on t.id = m.workspace_id
left join work w on w.message_id = m.id left join outcome o on o.message_id = m.id left join message r on r.id = o.reply_id
where m.role = 'user' and m.sender_kind = 'workspace' and m.reply_to is null and m.sender_id <> m.workspace_id;
