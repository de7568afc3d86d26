-- How people read: lines of conversations, how far each of them has read, what they keep for themselves, and what came to nothing.

-- A line of a conversation as it is looked at: a message, with where it stands. Read by the slice "messages". The names are looked up one by
-- one: joined, the planner may walk all workspaces for each line.
create view entry as
select m.id, m.workspace_id, m.seq, m.role, m.sender_kind, m.sender_id,
    case m.sender_kind
        when 'workspace' then (select w.name from workspace w where w.id = m.sender_id)
        when 'person' then (select p.name from person p where p.id = m.sender_id)
        else 'Operator' end as sender_name,
    m.thread_id, m.task_id, m.reply_to, m.body, m.accepted_at,
    coalesce(case when o.interrupted is null then o.state else 'input_required' end,
        case when w.handed_at is not null then 'handed' when w.message_id is not null then 'accepted' end) as state,
    o.error, coalesce(w.attempt, o.attempts) as attempt, w.handed_at, w.cancel_requested_at is not null as cancel_requested, o.ended_at,
    case when w.handed_at is not null then newest_progress(m.id) end as progress
from message m left join outcome o on o.message_id = m.id left join work w on w.message_id = m.id;

-- The words of a message: its text parts, a line each.
create function words_of(p_body jsonb) returns text language sql immutable as $$
    select string_agg(part ->> 'text', e'\n' order by place) from jsonb_array_elements(p_body -> 'parts') with ordinality p (part, place)
$$;

-- How far the operator or a person has read the people's conversation with an agent. Written by the slice "messages".
create table read_mark (
    reader_id    uuid not null,
    workspace_id uuid not null references workspace,
    seq          bigint not null check (seq > 0),
    primary key (reader_id, workspace_id)
);

-- What the page keeps for the operator or a person. Written by the slice "identity".
create table preference (
    owner_id uuid not null,
    name     text not null check (name ~ '^[a-z][a-z0-9-]{0,63}$'),
    value    jsonb not null,
    primary key (owner_id, name)
);
