-- What was said. "message" and "outcome" are written once and never changed; "work" holds unfinished messages only.

create table mailbox (
    workspace_id      uuid primary key references workspace,
    last_seq          bigint not null default 0,
    max_concurrent    integer not null default 1 check (max_concurrent between 1 and 64),
    paused            boolean not null default false,
    -- Whether its post is brought to a URL or waits to be fetched.
    called            boolean not null default false,
    open_count        integer not null default 0 check (open_count >= 0),
    active_count      integer not null default 0 check (active_count >= 0),
    -- Circuit breaker: consecutive failures to reach the agent, and when the next try is due.
    failures          integer not null default 0,
    unreachable_until timestamptz
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);

create table message (
    id              uuid primary key,
    workspace_id    uuid not null references workspace,
    seq             bigint not null,
    role            text not null check (role in ('user', 'agent', 'system')),
    sender_kind     text not null check (sender_kind in ('operator', 'person', 'workspace')),
    sender_id       uuid not null,
    thread_id       text not null check (length(thread_id) between 1 and 256),
    -- The A2A task this belongs to: a follow-up carries the id of the message that began it.
    task_id         uuid not null,
    reply_to        uuid references message,
    idempotency_key text check (length(idempotency_key) between 1 and 255),
    fingerprint     bytea,
    body            jsonb not null,
    traceparent     text,
    deadline        timestamptz,
    accepted_at     timestamptz not null default clock_timestamp(),
    -- A message of one workspace to another is a delegation: the message that it is part of, and the workspaces that asked one another for
    -- it, from the first one to its sender.
    parent_id       uuid references message,
    chain           uuid[] not null,
    -- Its end is posted into the mailbox of its sender. That post has this message as "reply_to", and the role "user".
    report          boolean not null,
    -- The conversation that it belongs to: of the agent with people, one way and the other, or with other agents. An answer belongs where
    -- what it answers does. Stored, because a page of one conversation must not look through the other, however rare its messages are.
    strand          text not null check (strand in ('from_people', 'to_people', 'agents')),
    unique (workspace_id, seq),
    check ((idempotency_key is null) or (fingerprint is not null)),
    check (not report or sender_kind = 'workspace'),
    check ((strand = 'from_people') = (sender_kind <> 'workspace'))
);
create unique index message_key on message (sender_kind, sender_id, idempotency_key) where idempotency_key is not null;
create index message_strand on message (workspace_id, strand, seq);
create index message_thread on message (workspace_id, thread_id, strand, seq);
create index message_task on message (task_id) where task_id <> id and role = 'user';
create index message_delegation on message (sender_id, accepted_at, id)
    where role = 'user' and sender_kind = 'workspace' and reply_to is null and sender_id <> workspace_id;
create index message_parent on message (parent_id) where parent_id is not null;
-- An end is posted once.
create unique index message_report on message (reply_to) where role = 'user' and reply_to is not null;

create table work (
    message_id          uuid primary key references message,
    workspace_id        uuid not null references mailbox,
    seq                 bigint not null,
    -- When it may be handed out; while leased, when the lease ends; 'infinity' while it waits behind the head of its mailbox.
    due_at              timestamptz not null,
    called              boolean not null,
    leased              boolean not null default false,
    token               bigint not null default 0,
    attempt             integer not null default 0,
    -- The server that is calling the agent; null while an agent that fetches holds the lease.
    holder              uuid,
    deadline            timestamptz not null,
    handed_at           timestamptz,
    cancel_requested_at timestamptz,
    last_error          jsonb,
    -- The workspace that delegated it, and the message with whose end its sender does not want it any more.
    delegator_id        uuid,
    hangs_on            uuid,
    unique (workspace_id, seq),
    check (not leased or due_at < 'infinity')
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
create index work_calls on work (due_at) where called;
create index work_active on work (workspace_id, seq) where due_at < 'infinity';
create index work_leases on work (due_at) where leased;
create index work_holder on work (holder) where holder is not null;
create index work_deadline on work (deadline);
create index work_delegator on work (delegator_id) where delegator_id is not null;
create index work_hanging on work (hangs_on) where hangs_on is not null;

create table outcome (
    message_id  uuid primary key references message,
    state       text not null check (state in ('replied', 'failed', 'cancelled', 'expired')),
    reply_id    uuid references message,
    -- The A2A state in which the agent waits for more: 'input-required' or 'auth-required'.
    interrupted text,
    error       jsonb,
    usage       jsonb,
    upstream    jsonb,
    attempts    integer not null,
    fingerprint bytea,
    ended_at    timestamptz not null default clock_timestamp(),
    check ((state = 'replied') = (reply_id is not null)),
    check ((state = 'replied') = (error is null))
);

-- What came to nothing, until somebody sends it again or gives it up.
create table dead_letter (
    message_id   uuid primary key references message,
    workspace_id uuid not null references workspace,
    ended_at     timestamptz not null,
    -- The message that says it again.
    replayed_as  uuid references message,
    dropped_at   timestamptz,
    check (replayed_as is null or dropped_at is null)
);
create index dead_letter_all on dead_letter (ended_at, message_id) where replayed_as is null and dropped_at is null;
create index dead_letter_workspace on dead_letter (workspace_id, ended_at, message_id) where replayed_as is null and dropped_at is null;

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'integrity_constraint_violation';
end $$;
create trigger message_is_kept before update or delete on message for each row execute function refuse_change();
create trigger outcome_is_kept before update or delete on outcome for each row execute function refuse_change();
