-- The database server itself. Writes: nothing.

-- name: show_server
select
    current_setting('server_version_num')::integer as version,
    current_setting('fsync')::boolean as fsync,
    current_setting('full_page_writes')::boolean as full_page_writes,
    current_setting('synchronous_commit') as synchronous_commit,
    current_setting('data_checksums')::boolean as data_checksums,
    current_setting('server_encoding') as encoding,
    pg_is_in_recovery() as in_recovery

-- name: read_position
-- Which installation this is, and how far it has come: the newest event, or what was pruned up to.
select (select id from installation limit 1) as installation, pg_is_in_recovery() as replica,
    coalesce(newest.xid, 0) as xid, coalesce(newest.id, 0) as id, f.xid::text::bigint as floor_xid, f.id as floor_id
from feed_floor f left join lateral (
    select event.xid::text::bigint as xid, event.id from event order by event.xid desc, event.id desc limit 1) newest on true

-- name: measure_database
select clock_timestamp() as now, current_setting('server_version') as version, pg_database_size(current_database()) as size_bytes
