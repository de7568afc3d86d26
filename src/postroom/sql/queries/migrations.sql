-- The migrator. Writes: migration.

-- name: lift_limits
-- A migration may take longer than a request may; which limits there are depends on the server's version.
select set_config(name, '0', false) from pg_settings
where name in ('statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')

-- name: lock_migrations
-- Held by the session: several servers that start at once run each migration once.
select pg_advisory_lock(7077240000)

-- name: create_migration_table
create table if not exists migration (
    number integer primary key,
    name   text not null,
    digest text not null,
    run_at timestamptz not null default clock_timestamp()
)

-- name: find_migration_table
select to_regclass('migration') is not null

-- name: list_migrations
select number, digest from migration

-- name: insert_migration
insert into migration (number, name, digest) values ($1, $2, $3)
