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
