-- What happened, append-only and in an order that readers can follow without a gap.

-- A sequence alone is no cursor: a smaller number may commit later. Ordered by (xid, id), and read only below the oldest transaction
-- that is still running, nothing can appear behind a reader (reliability.md, finding 2).
create table event (
    xid          xid8 not null default pg_current_xact_id(),
    id           bigint generated always as identity,
    type         text not null,
    workspace_id uuid not null,
    peer_id      uuid,
    message_id   uuid,
    actor_kind   text not null,
    actor_id     uuid,
    payload      jsonb not null default '{}',
    at           timestamptz not null default clock_timestamp(),
    primary key (xid, id)
);
create index event_workspace on event (workspace_id, xid, id);
create index event_peer on event (peer_id, xid, id) where peer_id is not null;
create index event_message on event (message_id) where message_id is not null;
create index event_at on event using brin (at);

-- The newest position that was pruned: a cursor below it has missed something and is told so.
create table feed_floor (
    singleton boolean primary key default true check (singleton),
    xid       xid8 not null default '0',
    id        bigint not null default 0
);
insert into feed_floor default values;

-- Servers that are running. Each holds the advisory lock "lock_key" on a connection of its own: the lock is gone the moment the process is.
create table server (
    id         uuid primary key,
    lock_key   bigint generated always as identity unique,
    started_at timestamptz not null default clock_timestamp(),
    seen_at    timestamptz not null default clock_timestamp(),
    lost_at    timestamptz
);
