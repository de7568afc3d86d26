-- Slice "files". Writes: file, file_chunk, attachment (messages attach by the trigger of migration 0008).

-- name: insert_file
-- Safe to run again: the server made the id.
insert into file (id, uploader_kind, uploader_id, idempotency_key, name, media_type) values ($1, $2, $3, $4, $5, $6) on conflict (id) do nothing

-- name: insert_chunk
insert into file_chunk (file_id, number, content) values ($1, $2, $3) on conflict do nothing

-- name: complete_file
select id, name, media_type, size, sha256, created_at from complete_file($1, $2, $3)

-- name: delete_file
-- An upload that came to nothing.
delete from file where id = $1 and size is null

-- name: find_file
select id, name, media_type, size, sha256, created_at from visible_files(array[$1::uuid], $2, $3)

-- name: keep_files
-- Of the files that somebody is about to name those that he may; from now on they are kept for long enough to do it.
update file set keep_until = greatest(keep_until, clock_timestamp() + interval '24 hours')
where id = any(array(select v.id from visible_files($1, $2, $3) v))
returning id, name, media_type, size, sha256, created_at

-- name: read_chunk
select content from file_chunk where file_id = $1 and number = $2

-- name: attach_files
insert into attachment (file_id, message_id) select id, $2 from unnest($1::uuid[]) id on conflict do nothing

-- name: prune_files
-- Files whose time is up, $1 at most: what a message names is kept for good, the rest goes, and with it what was never whole. One that is
-- being named at this moment is locked, and looked at the next time.
with due as (
    select id from file where keep_until < clock_timestamp() and keep_until < 'infinity' order by keep_until limit $1 for update skip locked
), named as (
    update file set keep_until = 'infinity' where id = any(array(select id from due where exists (select from attachment a where a.file_id = due.id)))
), gone as (
    delete from file where id = any(array(select id from due where not exists (select from attachment a where a.file_id = due.id)))
)
select count(*) as seen from due
