-- Slice "delegations". Writes: nothing; a delegation is a message, and is written as one.

-- name: find_delegation
-- $1 delegation, $2 the workspace that delegated it.
select * from delegation where id = $1 and source_id = $2

-- name: list_delegations
-- Of one workspace, the newest first. $2 only those that have not ended, $3 a status, $4 what they are part of, $5 and $6 below that one, $7 limit.
-- Three ways to the page, of which the parameters leave one: by what they are part of; through "work" what is open, however much has ended; and
-- down the index of all. A condition that the parameters may switch off stands where it switches off a whole way: the planner takes any other
-- for one that hardly a row passes, and reads the table.
with page as (
    (select m.id from message m
    where $4::uuid is null and not $2 and coalesce($3::text not in ('accepted', 'handed'), true)
      and m.sender_id = $1 and m.role = 'user' and m.sender_kind = 'workspace' and m.reply_to is null and m.sender_id <> m.workspace_id
      and (m.accepted_at, m.id) < (coalesce($5::timestamptz, 'infinity'), coalesce($6::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
      and ($3 is null or exists (select from outcome o where o.message_id = m.id and delegation_status(o) = $3))
    order by m.accepted_at desc, m.id desc limit $7)
    union all
    (select w.message_id from work w where $4::uuid is null and ($2 or $3 in ('accepted', 'handed')) and w.delegator_id = $1)
    union all
    (select m.id from message m where $4::uuid is not null and m.parent_id = $4)
)
select d.* from page, lateral (select * from delegation d where d.id = page.id limit 1) d
where d.source_id = $1 and (not $2 or d.ended_at is null) and ($3 is null or d.status = $3)
  and ($5 is null or (d.accepted_at, d.id) < ($5, $6))
order by d.accepted_at desc, d.id desc limit $7

-- name: list_open_delegations
-- Of all workspaces, what has not ended, the oldest first; $1 limit.
select w.message_id as id, w.delegator_id as source_id, w.workspace_id as target_id, m.accepted_at
from work w join message m on m.id = w.message_id
where w.delegator_id is not null order by m.accepted_at, m.id limit $1

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
select d.* from (select * from tree where depth > 0 order by depth limit $4) tree, lateral (select * from delegation d where d.id = tree.id limit 1) d
order by tree.depth, d.accepted_at, d.id

-- name: list_orphans
-- Those that are not wanted any more because what they were asked for has ended; $1 at most.
select w.message_id from work w
where w.hangs_on is not null and w.cancel_requested_at is null and not exists (select from work p where p.message_id = w.hangs_on) limit $1
