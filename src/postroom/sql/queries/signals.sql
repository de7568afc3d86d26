-- Wake-ups between servers. Writes nothing.

-- name: hurry_commits
-- For this connection only: a wake-up that a crash loses is found by polling, so it need not wait for the disk.
set synchronous_commit = off

-- name: send_signals
select pg_notify('postroom', $1)
