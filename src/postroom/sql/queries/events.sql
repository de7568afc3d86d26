-- Slice "events". Writes: event, feed_floor.
--
-- "xid" leaves as text, because the driver has no xid8: order by event.xid, never by the bare name, which would be the text.

-- name: insert_event
insert into event (type, workspace_id, peer_id, message_id, actor_kind, actor_id, payload)
values ($1, $2::uuid, nullif($3::uuid, $2::uuid), $4, $5, $6, $7)

-- name: read_all_events
-- $1 xid and $2 id of the cursor, $3 limit. For those who may see everything; below the horizon nothing can appear behind the reader.
select xid::text as xid, id, type, workspace_id, peer_id, message_id, actor_kind, actor_id, payload, at from event
where (xid, id) > ($1::text::xid8, $2::bigint) and xid < pg_snapshot_xmin(pg_current_snapshot())
order by event.xid, event.id limit $3

-- name: read_workspace_events
-- The same for one workspace: what happened to it, and what came of what it sent.
select xid::text as xid, id, type, workspace_id, peer_id, message_id, actor_kind, actor_id, payload, at from (
    (select * from event where workspace_id = $4 and (xid, id) > ($1::text::xid8, $2::bigint)
        and xid < pg_snapshot_xmin(pg_current_snapshot()) order by xid, id limit $3)
    union
    (select * from event where peer_id = $4 and (xid, id) > ($1::text::xid8, $2::bigint)
        and xid < pg_snapshot_xmin(pg_current_snapshot()) order by xid, id limit $3)) both_sides
order by both_sides.xid, both_sides.id limit $3

-- name: read_recent_events
-- Backwards from the newest, a time or a place. $1 workspace, $2 before that time, $3 limit, $4 type, $5 actor kind, $6 peer, $7 xid and $8 id of
-- the place. Times of transactions that run at once are not in the order of the feed: only who goes on from a place passes over nothing. Each
-- side walks its own index: one condition with "or" would look through everybody's events for those of a quiet workspace. No event is on both
-- sides, since nobody is their own peer.
select xid::text as xid, id, type, workspace_id, peer_id, message_id, actor_kind, actor_id, payload, at from (
    (select * from event where $1::uuid is null and ($2::timestamptz is null or at < $2)
        and ($4::text is null or type = $4 or split_part(type, '.', 1) = $4) and ($5::text is null or actor_kind = $5)
        and ($6::uuid is null or peer_id = $6 or workspace_id = $6) and xid < pg_snapshot_xmin(pg_current_snapshot())
        and (xid, id) < (coalesce($7::text, '18446744073709551615')::xid8, coalesce($8::bigint, 9223372036854775807))
        order by xid desc, id desc limit $3)
    union all
    (select * from event where workspace_id = $1 and ($2::timestamptz is null or at < $2)
        and ($4::text is null or type = $4 or split_part(type, '.', 1) = $4) and ($5::text is null or actor_kind = $5)
        and ($6::uuid is null or peer_id = $6 or workspace_id = $6) and xid < pg_snapshot_xmin(pg_current_snapshot())
        and (xid, id) < (coalesce($7::text, '18446744073709551615')::xid8, coalesce($8::bigint, 9223372036854775807))
        order by xid desc, id desc limit $3)
    union all
    (select * from event where peer_id = $1 and ($2::timestamptz is null or at < $2)
        and ($4::text is null or type = $4 or split_part(type, '.', 1) = $4) and ($5::text is null or actor_kind = $5)
        and ($6::uuid is null or peer_id = $6 or workspace_id = $6) and xid < pg_snapshot_xmin(pg_current_snapshot())
        and (xid, id) < (coalesce($7::text, '18446744073709551615')::xid8, coalesce($8::bigint, 9223372036854775807))
        order by xid desc, id desc limit $3)) sides
order by sides.xid desc, sides.id desc limit $3

-- name: read_later_events
-- Forwards from a cursor, with filters. $1 workspace, $2 xid, $3 id, $4 type, $5 actor kind, $6 peer, $7 limit.
select xid::text as xid, id, type, workspace_id, peer_id, message_id, actor_kind, actor_id, payload, at from (
    (select * from event where $1::uuid is null and (xid, id) > ($2::text::xid8, $3::bigint)
        and ($4::text is null or type = $4 or split_part(type, '.', 1) = $4) and ($5::text is null or actor_kind = $5)
        and ($6::uuid is null or peer_id = $6 or workspace_id = $6) and xid < pg_snapshot_xmin(pg_current_snapshot())
        order by xid, id limit $7)
    union all
    (select * from event where workspace_id = $1 and (xid, id) > ($2::text::xid8, $3::bigint)
        and ($4::text is null or type = $4 or split_part(type, '.', 1) = $4) and ($5::text is null or actor_kind = $5)
        and ($6::uuid is null or peer_id = $6 or workspace_id = $6) and xid < pg_snapshot_xmin(pg_current_snapshot())
        order by xid, id limit $7)
    union all
    (select * from event where peer_id = $1 and (xid, id) > ($2::text::xid8, $3::bigint)
        and ($4::text is null or type = $4 or split_part(type, '.', 1) = $4) and ($5::text is null or actor_kind = $5)
        and ($6::uuid is null or peer_id = $6 or workspace_id = $6) and xid < pg_snapshot_xmin(pg_current_snapshot())
        order by xid, id limit $7)) sides
order by sides.xid, sides.id limit $7

-- name: find_horizon
-- Where "from now on" begins, how far back the feed reaches, and the next transaction: a cursor beyond it is from another database.
select pg_snapshot_xmin(pg_current_snapshot())::text as now_xid, pg_snapshot_xmax(pg_current_snapshot())::text as next_xid,
    f.xid::text as floor_xid, f.id as floor_id from feed_floor f

-- name: prune_events
-- From the oldest on, $2 at most, up to the newest position that is older than $1 days; the floor tells readers that fell behind.
with oldest as (
    select xid, id, at from event order by event.xid, event.id limit $2
), cut as (
    select xid, id from oldest where at < clock_timestamp() - make_interval(days => $1) order by oldest.xid desc, oldest.id desc limit 1
), gone as (
    delete from event where (xid, id) <= (select xid, id from cut) returning 1
), floor as (
    update feed_floor set xid = cut.xid, id = cut.id from cut
)
select count(*) as pruned from gone
