-- Slice "identity". Writes: installation, person, credential, login_code, preference.

-- name: find_installation
select id, key_check from installation

-- name: insert_installation
insert into installation (id, key_check) values ($1, $2) on conflict (singleton) do nothing

-- name: find_callers
-- Who is behind each digest, now: a revoked, expired or removed one is nobody. Use is noted at most once a minute.
with live as (
    select given.item, c.id, c.kind, c.workspace_id, c.person_id, p.name as person_name, w.name as workspace_name, c.used_at
    from unnest($1::bytea[]) with ordinality given (digest, item)
    join credential c on c.digest = given.digest
    left join person p on p.id = c.person_id
    left join workspace w on w.id = c.workspace_id
    where c.revoked_at is null and (c.expires_at is null or c.expires_at > clock_timestamp()) and w.removed_at is null
), touched as (
    update credential c set used_at = clock_timestamp(),
        expires_at = case when c.kind = 'session' then clock_timestamp() + make_interval(days => $2) else c.expires_at end
    where c.id in (select id from live where used_at is null or used_at < clock_timestamp() - interval '1 minute')
)
select live.*, (select id from installation) as installation_id from live

-- name: list_live
select c.id from credential c left join workspace w on w.id = c.workspace_id
where c.id = any($1::uuid[]) and c.revoked_at is null and (c.expires_at is null or c.expires_at > clock_timestamp()) and w.removed_at is null

-- name: find_removed_owner
-- A token of a removed workspace: its owner is told 410, not 401.
select w.id from credential c join workspace w on w.id = c.workspace_id where c.digest = $1 and w.removed_at is not null

-- name: insert_credential
insert into credential (id, kind, digest, prefix, workspace_id, person_id, label, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, case when $8::float8 is null then null else clock_timestamp() + make_interval(secs => $8) end)
on conflict (id) do nothing

-- name: insert_workspace_token
-- Not more than the limit of live ones, decided in the statement that inserts.
insert into credential (id, kind, digest, prefix, workspace_id, label)
select $1, 'workspace', $2, $3, w.id, $5 from workspace w
where w.id = $4 and w.removed_at is null
  and (select count(*) from credential c where c.workspace_id = $4 and c.revoked_at is null) < $6
on conflict (id) do nothing
returning id

-- name: insert_operator_credential
insert into credential (id, kind, digest, prefix, label) values ($1, 'operator', $2, $3, $4) on conflict (digest) do nothing

-- name: revoke_other_operators
update credential set revoked_at = clock_timestamp() where kind = 'operator' and label = $1 and digest <> $2 and revoked_at is null

-- name: list_tokens
select id, prefix, label, created_at, used_at, revoked_at from credential
where workspace_id = $1 and revoked_at is null order by created_at, id

-- name: revoke_token
update credential set revoked_at = clock_timestamp() where id = $1 and workspace_id = $2 and revoked_at is null returning id

-- name: revoke_all_tokens
update credential set revoked_at = clock_timestamp() where workspace_id = $1 and revoked_at is null

-- name: revoke_session
update credential set revoked_at = clock_timestamp() where id = $1 and kind = 'session' and revoked_at is null returning id

-- name: list_sessions
select c.id, c.prefix, c.label, c.created_at, c.used_at, c.expires_at, p.name from credential c join person p on p.id = c.person_id
where c.kind = 'session' and c.revoked_at is null and c.expires_at > clock_timestamp() order by c.created_at, c.id

-- name: insert_first_person
insert into person (id, name) select $1, $2 where not exists (select from person)

-- name: find_first_person
select id, name from person order by created_at limit 1

-- name: insert_login_code
insert into login_code (digest, person_id, expires_at) values ($1, $2, clock_timestamp() + make_interval(secs => $3))

-- name: spend_login_code
-- Once: the second use finds nothing.
update login_code set used_at = clock_timestamp() where digest = $1 and used_at is null and expires_at > clock_timestamp() returning person_id

-- name: prune_login_codes
delete from login_code where expires_at < clock_timestamp() - interval '1 day'

-- name: list_preferences
select name, value from preference where owner_id = $1 order by name

-- name: set_preference
-- Not more than $4 of them, decided in the statement that inserts. Nothing at all is a value too: SQL's null stands for that of JSON.
insert into preference (owner_id, name, value)
select $1, $2, coalesce($3::jsonb, 'null')
where (select count(*) from preference where owner_id = $1 and name <> $2) < $4
on conflict (owner_id, name) do update set value = excluded.value
returning name
