-- Slice "registry". Writes: workspace, presence. Lock order: workspace rows before mailbox rows; moves lock the whole tree.

-- name: lock_tree
-- Moves in the tree are rare and must see each other: one at a time, and no insert under a parent that is moving.
select pg_advisory_xact_lock(7077240001)

-- name: insert_workspace
insert into workspace (id, name, role, parent_id, ancestors, delivery_mode, url, agent_card, metadata)
select $1, $2, $3, $4, case when $4::uuid is null then '{}' else p.ancestors || p.id end, $5, $6, $7, $8
from (select 1) one left join workspace p on p.id = $4 and p.removed_at is null
where $4::uuid is null or p.id is not null
on conflict (id) do nothing

-- name: insert_presence
insert into presence (workspace_id) values ($1) on conflict do nothing

-- name: list_workspaces
-- What the caller may see: everything for the operator and people, itself and its peers for a workspace.
select w.id, w.name, w.role, w.parent_id, w.delivery_mode, w.url, w.agent_card, w.metadata, w.x, w.y, w.collapsed, w.created_at,
    w.registered_at, w.removed_at, b.max_concurrent, b.paused, b.open_count, b.active_count, b.failures, b.unreachable_until,
    p.status, p.seen_at, p.active_tasks, p.current_task, p.error_rate, p.sample_error, p.uptime_seconds,
    (select count(*)::int from work k where k.workspace_id = w.id and k.due_at < 'infinity' and k.leased) as leased_count
from workspace w join mailbox b on b.workspace_id = w.id join presence p on p.workspace_id = w.id
left join workspace me on me.id = $2 and me.removed_at is null
where ($1::text <> 'workspace' or (me.id is not null and may_talk(me, w)))
  and ($3::uuid is null or w.id = $3)
  and (w.removed_at is null or $4)
  and ($5::text is null or w.name ilike $5 or w.role ilike $5)
order by w.created_at, w.id

-- name: find_removed
select w.id from workspace w left join workspace me on me.id = $2 and me.removed_at is null
where w.id = $3 and w.removed_at is not null and ($1::text <> 'workspace' or (me.id is not null and may_talk(me, w)))

-- name: find_relation
select may_talk(a, b) as allowed from workspace a, workspace b
where a.id = $1 and b.id = $2 and a.removed_at is null and b.removed_at is null

-- name: lock_workspace
-- Not FOR UPDATE: an accept that holds the mailbox takes a key share of this row for its foreign key.
select id, name, role, parent_id, ancestors, delivery_mode, url, x, y, collapsed, agent_card from workspace
where id = $1 and removed_at is null for no key update

-- name: update_workspace
update workspace set name = $2, role = $3, delivery_mode = $4, url = $5, x = $6, y = $7, collapsed = $8, metadata = coalesce($9, metadata)
where id = $1

-- name: find_parent
select id, ancestors from workspace where id = $1 and removed_at is null

-- name: measure_depth
select coalesce(max(cardinality(ancestors)), cardinality($2::uuid[])) - cardinality($2::uuid[]) as depth from workspace where $1 = any(ancestors)

-- name: move_workspace
update workspace set parent_id = $2, ancestors = $3 where id = $1

-- name: move_descendants
-- Everything below keeps its path from the moved one on.
update workspace set ancestors = $2::uuid[] || ancestors[array_position(ancestors, $1) :] where $1 = any(ancestors)

-- name: list_children
select id, name from workspace where parent_id = $1 and removed_at is null order by created_at, id

-- name: list_subtree
-- Deepest first, so that no child outlives its parent.
select id, name from workspace where (id = $1 or $1 = any(ancestors)) and removed_at is null order by cardinality(ancestors) desc, id

-- name: mark_removed
update workspace set removed_at = clock_timestamp() where id = $1 and removed_at is null returning id

-- name: register_workspace
update workspace set agent_card = $2, url = coalesce($3, url), delivery_mode = $4, registered_at = clock_timestamp() where id = $1

-- name: update_card
update workspace set agent_card = $2 where id = $1 and removed_at is null returning id

-- name: lock_presence
select status, beats from presence where workspace_id = $1 for update

-- name: update_presence
update presence set status = $2, seen_at = clock_timestamp(), beats = beats or $3, active_tasks = coalesce($4, active_tasks), current_task = $5,
    error_rate = coalesce($6, error_rate), sample_error = $7, uptime_seconds = coalesce($8, uptime_seconds)
where workspace_id = $1

-- name: touch_presence
-- Any sign of life counts; written at most every five seconds, at once when it changes what people see.
with stale as (
    select workspace_id, status from presence
    where workspace_id = any($1::uuid[])
      and (seen_at is null or seen_at < clock_timestamp() - interval '5 seconds' or status = 'offline')
    order by workspace_id for update
)
update presence p set seen_at = clock_timestamp(), status = case p.status when 'offline' then 'online' else p.status end
from stale where p.workspace_id = stale.workspace_id
returning p.workspace_id, stale.status = 'offline' as came_online

-- name: mark_silent
-- Fetching agents, and called ones that send heartbeats, are offline when nothing was heard of them; called ones when they can not be reached.
update presence p set status = 'offline', active_tasks = 0, current_task = null
from workspace w join mailbox b on b.workspace_id = w.id
where w.id = p.workspace_id and p.status <> 'offline' and w.removed_at is null
  and (((p.beats or w.delivery_mode = 'poll') and p.seen_at < clock_timestamp() - make_interval(secs => $1)) or b.failures >= 3)
returning p.workspace_id
