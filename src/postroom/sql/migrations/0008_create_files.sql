-- Files, and which messages name them. Written by the slice "files".
--
-- The bytes lie here and not in a directory: one commit, one backup, one permission, any server of the post room (docs/decisions/0017).

create table file (
    id              uuid primary key,
    uploader_kind   text not null check (uploader_kind in ('operator', 'person', 'workspace')),
    uploader_id     uuid not null,
    idempotency_key text check (length(idempotency_key) between 1 and 255),
    name            text not null check (octet_length(name) between 1 and 255),
    media_type      text not null check (length(media_type) between 3 and 255),
    -- Both once all of its bytes are here: a file without them is not there for anybody.
    size            bigint check (size > 0),
    sha256          bytea check (octet_length(sha256) = 32),
    created_at      timestamptz not null default clock_timestamp(),
    -- Until then it is not pruned though no message names it; 'infinity' once the loop has seen that one does.
    keep_until      timestamptz not null default clock_timestamp() + interval '24 hours',
    check ((size is null) = (sha256 is null))
);
create unique index file_key on file (uploader_kind, uploader_id, idempotency_key) where idempotency_key is not null and size is not null;
create index file_kept on file (keep_until) where keep_until < 'infinity';

-- Pieces of 1 MiB, each committed by itself: a transaction as long as an upload would hold up every reader of the feed.
create table file_chunk (
    file_id uuid not null references file on delete cascade,
    number  integer not null,
    content bytea not null check (octet_length(content) between 1 and 1048576),
    primary key (file_id, number)
);
-- Most files are compressed already; trying again costs more than all else about them.
alter table file_chunk alter column content set storage external;

create table attachment (
    file_id    uuid not null references file,
    message_id uuid not null references message,
    primary key (file_id, message_id)
);

-- Whatever way a message is written, the files that it names are attached in the same transaction. The services have looked before whether
-- its sender may name them, so one that is not there now is a fault, and the foreign key stops it. Who names none pays for one look.
create function attach_files() returns trigger language plpgsql as $$
begin
    insert into attachment (file_id, message_id)
    select distinct substr(url #>> '{}', 8)::uuid, new.id
    from jsonb_path_query(new.body, '$.parts[*].url ? (@ like_regex "^/files/[0-9a-f-]{36}$")') url;
    return null;
end $$;
create trigger message_attaches_files after insert on message for each row
    when (new.body @? '$.parts[*].url ? (@ like_regex "^/files/[0-9a-f-]{36}$")') execute function attach_files();

-- Of these the ones that are whole and that the caller may see: those who manage see all, a workspace what it uploaded and what stands in
-- a message that it sent or got. The answer to a message is got by who sent that message.
create function visible_files(p_ids uuid[], p_kind text, p_principal uuid) returns setof file language sql stable as $$
    select f.* from file f
    where f.id = any(p_ids) and f.size is not null and (
        p_kind in ('operator', 'person') or (f.uploader_kind = p_kind and f.uploader_id = p_principal) or exists (
            select from attachment a join message m on m.id = a.message_id left join message asked on asked.id = m.reply_to
            where a.file_id = f.id and p_principal in (m.workspace_id, m.sender_id, asked.sender_id)))
$$;

-- All bytes are here. The row that counts: this one, or the one that was completed under the same key before, which is kept from now on.
create function complete_file(p_id uuid, p_size bigint, p_sha256 bytea) returns setof file language plpgsql as $$
begin
    update file set size = p_size, sha256 = p_sha256 where id = p_id;
    return query select * from file where id = p_id;
exception when unique_violation then
    return query
        update file known set keep_until = greatest(known.keep_until, clock_timestamp() + interval '24 hours')
        from file mine
        where mine.id = p_id and known.size is not null and known.uploader_kind = mine.uploader_kind and known.uploader_id = mine.uploader_id
          and known.idempotency_key = mine.idempotency_key
        returning known.*;
end $$;
