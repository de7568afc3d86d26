-- Who there is and where they sit. Written by the slice "registry".

create table workspace (
    id            uuid primary key,
    name          text not null check (length(name) between 1 and 255),
    role          text check (length(role) <= 1000),
    parent_id     uuid references workspace,
    -- From the root down to the parent: the tree rule is a look into two rows, never a walk.
    ancestors     uuid[] not null default '{}' check (cardinality(ancestors) < 32),
    delivery_mode text not null check (delivery_mode in ('push', 'poll')),
    url           text check (length(url) <= 2000),
    agent_card    jsonb,
    metadata      jsonb not null default '{}',
    x             double precision not null default 0,
    y             double precision not null default 0,
    collapsed     boolean not null default false,
    created_at    timestamptz not null default clock_timestamp(),
    registered_at timestamptz,
    removed_at    timestamptz,
    check ((parent_id is null) = (cardinality(ancestors) = 0)),
    check (parent_id is null or ancestors[cardinality(ancestors)] = parent_id)
);
create index workspace_parent on workspace (parent_id);
create index workspace_ancestors on workspace using gin (ancestors);
alter table credential add foreign key (workspace_id) references workspace;

-- Apart from the workspace because it changes with every heartbeat.
create table presence (
    workspace_id   uuid primary key references workspace,
    status         text not null default 'offline' check (status in ('offline', 'online', 'degraded')),
    seen_at        timestamptz,
    -- A called agent that never sends heartbeats is not offline for being silent.
    beats          boolean not null default false,
    active_tasks   integer not null default 0,
    current_task   text,
    error_rate     double precision not null default 0,
    sample_error   text,
    uptime_seconds double precision not null default 0
) with (fillfactor = 50);

-- The tree rule: self, same parent, both roots, ancestor and descendant. Anything else, a removed one included, is "no".
create function may_talk(a workspace, b workspace) returns boolean language sql immutable as $$
    select a.id = b.id
        or a.parent_id is not distinct from b.parent_id
        or b.id = any(a.ancestors)
        or a.id = any(b.ancestors)
$$;
