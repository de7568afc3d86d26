-- Accept, hand out, finish: each is one call, one transaction, one commit for a whole batch.
--
-- Lock order, everywhere: mailbox rows by workspace_id, then work rows. Claims lock work rows only, with SKIP LOCKED, and never wait.
-- Lock first, then read: a statement's snapshot is older than the lock it waited for. Inside a volatile function every statement has a
-- snapshot of its own, so what follows the locking statement sees what the previous holder committed.

create function lock_mailboxes(p_workspaces uuid[]) returns void language sql as $$
    select from mailbox where workspace_id = any(p_workspaces) order by workspace_id for update
$$;

-- Those that still let their owner in. Asked once for a batch, after the locks: who was let out before is out.
create function live_credentials(p_ids uuid[]) returns uuid[] language plpgsql stable as $$
begin
    return array(select id from credential
        where id = any(p_ids) and revoked_at is null and (expires_at is null or expires_at > clock_timestamp()));
end $$;

create function credential_lives(p_id uuid) returns boolean language sql stable as $$
    select p_id = any(live_credentials(array[p_id]))
$$;

create function note_event(p_type text, p_workspace uuid, p_peer uuid, p_message uuid, p_actor_kind text, p_actor uuid, p_payload jsonb)
returns void language plpgsql as $$
begin
    insert into event (type, workspace_id, peer_id, message_id, actor_kind, actor_id, payload)
    values (p_type, p_workspace, nullif(p_peer, p_workspace), p_message, p_actor_kind, p_actor, jsonb_strip_nulls(p_payload));
end $$;

-- Full jitter: anywhere between (nearly) nothing and base * 2^n, at most the cap (R25).
create function backoff(p_base float8, p_cap float8, p_tries integer) returns interval language sql volatile as $$
    select make_interval(secs => greatest(0.05, random() * least(p_cap, p_base * 2.0 ^ least(p_tries, 30))))
$$;

-- Whether something waits that may come out.
create function has_room(box mailbox) returns boolean language sql immutable as $$
    select box.active_count < box.max_concurrent and box.open_count > box.active_count
$$;

-- Let the next in line out, as far as max_concurrent allows. The caller holds the mailbox.
create function promote_work(p_workspace uuid) returns integer language plpgsql as $$
declare
    box mailbox;
    promoted integer;
begin
    select * into box from mailbox where workspace_id = p_workspace;
    if not has_room(box) then
        return 0;
    end if;
    update work set due_at = greatest(clock_timestamp(), box.unreachable_until), called = box.called
    where message_id = any (array(
        select w.message_id from work w where w.workspace_id = p_workspace and w.due_at = 'infinity'
        order by w.seq limit box.max_concurrent - box.active_count));
    get diagnostics promoted = row_count;
    update mailbox set active_count = active_count + promoted where workspace_id = p_workspace;
    return promoted;
end $$;

-- What ends a message, whoever asks for it: the row leaves "work" and enters "outcome" together with the reply, the event and the
-- promotion of the next in line. The caller holds the mailbox and has locked the work row.
create type ending as (
    state text, reply_id uuid, body jsonb, interrupted text, upstream jsonb, error jsonb, usage jsonb, fingerprint bytea, preview text);

-- An end that the agent had no part in.
create function unanswered(p_state text, p_code text, p_detail text, p_last jsonb default null) returns ending language sql immutable as $$
    select (p_state, null, null, null, null,
            jsonb_strip_nulls(jsonb_build_object('code', p_code, 'detail', p_detail, 'last', p_last)), null, null, null)::ending
$$;

create function close_work(w work, e ending, p_actor_kind text, p_actor uuid, out promoted integer, out ended_at timestamptz)
language plpgsql as $$
declare
    asked message;
    box mailbox;
    reply_seq bigint;
