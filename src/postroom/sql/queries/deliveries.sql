-- Slice "deliveries". Writes: mailbox, work, outcome, server (and message, event through the functions of migration 0005).

-- name: insert_mailbox
insert into mailbox (workspace_id, max_concurrent, called) values ($1, $2, $3) on conflict do nothing

-- name: configure_mailbox
-- Takes the mailbox first, then its work that is out: the way it is brought may have changed.
with box as (
    update mailbox set max_concurrent = $2, called = $3, failures = 0, unreachable_until = null where workspace_id = $1 returning workspace_id
)
update work set called = $3, due_at = case when leased then due_at else clock_timestamp() end
where workspace_id = (select workspace_id from box) and due_at < 'infinity'

-- name: promote_work
select promote_work($1)

-- name: lock_mailboxes
select lock_mailboxes($1::uuid[])

-- name: pause_mailbox
update mailbox set paused = $2 where workspace_id = $1 returning paused

-- name: claim_calls
-- Leases for the agents that this server will call. $1 server, $2 how many, $3 lease in seconds, $4 attempt limit.
with due as materialized (
    select w.message_id, w.leased as lost from work w join mailbox b on b.workspace_id = w.workspace_id
    where w.called and w.due_at <= now() and w.deadline > now() and w.attempt < $4 and w.cancel_requested_at is null and not b.paused
    order by w.due_at, w.seq limit $2 for update of w skip locked
), claimed as (
    update work w set leased = true, token = w.token + 1, attempt = w.attempt + 1, holder = $1,
        handed_at = coalesce(w.handed_at, clock_timestamp()), due_at = clock_timestamp() + make_interval(secs => $3)
    from due where w.message_id = due.message_id
    returning w.message_id, w.token, w.attempt, w.due_at as lease_until, due.lost
), noted as (
    insert into event (type, workspace_id, peer_id, message_id, actor_kind, actor_id, payload)
    select 'message.handed', m.workspace_id, case when m.sender_kind = 'workspace' then nullif(m.sender_id, m.workspace_id) end, m.id,
        'server', $1, jsonb_build_object('attempt', c.attempt, 'thread_id', m.thread_id)
    from claimed c join message m on m.id = c.message_id
)
select message_id, token, attempt, lease_until, lost from claimed

-- name: claim_post
select item, verdict, lost, message_id, workspace_id, seq, token, attempt, lease_until, body, thread_id, task_id, idempotency_key, deadline,
    traceparent, sender_kind, sender_id, sender_name, sender_role, upstream, chain, report
from claim_post($1, $2, $3, $4, $5)

-- name: read_calls
-- What was claimed, in mailbox order, and where to bring it.
select d.*, w.url, w.agent_card
from read_deliveries($1) d join workspace w on w.id = d.workspace_id order by d.workspace_id, d.seq

-- name: extend_work
-- Only the holder of the token, and only while it is out. A cancel that was asked for travels back with the answer.
update work w set due_at = clock_timestamp() + make_interval(secs => given.lease)
from unnest($1::uuid[], $2::bigint[], $3::float8[], $4::uuid[], $5::uuid[]) given (message_id, token, lease, workspace_id, credential_id)
where w.message_id = given.message_id and w.workspace_id = given.workspace_id and w.token = given.token and w.leased
  and (given.credential_id is null or credential_lives(given.credential_id))
returning w.message_id, w.due_at as lease_until, w.cancel_requested_at is not null as cancel

-- name: finish_work
select verdict, message_id, workspace_id, promoted, called, attempts, ended_at, reader, reader_called
from finish_work($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)

