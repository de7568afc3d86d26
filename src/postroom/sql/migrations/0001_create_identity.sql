-- Who is calling. Written by the slice "identity".

create table installation (
    singleton  boolean primary key default true check (singleton),
    id         uuid not null,
    -- HMAC of a fixed text: a server with another secret key refuses to start instead of refusing every token.
    key_check  bytea not null,
    created_at timestamptz not null default clock_timestamp()
);

create table person (
    id         uuid primary key,
    name       text not null check (length(name) between 1 and 255),
    created_at timestamptz not null default clock_timestamp()
);

-- Operator tokens, workspace tokens and browser sessions: one look-up for all of them.
create table credential (
    id           uuid primary key,
    kind         text not null check (kind in ('operator', 'workspace', 'session')),
    digest       bytea not null unique check (octet_length(digest) = 32),
    prefix       text not null check (length(prefix) <= 16),
    workspace_id uuid,
    person_id    uuid references person,
    label        text check (length(label) <= 255),
    created_at   timestamptz not null default clock_timestamp(),
    expires_at   timestamptz,
    revoked_at   timestamptz,
    used_at      timestamptz,
    check ((kind = 'workspace') = (workspace_id is not null)),
    check ((kind = 'session') = (person_id is not null))
);
create index credential_workspace on credential (workspace_id) where workspace_id is not null;

create table login_code (
    digest     bytea primary key check (octet_length(digest) = 32),
    person_id  uuid not null references person,
    expires_at timestamptz not null,
    used_at    timestamptz
);