begin
    select * into strict asked from message where id = w.message_id;
    -- The row as it is now: the end of its neighbour a moment ago may have let it out.
    delete from work where message_id = w.message_id returning due_at into strict w.due_at;
    update mailbox set
        open_count = open_count - 1,
        active_count = active_count - (w.due_at < 'infinity')::integer,
        last_seq = last_seq + (e.body is not null)::integer
    where workspace_id = w.workspace_id returning * into box;
    if e.body is not null then
        reply_seq := box.last_seq;
        insert into message (id, workspace_id, seq, role, sender_kind, sender_id, thread_id, task_id, reply_to, body, traceparent)
        values (e.reply_id, w.workspace_id, reply_seq, 'agent', 'workspace', w.workspace_id, asked.thread_id, asked.task_id,
                w.message_id, e.body, asked.traceparent);
    end if;
    ended_at := clock_timestamp();
    insert into outcome (message_id, state, reply_id, interrupted, error, usage, upstream, attempts, fingerprint, ended_at)
    values (w.message_id, e.state, e.reply_id, e.interrupted, e.error, e.usage, e.upstream, w.attempt, e.fingerprint, ended_at);
    perform note_event('message.' || e.state, w.workspace_id,
        case when asked.sender_kind = 'workspace' then asked.sender_id end, w.message_id, p_actor_kind, p_actor,
        jsonb_build_object('seq', reply_seq, 'asked_seq', asked.seq, 'thread_id', asked.thread_id,
            'reply_id', e.reply_id, 'interrupted', e.interrupted, 'error', e.error, 'attempts', w.attempt, 'preview', e.preview));
    promoted := case when has_room(box) then promote_work(w.workspace_id) else 0 end;
end $$;

-- Accept -------------------------------------------------------------------------------------------------------------------------------

-- The task that a follow-up continues: its thread if the sender may and the agent waits for more, else why not.
create function find_task(p_task uuid, p_workspace uuid, p_sender_kind text, p_sender uuid,
    out verdict text, out thread_id text, out upstream jsonb)
language plpgsql stable as $$
declare
    latest uuid;
    ended outcome;
begin
    select m.thread_id into find_task.thread_id from message m
    where m.id = p_task and m.workspace_id = p_workspace and m.role = 'user' and m.sender_kind = p_sender_kind and m.sender_id = p_sender;
    if not found then
        verdict := 'task_not_found';
        return;
    end if;
    select m.id into latest from message m where m.task_id = p_task and m.task_id <> m.id and m.role = 'user' order by m.seq desc limit 1;
    select * into ended from outcome o where o.message_id = coalesce(latest, p_task);
    verdict := case when not found then 'task_busy' when ended.interrupted is null then 'task_ended' end;
    upstream := ended.upstream;
end $$;

