-- The migrator. Writes: migration.

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
