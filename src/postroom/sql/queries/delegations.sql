-- Slice "delegations". Writes: nothing; a delegation is a message, and is written as one.

-- name: find_delegation
-- $1 delegation, $2 the workspace that delegated it.
select * from delegation where id = $1 and source_id = $2

-- name: list_delegations
-- Of one workspace, the newest first. $2 only those that have not ended, $3 a status, $4 what they are part of, $5 and $6 below that row, $7 limit.
select d.* from delegation d
where d.source_id = $1 and (not $2 or d.ended_at is null) and ($3::text is null or d.status = $3) and ($4::uuid is null or d.parent_id = $4)
  and ($5::timestamptz is null or (d.accepted_at, d.id) < ($5, $6::uuid))
order by d.accepted_at desc, d.id desc limit $7

-- name: list_tree
-- What hangs below a message, parents before children, at most $4. For a workspace ($2 kind, $3 id) as far as it may talk to both ends.
with recursive tree as (
    select m.id, 0 as depth from message m where m.id = $1
    union all
    select m.id, tree.depth + 1 from tree join message m on m.parent_id = tree.id
    join workspace s on s.id = m.sender_id join workspace t on t.id = m.workspace_id
    where m.role = 'user' and ($2::text in ('operator', 'person') or exists (
        select from workspace me where me.id = $3 and may_talk(me, s) and may_talk(me, t)))
)
select d.* from tree join delegation d on d.id = tree.id where tree.depth > 0 order by tree.depth, d.accepted_at, d.id limit $4

-- name: list_orphans
-- Those that are not wanted any more because what they were asked for has ended; $1 at most.
select w.message_id from work w
where w.hangs_on is not null and w.cancel_requested_at is null and not exists (select from work p where p.message_id = w.hangs_on) limit $1