-- One row per message to accept; one row back per row given, in order. Verdicts: accepted, duplicate (the same key or id and the same
-- body: the first message's ids), key_reused, unauthenticated, not_found, removed, full, task_not_found, task_ended, task_busy,
-- thread_mismatch. Where "lend" is given and the agent is free, the lease is born with the message: the row carries its token, and where to
-- bring it. (A first try of ours that committed without our hearing of it left a lease that nobody uses; the loop "disown" frees it.)
create function accept_messages(
    p_ids uuid[], p_workspaces uuid[], p_credentials uuid[], p_sender_kinds text[], p_senders uuid[], p_keys text[], p_fingerprints bytea[],
    p_threads text[], p_tasks uuid[], p_bodies jsonb[], p_previews text[], p_traceparents text[], p_deadlines float8[], p_lend boolean[],
    p_server uuid, p_lease float8, p_mailbox_limit integer)
returns table (verdict text, message_id uuid, workspace_id uuid, seq bigint, thread_id text, task_id uuid, accepted_at timestamptz,
    deadline timestamptz, token bigint, lease_until timestamptz, active boolean, called boolean, url text, agent_card jsonb,
    sender_name text, sender_role text, upstream jsonb)
language plpgsql as $$
#variable_conflict use_column
declare
    live uuid[];
    repeats boolean;
    place record;
    source workspace;
    known message;
    lent boolean;
    peer uuid;
begin
    perform lock_mailboxes(p_workspaces);
    live := live_credentials(p_credentials);
    -- A request that is run again, by the caller (same key) or by us (same id), finds what it made. Rare, so looked for in one go.
    -- (The limit keeps the planner from a join over all keys, which a plan made for an empty table would be for good.)
    repeats := exists (select from message m where m.id = any(p_ids))
        or exists (select from unnest(p_sender_kinds, p_senders, p_keys) given (kind, sender, key), lateral (
            select from message m where m.sender_kind = given.kind and m.sender_id = given.sender and m.idempotency_key = given.key limit 1) m);
    for i in 1 .. cardinality(p_ids) loop
        message_id := p_ids[i];
        workspace_id := p_workspaces[i];
        thread_id := p_threads[i];
        task_id := p_tasks[i];
        seq := null; accepted_at := clock_timestamp(); deadline := null; token := null; lease_until := null; active := false; called := false;
        url := null; agent_card := null; sender_name := null; sender_role := null; upstream := null;
        verdict := null; lent := false; known := null;

        if (p_credentials[i] = any(live)) is not true then
            verdict := 'unauthenticated';
            return next;
            continue;
        end if;

        if repeats then
            select * into known from message m
            where m.id = p_ids[i]
               or (m.sender_kind = p_sender_kinds[i] and m.sender_id = p_senders[i] and m.idempotency_key = p_keys[i])
            limit 1;
        end if;
        if known.id is null then
            select b.*, w.removed_at, w.url, w.agent_card into place
            from workspace w join mailbox b on b.workspace_id = w.id where w.id = p_workspaces[i];
            if not found then
                verdict := 'not_found';
            elsif p_sender_kinds[i] = 'workspace' then
                select * into source from workspace w where w.id = p_senders[i] and w.removed_at is null;
                -- A question that finds no answer is a "no": null is not true.
                if (found and may_talk(source, (select w from workspace w where w.id = p_workspaces[i]))) is not true then
                    verdict := 'not_found';
                end if;
            end if;
            if verdict is null and place.removed_at is not null then
                verdict := 'removed';
            end if;
            if verdict is null and p_tasks[i] is not null then
                select f.verdict, f.thread_id, f.upstream into verdict, thread_id, upstream
                from find_task(p_tasks[i], p_workspaces[i], p_sender_kinds[i], p_senders[i]) f;
                if verdict is null and p_threads[i] <> thread_id then
                    verdict := 'thread_mismatch';
                end if;
            end if;
            if verdict is null and place.open_count >= p_mailbox_limit then
                verdict := 'full';
            end if;
            if verdict is not null then
                return next;
                continue;
            end if;

            thread_id := coalesce(thread_id, p_ids[i]::text);
            task_id := coalesce(task_id, p_ids[i]);
            seq := place.last_seq + 1;
            deadline := accepted_at + make_interval(secs => p_deadlines[i]);
            insert into message (id, workspace_id, seq, role, sender_kind, sender_id, thread_id, task_id, idempotency_key, fingerprint, body,
                                 traceparent, deadline, accepted_at)
            values (p_ids[i], p_workspaces[i], seq, 'user', p_sender_kinds[i], p_senders[i], thread_id, task_id, p_keys[i],
                    p_fingerprints[i], p_bodies[i], p_traceparents[i], deadline, accepted_at)
            on conflict (sender_kind, sender_id, idempotency_key) where idempotency_key is not null do nothing;
            if not found then
                -- The same key came earlier in this batch, or was committed by another server for another mailbox while we looked.
                select * into strict known from message m
                where m.sender_kind = p_sender_kinds[i] and m.sender_id = p_senders[i] and m.idempotency_key = p_keys[i];
            end if;
        end if;

        if known.id is not null then
            message_id := known.id;
            workspace_id := known.workspace_id;
            seq := known.seq;
            thread_id := known.thread_id;
            task_id := known.task_id;
            accepted_at := known.accepted_at;
            deadline := known.deadline;
            if known.id <> p_ids[i] and known.fingerprint <> p_fingerprints[i] then
                verdict := 'key_reused';
            else
                verdict := 'duplicate';
            end if;
            return next;
            continue;
        end if;

        verdict := 'accepted';
        active := place.active_count < place.max_concurrent;
        called := place.called;
        lent := active and called and p_lend[i] and not place.paused and coalesce(place.unreachable_until <= accepted_at, true);
        if lent then
            token := 1;
            lease_until := accepted_at + make_interval(secs => p_lease);
            url := place.url;
            agent_card := place.agent_card;
        end if;
        if p_sender_kinds[i] = 'workspace' then
            peer := p_senders[i];
            sender_name := source.name;
            sender_role := source.role;
        else
            peer := null;
        end if;
        insert into work (message_id, workspace_id, seq, due_at, called, leased, token, attempt, holder, deadline, handed_at)
        values (p_ids[i], p_workspaces[i], seq,
                case when lent then lease_until when active then greatest(accepted_at, place.unreachable_until) else 'infinity' end,
                called, lent, lent::integer, lent::integer, case when lent then p_server end, deadline, case when lent then accepted_at end);
        update mailbox b set last_seq = seq, open_count = b.open_count + 1, active_count = b.active_count + active::integer
        where b.workspace_id = p_workspaces[i];
        perform note_event('message.accepted', p_workspaces[i], peer, p_ids[i], p_sender_kinds[i], p_senders[i],
            jsonb_build_object('seq', seq, 'thread_id', thread_id, 'preview', p_previews[i]));
        if lent then
            perform note_event('message.handed', p_workspaces[i], peer, p_ids[i], 'server', p_server,
                jsonb_build_object('attempt', 1, 'thread_id', thread_id));
        end if;
        return next;
    end loop;
end $$;

-- Hand out -----------------------------------------------------------------------------------------------------------------------------

-- What was leased, with what its agent needs to know; the caller puts it in order.
create function read_deliveries(p_messages uuid[])
returns table (message_id uuid, workspace_id uuid, seq bigint, token bigint, attempt integer, lease_until timestamptz, body jsonb,
    thread_id text, task_id uuid, idempotency_key text, deadline timestamptz, traceparent text, sender_kind text, sender_id uuid,
    sender_name text, sender_role text, upstream jsonb)
language sql stable as $$
    select m.id, m.workspace_id, m.seq, w.token, w.attempt, w.due_at, m.body, m.thread_id, m.task_id, m.idempotency_key, m.deadline,
        m.traceparent, m.sender_kind, m.sender_id, coalesce(sw.name, sp.name, 'Operator'), sw.role,
        case when m.task_id <> m.id then (
            select o.upstream from outcome o join message p on p.id = o.message_id
            where (p.id = m.task_id or (p.task_id = m.task_id and p.task_id <> p.id and p.role = 'user')) and p.seq < m.seq
            order by p.seq desc limit 1) end
    from message m left join work w on w.message_id = m.id
    left join workspace sw on m.sender_kind = 'workspace' and sw.id = m.sender_id
    left join person sp on m.sender_kind = 'person' and sp.id = m.sender_id
    where m.id = any(p_messages)
$$;

-- Leases for agents that fetch, by the number of the asking claim. The oldest first; never more than max_concurrent are out at a time.
-- Verdicts: leased; a claim that may not be made has one row without a message: unauthenticated, called (its post is brought to a URL).
create function claim_post(p_workspaces uuid[], p_credentials uuid[], p_max integer[], p_leases float8[], p_attempt_limit integer)
returns table (item integer, verdict text, lost boolean, message_id uuid, workspace_id uuid, seq bigint, token bigint, attempt integer,
    lease_until timestamptz, body jsonb, thread_id text, task_id uuid, idempotency_key text, deadline timestamptz, traceparent text,
    sender_kind text, sender_id uuid, sender_name text, sender_role text, upstream jsonb)
language plpgsql as $$
#variable_conflict use_column
declare
    live uuid[] := live_credentials(p_credentials);
    box mailbox;
    moment timestamptz;
    held work;
    items integer[] := '{}';
    taken uuid[] := '{}';
    losses boolean[] := '{}';
begin
    for i in 1 .. cardinality(p_workspaces) loop
        item := i;
        moment := clock_timestamp();
        select * into box from mailbox b where b.workspace_id = p_workspaces[i];
        verdict := case when (p_credentials[i] = any(live)) is not true then 'unauthenticated' when box.called then 'called' end;
        if verdict is not null then
            return next;
            continue;
        end if;
        continue when box.paused or box.active_count = 0;
        for held in
            select w.* from work w join mailbox b on b.workspace_id = w.workspace_id
            where w.workspace_id = p_workspaces[i] and w.due_at < 'infinity' and w.due_at <= moment and not w.called and not b.paused
              and w.deadline > moment and w.attempt < p_attempt_limit and w.cancel_requested_at is null
            order by w.seq limit p_max[i] for update of w skip locked
        loop
            update work w set leased = true, token = w.token + 1, attempt = w.attempt + 1, holder = null,
                handed_at = coalesce(w.handed_at, moment), due_at = moment + make_interval(secs => p_leases[i])
            where w.message_id = held.message_id;
            items := items || i;
            taken := taken || held.message_id;
            losses := losses || held.leased;
        end loop;
    end loop;
    if cardinality(taken) = 0 then
        return;
    end if;
    insert into event (type, workspace_id, peer_id, message_id, actor_kind, actor_id, payload)
    select 'message.handed', m.workspace_id, case when m.sender_kind = 'workspace' then nullif(m.sender_id, m.workspace_id) end, m.id,
           'workspace', m.workspace_id, jsonb_build_object('attempt', w.attempt, 'thread_id', m.thread_id)
    from message m join work w on w.message_id = m.id where m.id = any(taken);
    return query
        select c.item, 'leased', c.lost, d.* from unnest(items, taken, losses) c (item, message_id, lost)
        join read_deliveries(taken) d on d.message_id = c.message_id order by c.item, d.seq;
end $$;

-- Finish -------------------------------------------------------------------------------------------------------------------------------

-- By token: the end of a hand-out. One row back per row given, in order. Verdicts: done, same (this very reply has already taken effect),
-- superseded (the message ended another way), lease_lost (another hand-out counts), unauthenticated, not_found.
create function finish_work(
    p_messages uuid[], p_workspaces uuid[], p_credentials uuid[], p_tokens bigint[], p_states text[], p_replies uuid[], p_bodies jsonb[],
    p_interrupted text[], p_upstreams jsonb[], p_errors jsonb[], p_usages jsonb[], p_fingerprints bytea[], p_previews text[])
returns table (verdict text, message_id uuid, workspace_id uuid, promoted integer, called boolean, attempts integer, ended_at timestamptz)
language plpgsql as $$
#variable_conflict use_column
declare
    live uuid[];
    box mailbox;
    w work;
    ended outcome;
    e ending;
begin
    perform lock_mailboxes(p_workspaces);
    live := live_credentials(p_credentials);
    for i in 1 .. cardinality(p_messages) loop
        message_id := p_messages[i];
        workspace_id := p_workspaces[i];
        promoted := 0;
        attempts := null;
        ended_at := null;
        select * into box from mailbox b where b.workspace_id = p_workspaces[i];
        called := box.called;
        -- Our own calls carry no credential: the lease is theirs.
        if (p_credentials[i] is null or p_credentials[i] = any(live)) is not true then
            verdict := 'unauthenticated';
            return next;
            continue;
        end if;
        select * into w from work where work.message_id = p_messages[i] and work.workspace_id = p_workspaces[i] for update;
        if found and w.token = p_tokens[i] then
            verdict := 'done';
            e := (p_states[i], p_replies[i], p_bodies[i], p_interrupted[i], p_upstreams[i], p_errors[i], p_usages[i], p_fingerprints[i],
                  p_previews[i]);
            attempts := w.attempt;
            select c.promoted, c.ended_at into promoted, ended_at from close_work(w, e, 'workspace', p_workspaces[i]) c;
            if box.failures > 0 then
                update mailbox b set failures = 0, unreachable_until = null where b.workspace_id = p_workspaces[i];
            end if;
            return next;
            continue;
        end if;
        select o.* into ended from outcome o join message m on m.id = o.message_id
        where o.message_id = p_messages[i] and m.workspace_id = p_workspaces[i];
        verdict := case
            when w.message_id is not null then 'lease_lost'
            when ended.message_id is null then 'not_found'
            when ended.fingerprint = p_fingerprints[i] then 'same'
            else 'superseded' end;
        if verdict in ('lease_lost', 'superseded') then
            perform note_event('message.late', p_workspaces[i], null, p_messages[i], 'workspace', p_workspaces[i],
                jsonb_build_object('token', p_tokens[i], 'state', p_states[i], 'preview', p_previews[i], 'error', p_errors[i],
                    'message', case when length(p_bodies[i]::text) < 262144 then p_bodies[i] end));
        end if;
        return next;
    end loop;
end $$;

-- By token: a hand-out that brought no end. Kinds: retry (it counts, back-off), not_handed (the agent was not reached: it does not count and
-- the whole mailbox pauses), release (given back unused). Verdicts: done, failed (that was the last attempt), cancelled (a cancel had been
-- asked for), same, lease_lost, superseded, unauthenticated, not_found.
create function return_work(
    p_messages uuid[], p_workspaces uuid[], p_credentials uuid[], p_tokens bigint[], p_kinds text[], p_errors jsonb[],
    p_attempt_limit integer, p_backoff float8, p_backoff_cap float8)
returns table (verdict text, message_id uuid, workspace_id uuid, promoted integer, called boolean)
language plpgsql as $$
#variable_conflict use_column
declare
    w work;
    box mailbox;
    e ending;
    again timestamptz;
    peer uuid;
    live uuid[];
begin
    perform lock_mailboxes(p_workspaces);
    live := live_credentials(p_credentials);
    for i in 1 .. cardinality(p_messages) loop
        message_id := p_messages[i];
        workspace_id := p_workspaces[i];
        promoted := 0;
        select * into box from mailbox b where b.workspace_id = p_workspaces[i];
        called := box.called;
        if (p_credentials[i] is null or p_credentials[i] = any(live)) is not true then
            verdict := 'unauthenticated';
            return next;
            continue;
        end if;
        select * into w from work where work.message_id = p_messages[i] and work.workspace_id = p_workspaces[i] for update;
        if not found then
            verdict := case when exists (select from outcome o join message m on m.id = o.message_id
                where o.message_id = p_messages[i] and m.workspace_id = p_workspaces[i]) then 'superseded' else 'not_found' end;
        elsif w.token <> p_tokens[i] then
            verdict := 'lease_lost';
        elsif not w.leased then
            verdict := 'same';
        elsif w.cancel_requested_at is not null then
            verdict := 'cancelled';
            e := unanswered('cancelled', 'cancelled', 'Cancelled by its sender.');
            promoted := (close_work(w, e, 'workspace', p_workspaces[i])).promoted;
        elsif p_kinds[i] = 'retry' and w.attempt >= p_attempt_limit then
            verdict := 'failed';
            e := unanswered('failed', 'attempts_exhausted', format('Handed out %s times without an answer.', w.attempt), p_errors[i]);
            promoted := (close_work(w, e, 'workspace', p_workspaces[i])).promoted;
        else
            verdict := 'done';
            select case when m.sender_kind = 'workspace' then m.sender_id end into peer from message m where m.id = p_messages[i];
            again := clock_timestamp() + case p_kinds[i]
                when 'retry' then backoff(p_backoff, p_backoff_cap, w.attempt - 1)
                when 'not_handed' then backoff(p_backoff, p_backoff_cap, box.failures)
                else interval '0' end;
            update work set leased = false, holder = null, due_at = again, last_error = coalesce(p_errors[i], last_error),
                attempt = attempt - (p_kinds[i] <> 'retry')::integer,
                -- An agent that was never reached was never handed anything.
                handed_at = case when p_kinds[i] = 'retry' or w.attempt > 1 then handed_at end
            where work.message_id = p_messages[i];
            if p_kinds[i] = 'not_handed' then
                update mailbox b set failures = b.failures + 1, unreachable_until = again where b.workspace_id = p_workspaces[i];
                update work set due_at = greatest(work.due_at, again)
                where work.workspace_id = p_workspaces[i] and work.due_at < 'infinity' and not work.leased;
            end if;
            perform note_event(case p_kinds[i] when 'release' then 'message.released' else 'message.retrying' end, p_workspaces[i], peer,
                p_messages[i], 'workspace', p_workspaces[i], jsonb_build_object('attempt', w.attempt, 'error', p_errors[i], 'due_at', again,
                    'reached', p_kinds[i] <> 'not_handed'));
        end if;
        return next;
    end loop;
end $$;

-- Cancel is a compare-and-set: what nobody holds ends at once, what is out is marked and its holder told. Verdicts: cancelled, requested,
-- ended, not_found.
create function cancel_work(p_message uuid, p_actor_kind text, p_actor uuid)
returns table (verdict text, workspace_id uuid, holder uuid, promoted integer, called boolean) language plpgsql as $$
#variable_conflict use_column
declare
    w work;
    e ending;
    peer uuid;
begin
    select m.workspace_id, case when m.sender_kind = 'workspace' then m.sender_id end into workspace_id, peer from message m where m.id = p_message;
    promoted := 0;
    perform lock_mailboxes(array[workspace_id]);
    select b.called into called from mailbox b where b.workspace_id = cancel_work.workspace_id;
    select * into w from work where work.message_id = p_message for update;
    if not found then
        verdict := case when exists (select from outcome o where o.message_id = p_message) then 'ended' else 'not_found' end;
    elsif not w.leased or w.due_at <= clock_timestamp() then
        verdict := 'cancelled';
        e := unanswered('cancelled', 'cancelled', 'Cancelled by its sender.');
        promoted := (close_work(w, e, p_actor_kind, p_actor)).promoted;
    else
        verdict := 'requested';
        holder := w.holder;
        if w.cancel_requested_at is null then
            update work set cancel_requested_at = clock_timestamp() where work.message_id = p_message;
            perform note_event('message.cancel_requested', workspace_id, peer, p_message, p_actor_kind, p_actor, '{}');
        end if;
    end if;
    return next;
end $$;

-- The ends that time brings: past the deadline; out of attempts with the last lease run out; cancel asked for and the lease run out.
create function reap_work(p_attempt_limit integer, p_most integer)
returns table (message_id uuid, workspace_id uuid, state text, promoted integer, called boolean) language plpgsql as $$
#variable_conflict use_column
declare
    due uuid[];
    boxes uuid[];
    moment timestamptz := clock_timestamp();
    w work;
    works work[];
    e ending;
begin
    select array_agg(c.message_id), array_agg(c.workspace_id) into due, boxes from (
        (select w.message_id, w.workspace_id from work w where w.deadline <= moment order by w.deadline limit p_most)
        union
        (select w.message_id, w.workspace_id from work w
         where w.leased and w.due_at <= moment and (w.attempt >= p_attempt_limit or w.cancel_requested_at is not null)
         order by w.due_at limit p_most)) c;
    perform lock_mailboxes(boxes);
    -- All of them before the first ends: that lets the next out, and a cursor passes over a row that its own transaction has changed.
    works := array(select k from work k where k.message_id = any(due) order by k.workspace_id, k.seq for update);
    foreach w in array works loop
        moment := clock_timestamp();
        if w.deadline <= moment then
            e := unanswered('expired', 'expired', 'The deadline passed without an answer.', w.last_error);
        elsif w.leased and w.due_at <= moment and w.cancel_requested_at is not null then
            e := unanswered('cancelled', 'cancelled', 'Cancelled by its sender.');
        elsif w.leased and w.due_at <= moment and w.attempt >= p_attempt_limit then
            e := unanswered('failed', 'attempts_exhausted', format('Handed out %s times without an answer.', w.attempt), w.last_error);
        else
            continue;
        end if;
        message_id := w.message_id;
        workspace_id := w.workspace_id;
        state := e.state;
        promoted := (close_work(w, e, 'server', null)).promoted;
        select b.called into called from mailbox b where b.workspace_id = w.workspace_id;
        return next;
    end loop;
end $$;

-- A removed workspace answers nobody any more: everything unfinished fails, and its senders see why.
create function fail_mailbox(p_workspace uuid, p_most integer) returns setof uuid language plpgsql as $$
declare
    w work;
    works work[];
    e ending;
begin
    perform lock_mailboxes(array[p_workspace]);
    update mailbox set paused = true where workspace_id = p_workspace;
    works := array(select k from work k where k.workspace_id = p_workspace order by k.seq limit p_most for update);
    foreach w in array works loop
        e := unanswered('failed', 'workspace_removed', 'The workspace was removed before it answered.');
        perform close_work(w, e, 'server', null);
        return next w.message_id;
    end loop;
end $$;

-- A notice: an agent tells its people something nobody asked for.
-- The same id or key again is the same notice, the same key with another body (or of a message) is not.
create function post_notice(
    p_id uuid, p_workspace uuid, p_key text, p_fingerprint bytea, p_thread text, p_body jsonb, p_preview text, p_traceparent text)
returns table (verdict text, message_id uuid, seq bigint, thread_id text) language plpgsql as $$
#variable_conflict use_column
declare
    known message;
begin
    perform lock_mailboxes(array[p_workspace]);
    select * into known from message m
    where m.id = p_id or (m.sender_kind = 'workspace' and m.sender_id = p_workspace and m.idempotency_key = p_key) limit 1;
    if found then
        return query select case when known.fingerprint = p_fingerprint then 'duplicate' else 'key_reused' end,
            known.id, known.seq, known.thread_id;
        return;
    end if;
    update mailbox set last_seq = last_seq + 1 where workspace_id = p_workspace returning last_seq into seq;
    insert into message (id, workspace_id, seq, role, sender_kind, sender_id, thread_id, task_id, idempotency_key, fingerprint, body, traceparent)
    values (p_id, p_workspace, seq, 'agent', 'workspace', p_workspace, p_thread, p_id, p_key, p_fingerprint, p_body, p_traceparent);
    perform note_event('notice.posted', p_workspace, null, p_id, 'workspace', p_workspace,
        jsonb_build_object('seq', seq, 'thread_id', p_thread, 'preview', p_preview));
    return query select 'accepted', p_id, seq, p_thread;
end $$;