-- name: return_work
select verdict, message_id, workspace_id, promoted, called, reader, reader_called from return_work($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: cancel_work
select verdict, $1::uuid as message_id, workspace_id, promoted, called, reader, reader_called from cancel_work($1, $2, $3)

-- name: reap_work
select state as verdict, message_id, workspace_id, promoted, called, reader, reader_called from reap_work($1, $2)

-- name: fail_mailbox
select message_id, reader, reader_called from fail_mailbox($1, $2)

-- name: list_abandoned
-- Mailboxes of removed workspaces that a crash left with unfinished post.
select b.workspace_id from mailbox b join workspace w on w.id = b.workspace_id where w.removed_at is not null and b.open_count > 0

-- name: list_cancels
select message_id from work where workspace_id = $1 and leased and cancel_requested_at is not null and due_at < 'infinity'

-- name: find_holding
-- Whether this token is the one that counts, and whether a cancel was asked for.
select w.token = $2 and w.leased and ($4::uuid is null or credential_lives($4)) as held, w.cancel_requested_at is not null as cancel, m.thread_id,
    case when m.sender_kind = 'workspace' then m.sender_id end as peer_id
from work w join message m on m.id = w.message_id where w.message_id = $1 and w.workspace_id = $3

-- name: count_work
-- From what the mailboxes count: a look at every message would take seconds where a million wait.
select coalesce(sum(b.open_count - b.active_count), 0) as waiting, coalesce(sum(b.active_count), 0) - l.leased as due, l.leased
from mailbox b right join (select count(*) as leased from work where leased) l on true group by l.leased

-- name: age_work
-- Age in seconds of the oldest message per state; the oldest of a mailbox is its first row.
select extract(epoch from clock_timestamp() - min(m.accepted_at))::float8 as age, w.leased
from work w join message m on m.id = w.message_id where w.due_at < 'infinity' group by w.leased

-- name: list_queues
-- Mailboxes in which post waits that nobody has in hand, the longest first, $1 at most; with each how long the oldest of all has waited.
select q.workspace_id, w.name, q.waiting, q.paused, q.unreachable_until,
    extract(epoch from now() - q.oldest)::float8 as oldest_seconds,
    extract(epoch from now() - min(q.oldest) over ())::float8 as oldest_of_all
from (
    select b.workspace_id, b.paused, b.unreachable_until, b.open_count - (
            select count(*) from work k where k.workspace_id = b.workspace_id and k.due_at < 'infinity' and k.leased) as waiting,
        (select m.accepted_at from work k join message m on m.id = k.message_id
         where k.workspace_id = b.workspace_id and not k.leased order by k.seq limit 1) as oldest
    from mailbox b where b.open_count > 0) q
join workspace w on w.id = q.workspace_id
where q.waiting > 0 order by q.waiting desc, q.oldest limit $1

-- name: list_servers
select id, started_at, seen_at from server order by started_at, id

-- name: repair_work
-- A mailbox with room whose post still waits: must never be. Repaired and counted.
select promote_work(b.workspace_id) as repaired, b.workspace_id from mailbox b
where b.workspace_id = any(array(
    select c.workspace_id from mailbox c where c.active_count < c.max_concurrent and c.open_count > c.active_count for update skip locked))

-- name: insert_server
insert into server (id) values ($1) on conflict (id) do update set seen_at = clock_timestamp(), lost_at = null returning lock_key

-- name: hold_server
-- The lock is held by the session that runs this: it is gone the moment the process or its connection is.
select pg_try_advisory_lock(70772, $1::int) as held

-- name: end_holder
-- Whoever holds a server's lock is a connection of that server: the lock's key was given to no other.
select pg_terminate_backend(pid) from pg_locks
where locktype = 'advisory' and classid = 70772 and objid = $1::bigint::oid and objsubid = 2 and pid <> pg_backend_pid()
    and database = (select oid from pg_database where datname = current_database())

-- name: beat_server
update server set seen_at = clock_timestamp(), lost_at = null where id = $1 returning id

-- name: suspect_servers
-- First look: whose lock is free is suspected. Taking the lock for the length of the transaction is the test.
update server set lost_at = clock_timestamp() where lost_at is null and id <> $1 and pg_try_advisory_xact_lock(70772, lock_key::int)

-- name: free_dead_leases
-- Second look, a second later: still free, so it is dead, and what it held is due at once. Its token still counts until the next claim.
with dead as (
    delete from server where lost_at < clock_timestamp() - interval '1 second' and id <> $1
        and pg_try_advisory_xact_lock(70772, lock_key::int) returning id
), orphans as (
    select w.message_id from work w
    where w.leased and w.holder in (select id from dead union all
        select distinct k.holder from work k where k.holder is not null and not exists (select from server s where s.id = k.holder))
    for update skip locked
)
update work w set due_at = least(w.due_at, clock_timestamp()) from orphans where w.message_id = orphans.message_id returning w.message_id

-- name: free_own_leases
-- Leases of this server that it knows nothing of: their claim was committed and its answer lost. Due at once; the token counts until the next
-- claim. $2 what it knows, $3 what was unknown a look ago, $4 the tokens of that. Returns what is unknown now, freed or not.
with strange as (
    select w.message_id, w.token, w.due_at from work w where w.holder = $1 and w.leased and w.message_id <> all($2::uuid[])
), freed as (
    update work w set due_at = least(w.due_at, clock_timestamp())
    from strange s join unnest($3::uuid[], $4::bigint[]) known (message_id, token) using (message_id, token)
    where w.message_id = s.message_id and w.token = s.token and w.leased and w.due_at > clock_timestamp()
    returning w.message_id
)
select s.message_id, s.token, s.message_id in (select message_id from freed) as freed from strange s

-- name: remove_server
delete from server where id = $1

-- name: keep_work
-- From now on the session's, for so many seconds.
update work set session = $4, session_token = token, due_at = clock_timestamp() + make_interval(secs => $5)
where message_id = $1 and workspace_id = $2 and token = $3 and leased returning message_id

-- name: extend_kept
-- All that the sessions hold. Who is busy with a row right now ends or extends it himself: it is passed over.
with kept as materialized (
    select w.message_id, given.lease
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::float8[]) given (workspace_id, session, credential_id, lease)
    join work w on w.workspace_id = given.workspace_id and w.session = given.session
    where w.due_at < 'infinity' and w.session_token = w.token and w.leased and credential_lives(given.credential_id)
    for update of w skip locked
)
update work w set due_at = clock_timestamp() + make_interval(secs => kept.lease) from kept where w.message_id = kept.message_id
returning w.message_id

-- name: find_kept
-- The token under which a session holds a message.
select token from work where message_id = $1 and workspace_id = $2 and session = $3 and session_token = token and leased

-- name: list_post
-- Unfinished post in its order; $2 at most, $3 a session, $4 only what that session holds. Two ways to it, of which $4 leaves one: what is
-- held is among the few that are out, and not to be looked for among all that wait.
select d.*, m.accepted_at, w.leased, w.cancel_requested_at is not null as cancel,
    w.leased and coalesce(w.session = $3 and w.session_token = w.token, false) as held
from read_deliveries(array(
    (select k.message_id from work k where not $4::boolean and k.workspace_id = $1 order by k.seq limit $2)
    union all
    (select k.message_id from work k
    where $4 and k.workspace_id = $1 and k.due_at < 'infinity' and k.leased and k.session = $3 and k.session_token = k.token
    order by k.seq limit $2))) d
cross join lateral (select k.accepted_at from message k where k.id = d.message_id limit 1) m
cross join lateral (
    select k.leased, k.cancel_requested_at, k.session, k.session_token, k.token from work k where k.message_id = d.message_id limit 1) w
order by d.seq
