-- Accept, hand out, finish: each is one call, one transaction, one commit for a whole batch.
--
-- Lock order, everywhere: mailbox rows by workspace_id, then work rows. Claims lock work rows only, with SKIP LOCKED, and never wait.
-- Lock first, then read: a statement's snapshot is older than the lock it waited for. Inside a volatile function every statement has a
-- snapshot of its own, so what follows the locking statement sees what the previous holder committed.

create function lock_mailboxes(p_workspaces uuid[]) returns void language sql as $$
    select from mailbox where workspace_id = any(p_workspaces) order by workspace_id for update
$$;

-- The same before messages end: with those that hear of the end in their own mailbox. Who that is never changes, so it may be read before.
create function lock_ends(p_workspaces uuid[], p_messages uuid[]) returns void language sql as $$
    select lock_mailboxes(p_workspaces || array(
        select m.sender_id from unnest(p_messages) k (id), lateral (select m.sender_id from message m where m.id = k.id and m.report limit 1) m))
$$;

-- Those that still let their owner in. Asked once for a batch, after the locks: who was let out before is out.
create function live_credentials(p_ids uuid[]) returns uuid[] language plpgsql stable as $$
begin
    -- Our own calls come without one.
    if cardinality(array_remove(p_ids, null)) = 0 then
        return '{}';
    end if;
    return array(select id from credential
        where id = any(p_ids) and revoked_at is null and (expires_at is null or expires_at > clock_timestamp()));
end $$;

create function credential_lives(p_id uuid) returns boolean language sql stable as $$
    select p_id = any(live_credentials(array[p_id]))
$$;

create function event_of(p_type text, p_workspace uuid, p_peer uuid, p_message uuid, p_actor_kind text, p_actor uuid, p_payload jsonb)
returns event language plpgsql as $$
declare
    made event;
begin
    made.type := p_type;
    made.workspace_id := p_workspace;
    made.peer_id := nullif(p_peer, p_workspace);
    made.message_id := p_message;
    made.actor_kind := p_actor_kind;
    made.actor_id := p_actor;
    made.payload := jsonb_strip_nulls(p_payload);
    return made;
end $$;

-- In the order given.
create function note_events(p_events event[]) returns void language plpgsql as $$
begin
    insert into event (type, workspace_id, peer_id, message_id, actor_kind, actor_id, payload)
    select e.type, e.workspace_id, e.peer_id, e.message_id, e.actor_kind, e.actor_id, e.payload from unnest(p_events) e;
end $$;

create function note_event(p_type text, p_workspace uuid, p_peer uuid, p_message uuid, p_actor_kind text, p_actor uuid, p_payload jsonb)
returns void language plpgsql as $$
begin
    perform note_events(array[event_of(p_type, p_workspace, p_peer, p_message, p_actor_kind, p_actor, p_payload)]);
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

-- Ends that their delegators asked to be told of, as post in the mailboxes of these. It is refused by no limit: open delegations are limited,
-- and whose mailbox is full delegates nothing. It waits there for as long as any message may (30 days). The caller holds the mailboxes.
create function post_ends(p_ended outcome[]) returns table (message_id uuid, reader uuid, active boolean, called boolean) language plpgsql as $$
#variable_conflict use_column
declare
    asked message;
    ended outcome;
    box mailbox;
    posted uuid;
    thread text;
    content jsonb;
begin
    foreach ended in array p_ended loop
        select * into asked from message m where m.id = ended.message_id;
        select b.* into box from mailbox b join workspace w on w.id = b.workspace_id where w.id = asked.sender_id and w.removed_at is null;
        continue when not found;
        posted := gen_random_uuid();
        thread := coalesce((select m.thread_id from message m where m.id = asked.parent_id), asked.thread_id);
        content := coalesce((select m.body from message m where m.id = ended.reply_id),
            jsonb_build_object('parts', jsonb_build_array(jsonb_build_object('text', ended.error ->> 'detail'))));
        active := box.active_count < box.max_concurrent;
        insert into message (id, workspace_id, seq, role, sender_kind, sender_id, thread_id, task_id, reply_to, body, traceparent, deadline, chain, report,
            strand)
        values (posted, box.workspace_id, box.last_seq + 1, 'user', 'workspace', asked.workspace_id, thread, posted, asked.id,
            content || jsonb_build_object('role', 'ROLE_USER', 'messageId', posted), asked.traceparent,
            clock_timestamp() + interval '30 days', trim_array(asked.chain, 1), false, 'agents');
        insert into work (message_id, workspace_id, seq, due_at, called, deadline)
        values (posted, box.workspace_id, box.last_seq + 1, case when active then greatest(clock_timestamp(), box.unreachable_until) else 'infinity' end,
            box.called, clock_timestamp() + interval '30 days');
        update mailbox b set last_seq = b.last_seq + 1, open_count = b.open_count + 1, active_count = b.active_count + active::integer
        where b.workspace_id = box.workspace_id;
        perform note_event('message.accepted', box.workspace_id, asked.workspace_id, posted, 'workspace', asked.workspace_id,
            jsonb_build_object('seq', box.last_seq + 1, 'thread_id', thread, 'report_of', asked.id,
                'preview', left(content #>> '{parts,0,text}', 280)));
        message_id := ended.message_id;
        reader := box.workspace_id;
        called := box.called;
        return next;
    end loop;
end $$;

-- What ends messages, whoever asks for it: their rows leave "work" and enter "outcome" together with the replies, the events and the
-- promotion of who is next in line. The caller holds the mailboxes and has locked the work rows.
create type ending as (
    state text, reply_id uuid, body jsonb, interrupted text, upstream jsonb, error jsonb, usage jsonb, fingerprint bytea, preview text);

-- An end that the agent had no part in.
create function unanswered(p_state text, p_code text, p_detail text, p_last jsonb default null) returns ending language sql immutable as $$
    select (p_state, null, null, null, null,
            jsonb_strip_nulls(jsonb_build_object('code', p_code, 'detail', p_detail, 'last', p_last)), null, null, null)::ending
$$;

-- One row back per row given; "promoted" is how many its mailbox let out, "reader" whose own mailbox has let out the news. A workspace that is not named is the mailbox's own.
-- "reached": the agent itself has just been heard of, so its mailbox is not unreachable any more.
create function close_work(p_works work[], p_ends ending[], p_actor_kind text, p_actor uuid, p_reached boolean default false)
returns table (message_id uuid, workspace_id uuid, state text, attempts integer, ended_at timestamptz, promoted integer, called boolean,
    reader uuid, reader_called boolean)
language plpgsql as $$
#variable_conflict use_column
declare
    one record;
    boxes mailbox[];
    awaited outcome[] := '{}';
    reply message;
    replies message[] := '{}';
    ended outcome;
    outcomes outcome[] := '{}';
    dead boolean := false;
    noted event;
    events event[] := '{}';
begin
    delete from work w where w.message_id = any(array(select k.message_id from unnest(p_works) k));
    for one in
        select w.message_id, w.workspace_id, w.attempt, p_ends[w.ordinality::integer] as ending, m.sender_kind, m.sender_id, m.thread_id, m.task_id, m.seq, m.traceparent, m.report, m.strand,
            b.last_seq + count(*) filter (where (p_ends[w.ordinality::integer]).body is not null)
                over (partition by w.workspace_id order by w.ordinality) as reply_seq
        from unnest(p_works) with ordinality w,
        lateral (select * from message m where m.id = w.message_id limit 1) m,
        lateral (select * from mailbox b where b.workspace_id = w.workspace_id limit 1) b
        order by w.ordinality
    loop
        if (one.ending).body is not null then
            reply.id := (one.ending).reply_id;
            reply.workspace_id := one.workspace_id;
            reply.seq := one.reply_seq;
            reply.role := 'agent';
            reply.sender_kind := 'workspace';
            reply.sender_id := one.workspace_id;
            reply.thread_id := one.thread_id;
            reply.task_id := one.task_id;
            reply.reply_to := one.message_id;
            reply.body := (one.ending).body;
            reply.traceparent := one.traceparent;
            reply.accepted_at := clock_timestamp();
            reply.chain := '{}';
            reply.report := false;
            reply.strand := case one.strand when 'from_people' then 'to_people' else 'agents' end;
            replies := replies || reply;
        end if;
        ended.message_id := one.message_id;
        ended.state := (one.ending).state;
        ended.reply_id := (one.ending).reply_id;
        ended.interrupted := (one.ending).interrupted;
        ended.error := (one.ending).error;
        ended.usage := (one.ending).usage;
        ended.upstream := (one.ending).upstream;
        ended.attempts := one.attempt;
        ended.fingerprint := (one.ending).fingerprint;
        ended.ended_at := clock_timestamp();
        outcomes := outcomes || ended;
        dead := dead or ended.state in ('failed', 'expired');
        if one.report then
            awaited := awaited || ended;
        end if;
        noted := event_of('message.' || ended.state, one.workspace_id, case when one.sender_kind = 'workspace' then one.sender_id end,
            one.message_id, p_actor_kind, coalesce(p_actor, case when p_actor_kind = 'workspace' then one.workspace_id end),
            jsonb_build_object('seq', case when (one.ending).body is not null then one.reply_seq end, 'asked_seq', one.seq,
                'thread_id', one.thread_id, 'reply_id', ended.reply_id, 'interrupted', ended.interrupted, 'error', ended.error,
                'attempts', one.attempt, 'preview', (one.ending).preview));
        events := events || noted;
    end loop;
    insert into message select * from unnest(replies);
    insert into outcome select * from unnest(outcomes);
    if dead then
        insert into dead_letter (message_id, workspace_id, ended_at)
        select o.message_id, w.workspace_id, o.ended_at from unnest(outcomes) o join unnest(p_works) w on w.message_id = o.message_id
        where o.state in ('failed', 'expired');
    end if;
    perform note_events(events);
    with settled as (
        update mailbox b set
            open_count = b.open_count - g.closed,
            active_count = b.active_count - g.active,
            last_seq = b.last_seq + coalesce(r.said, 0),
            failures = case when p_reached then 0 else b.failures end,
            unreachable_until = case when p_reached then null else b.unreachable_until end
        from (select k.workspace_id, count(*) as closed, count(*) filter (where k.due_at < 'infinity') as active
              from unnest(p_works) k group by k.workspace_id) g
        left join (select k.workspace_id, count(*) as said from unnest(replies) k group by k.workspace_id) r on r.workspace_id = g.workspace_id
        where b.workspace_id = g.workspace_id
        returning b
    )
    select array_agg(s.b) into boxes from settled s;
    return query
        with box as materialized (
            select b.workspace_id, b.called, case when has_room(b) then promote_work(b.workspace_id) else 0 end as promoted from unnest(boxes) b
        )
        select o.message_id, g.workspace_id, o.state, o.attempts, o.ended_at, x.promoted, x.called, n.reader, n.called
        from unnest(outcomes) o join unnest(p_works) g on g.message_id = o.message_id join box x on x.workspace_id = g.workspace_id
        left join post_ends(awaited) n on n.message_id = o.message_id and n.active;
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

-- Names to ids, in their order.
create function named_chain(p_chain uuid[]) returns jsonb language sql stable as $$
    select coalesce(jsonb_agg(jsonb_build_object('id', w.id, 'name', w.name) order by c.place), '[]')
    from unnest(p_chain) with ordinality c (id, place) join workspace w on w.id = c.id
$$;

-- Whether a workspace may delegate this, and as part of what: of the message that it names, else of the one with the longest chain among
-- those that it holds: who names nothing may not more by that. The rights of a chain are the intersection of those of its links
-- (reliability.md, S3); whoever asks somebody may have him ask his own team, which is what stands below him. A post that tells of an end
-- stands for the message that the delegation was part of. The caller holds the mailbox of the sender, so neither the count of its
-- delegations nor the message that it works on changes meanwhile.
create function place_delegation(p_source workspace, p_target workspace, p_named uuid, p_report boolean, p_waiting bigint,
    p_mailbox_limit integer, p_most integer, p_deepest integer, out verdict text, out held_id uuid, out parent_id uuid, out chain uuid[])
language plpgsql stable as $$
declare
    held message;
begin
    select m.* into held from work w join message m on m.id = w.message_id
    where w.workspace_id = p_source.id and (w.message_id = p_named or (p_named is null and w.leased))
    order by cardinality(m.chain) desc, w.seq limit 1;
    held_id := held.id;
    parent_id := case when held.reply_to is null then held.id else (select m.parent_id from message m where m.id = held.reply_to) end;
    chain := coalesce(held.chain, '{}') || p_source.id;
    verdict := case
        when p_named is not null and held.id is null then 'parent_ended'
        when p_target.id = any(held.chain) then 'cycle'
        when cardinality(chain) > p_deepest then 'too_deep'
        when exists (
            select from unnest(held.chain) with ordinality link (id, place) left join workspace w on w.id = link.id
            where (w.removed_at is null and (may_talk(w, p_target) or p_target.ancestors && chain[link.place + 1:])) is not true)
            then 'chain_forbidden'
        when p_waiting + (select count(*) from work w where w.delegator_id = p_source.id) >= p_most then 'too_many'
        when p_report and (select b.open_count from mailbox b where b.workspace_id = p_source.id) >= p_mailbox_limit then 'reader_full' end;
end $$;

-- One row per message to accept; one row back per row given, in order. Verdicts: accepted, duplicate (the same key or id and the same
-- body: the first message's ids), key_reused, unauthenticated, not_found, removed, full, task_not_found, task_ended, task_busy,
-- thread_mismatch, letter_dropped, and those of place_delegation. One that says a dead letter again is a duplicate of the first that did, and
-- leaves the mark in the same transaction; the letter's mailbox, which all of them name, is locked. Where "lend" is given and the agent is free, the lease is born with the message: the row carries its token, and where to
-- bring it. (A first try of ours that committed without our hearing of it left a lease that nobody uses; the loop "disown" frees it.)
--
-- No two of one batch have the same key. A loop decides, one after the other; what it has decided is written in one go, because a
-- statement for each row costs several times the row (docs/decisions/0012).
create function accept_messages(
    p_ids uuid[], p_workspaces uuid[], p_credentials uuid[], p_sender_kinds text[], p_senders uuid[], p_keys text[], p_fingerprints bytea[],
    p_threads text[], p_tasks uuid[], p_bodies jsonb[], p_previews text[], p_traceparents text[], p_deadlines float8[], p_lend boolean[],
    p_parents uuid[], p_reports boolean[], p_hanging boolean[], p_letters uuid[],
    p_server uuid, p_lease float8, p_mailbox_limit integer, p_delegation_limit integer, p_chain_limit integer)
returns table (item bigint, verdict text, message_id uuid, workspace_id uuid, seq bigint, thread_id text, task_id uuid,
    accepted_at timestamptz, deadline timestamptz, token bigint, lease_until timestamptz, active boolean, called boolean, url text,
    agent_card jsonb, sender_name text, sender_role text, upstream jsonb, chain jsonb)
language plpgsql as $$
#variable_conflict use_column
declare
    live uuid[];
    repeats boolean;
    held_id uuid;
    parent_id uuid;
    links uuid[];
    given record;
    box mailbox;
    source workspace;
    said message;
    letter dead_letter;
    replayed dead_letter[] := '{}';
    messages message[] := '{}';
    w work;
    works work[] := '{}';
    events event[] := '{}';
    peer uuid;
    kept integer;
begin
    perform lock_mailboxes(p_workspaces || array(select s.id from unnest(p_sender_kinds, p_senders) s (kind, id) where s.kind = 'workspace'));
    live := live_credentials(p_credentials);
    -- A request that is run again, by the caller (same key) or by us (same id), finds what it made. Rare, so looked for in one go.
    -- (The limit keeps the planner from a join over all keys, which a plan made for an empty table would be for good.)
    repeats := exists (select from message m where m.id = any(p_ids))
        or exists (select from unnest(p_sender_kinds, p_senders, p_keys) k (kind, sender, key), lateral (
            select from message m where m.sender_kind = k.kind and m.sender_id = k.sender and m.idempotency_key = k.key limit 1) m);
    for given in
        select p.*, t.target, t.box
        from unnest(p_ids, p_workspaces, p_credentials, p_sender_kinds, p_senders, p_keys, p_fingerprints, p_threads, p_tasks, p_bodies,
                p_previews, p_traceparents, p_deadlines, p_lend, p_parents, p_reports, p_hanging, p_letters)
            with ordinality p (id, workspace_id, credential_id, sender_kind, sender_id, key, fingerprint, thread_id, task_id, body, preview,
                traceparent, deadline, lend, parent_id, report, hanging, letter_id, item)
        left join lateral (
            select place as target, b as box from workspace place join mailbox b on b.workspace_id = place.id
            where place.id = p.workspace_id limit 1) t on true
        order by p.workspace_id, p.item
    loop
        item := given.item;
        verdict := null;
        message_id := given.id;
        workspace_id := given.workspace_id;
        seq := null; thread_id := given.thread_id; task_id := given.task_id; accepted_at := clock_timestamp(); deadline := null;
        token := null; lease_until := null; active := false; called := false;
        url := null; agent_card := null; sender_name := null; sender_role := null; upstream := null; peer := null;
        held_id := null; parent_id := null; links := '{}'; chain := '[]';

        if (given.credential_id = any(live)) is not true then
            verdict := 'unauthenticated';
            return next;
            continue;
        end if;

        letter := null;
        if given.letter_id is not null then
            select * into letter from dead_letter d where d.message_id = given.letter_id for update;
            if letter.dropped_at is not null then
                verdict := 'letter_dropped';
                return next;
                continue;
            end if;
        end if;

        if letter.replayed_as is not null then
            select * into said from message m where m.id = letter.replayed_as;
            verdict := 'duplicate';
        elsif repeats then
            select * into said from message m
            where m.id = given.id
               or (m.sender_kind = given.sender_kind and m.sender_id = given.sender_id and m.idempotency_key = given.key)
            limit 1;
            if found then
                verdict := case when said.id <> given.id and said.fingerprint <> given.fingerprint then 'key_reused' else 'duplicate' end;
            end if;
        end if;
        if verdict is not null then
            message_id := said.id;
            workspace_id := said.workspace_id;
            seq := said.seq;
            thread_id := said.thread_id;
            task_id := said.task_id;
            accepted_at := said.accepted_at;
            deadline := said.deadline;
            return next;
            continue;
        end if;

        -- The mailbox as it is, and from its second message on as this batch has left it.
        if box.workspace_id is distinct from given.workspace_id then
            box := given.box;
        end if;
        if (given.target).id is null then
            verdict := 'not_found';
        elsif given.sender_kind = 'workspace' then
            select * into source from workspace place where place.id = given.sender_id and place.removed_at is null;
            -- A question that finds no answer is a "no": null is not true.
            if (found and may_talk(source, given.target)) is not true then
                verdict := 'not_found';
            end if;
        end if;
        if verdict is null and (given.target).removed_at is not null then
            verdict := 'removed';
        end if;
        if verdict is null and given.sender_kind = 'workspace' then
            select d.verdict, d.held_id, d.parent_id, d.chain into verdict, held_id, parent_id, links
            from place_delegation(source, given.target, given.parent_id, given.report,
                (select count(*) from unnest(works) k where k.delegator_id = source.id), p_mailbox_limit, p_delegation_limit, p_chain_limit) d;
            chain := named_chain(links);
        end if;
        if verdict is null and given.task_id is not null then
            select f.verdict, f.thread_id, f.upstream into verdict, thread_id, upstream
            from find_task(given.task_id, given.workspace_id, given.sender_kind, given.sender_id) f;
            if verdict is null and given.thread_id <> thread_id then
                verdict := 'thread_mismatch';
            end if;
        end if;
        if verdict is null and box.open_count >= p_mailbox_limit then
            verdict := 'full';
        end if;
        if verdict is not null then
            return next;
            continue;
        end if;

        verdict := 'accepted';
        seq := box.last_seq + 1;
        thread_id := coalesce(thread_id, given.id::text);
        task_id := coalesce(task_id, given.id);
        deadline := accepted_at + make_interval(secs => given.deadline);
        active := box.active_count < box.max_concurrent;
        called := box.called;
        if given.sender_kind = 'workspace' then
            peer := given.sender_id;
            sender_name := source.name;
            sender_role := source.role;
        end if;

        said.id := given.id;
        said.workspace_id := given.workspace_id;
        said.seq := seq;
        said.role := 'user';
        said.sender_kind := given.sender_kind;
        said.sender_id := given.sender_id;
        said.thread_id := thread_id;
        said.task_id := task_id;
        said.reply_to := null;
        said.idempotency_key := given.key;
        said.fingerprint := given.fingerprint;
        said.body := given.body;
        said.traceparent := given.traceparent;
        said.deadline := deadline;
        said.accepted_at := accepted_at;
        said.parent_id := parent_id;
        said.chain := links;
        said.report := given.report;
        said.strand := case given.sender_kind when 'workspace' then 'agents' else 'from_people' end;
        messages := messages || said;

        w.message_id := given.id;
        w.workspace_id := given.workspace_id;
        w.seq := seq;
        w.called := called;
        w.deadline := deadline;
        w.delegator_id := nullif(peer, given.workspace_id);
        w.hangs_on := case when given.hanging then held_id end;
        w.leased := active and called and given.lend and not box.paused and coalesce(box.unreachable_until <= accepted_at, true);
        w.token := w.leased::integer;
        w.attempt := w.leased::integer;
        if w.leased then
            token := 1;
            lease_until := accepted_at + make_interval(secs => p_lease);
            url := (given.target).url;
            agent_card := (given.target).agent_card;
            w.due_at := lease_until;
            w.holder := p_server;
            w.handed_at := accepted_at;
        else
            w.due_at := case when active then greatest(accepted_at, box.unreachable_until) else 'infinity' end;
            w.holder := null;
            w.handed_at := null;
        end if;
        works := works || w;

        box.last_seq := seq;
        box.open_count := box.open_count + 1;
        box.active_count := box.active_count + active::integer;
        events := events || event_of('message.accepted', given.workspace_id, peer, given.id, given.sender_kind, given.sender_id,
            jsonb_build_object('seq', seq, 'thread_id', thread_id, 'preview', given.preview));
        if w.leased then
            events := events || event_of('message.handed', given.workspace_id, peer, given.id, 'server', p_server,
                jsonb_build_object('attempt', 1, 'thread_id', thread_id));
        end if;
        if given.letter_id is not null then
            letter.replayed_as := given.id;
            replayed := replayed || letter;
            events := events || event_of('dead_letter.replayed', given.workspace_id, null, given.letter_id, given.sender_kind, given.sender_id,
                jsonb_build_object('replayed_as', given.id));
        end if;
        return next;
    end loop;

    if cardinality(messages) > 0 then
        insert into message select * from unnest(messages)
        on conflict (sender_kind, sender_id, idempotency_key) where idempotency_key is not null do nothing;
        get diagnostics kept = row_count;
        if kept < cardinality(messages) then
            -- Another server committed the same key for another mailbox while we looked: run again, this time it is found.
            raise exception 'a key was taken meanwhile' using errcode = 'serialization_failure';
        end if;
        if cardinality(replayed) > 0 then
            update dead_letter d set replayed_as = r.replayed_as from unnest(replayed) r where d.message_id = r.message_id;
        end if;
        insert into work select * from unnest(works);
        update mailbox b set last_seq = k.last_seq, open_count = b.open_count + k.opened, active_count = b.active_count + k.active
        from (select x.workspace_id, max(x.seq) as last_seq, count(*) as opened, count(*) filter (where x.due_at < 'infinity') as active
              from unnest(works) x group by x.workspace_id) k
        where b.workspace_id = k.workspace_id;
        perform note_events(events);
    end if;
end $$;

-- Hand out -----------------------------------------------------------------------------------------------------------------------------

-- The end of a message in the words of who delegated it.
create function delegation_status(o outcome) returns text language sql immutable as $$
    select case when o.interrupted is not null then 'input_required' when o.state = 'replied' then 'completed' else o.state end
$$;

-- What was leased, with what its agent needs to know; the caller puts it in order.
create function read_deliveries(p_messages uuid[])
returns table (message_id uuid, workspace_id uuid, seq bigint, token bigint, attempt integer, lease_until timestamptz, body jsonb,
    thread_id text, task_id uuid, idempotency_key text, deadline timestamptz, traceparent text, sender_kind text, sender_id uuid,
    sender_name text, sender_role text, upstream jsonb, chain jsonb, report jsonb)
language sql stable as $$
    select m.id, m.workspace_id, m.seq, w.token, w.attempt, w.due_at, m.body, m.thread_id, m.task_id, m.idempotency_key, m.deadline,
        m.traceparent, m.sender_kind, m.sender_id, coalesce(sw.name, sp.name, 'Operator'), sw.role,
        case when m.task_id <> m.id then (
            select o.upstream from outcome o join message p on p.id = o.message_id
            where (p.id = m.task_id or (p.task_id = m.task_id and p.task_id <> p.id and p.role = 'user')) and p.seq < m.seq
            order by p.seq desc limit 1) end,
        named_chain(m.chain),
        (select jsonb_strip_nulls(jsonb_build_object('delegation_id', o.message_id, 'status', delegation_status(o), 'error', o.error))
         from outcome o where m.role = 'user' and o.message_id = m.reply_to)
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
    sender_kind text, sender_id uuid, sender_name text, sender_role text, upstream jsonb, chain jsonb, report jsonb)
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

-- By token: the end of a hand-out. One row back per row given, no two of one message. Verdicts: done, same (this very reply has already
-- taken effect), superseded (the message ended another way), lease_lost (another hand-out counts), unauthenticated, not_found.
create function finish_work(
    p_messages uuid[], p_workspaces uuid[], p_credentials uuid[], p_tokens bigint[], p_states text[], p_replies uuid[], p_bodies jsonb[],
    p_interrupted text[], p_upstreams jsonb[], p_errors jsonb[], p_usages jsonb[], p_fingerprints bytea[], p_previews text[])
returns table (verdict text, message_id uuid, workspace_id uuid, promoted integer, called boolean, attempts integer, ended_at timestamptz,
    reader uuid, reader_called boolean)
language plpgsql as $$
#variable_conflict use_column
declare
    live uuid[];
    held work[];
    given record;
    ended outcome;
    works work[] := '{}';
    ends ending[] := '{}';
begin
    perform lock_ends(p_workspaces, p_messages);
    live := live_credentials(p_credentials);
    held := array(select w from work w where w.message_id = any(p_messages) order by w.workspace_id, w.seq for update);
    promoted := 0;
    for given in
        select p.*, w as held
        from unnest(p_messages, p_workspaces, p_credentials, p_tokens, p_states, p_replies, p_bodies, p_interrupted, p_upstreams, p_errors,
                p_usages, p_fingerprints, p_previews)
            with ordinality p (message_id, workspace_id, credential_id, token, state, reply_id, body, interrupted, upstream, error, usage,
                fingerprint, preview, item)
        left join unnest(held) w on w.message_id = p.message_id and w.workspace_id = p.workspace_id
        order by p.item
    loop
        message_id := given.message_id;
        workspace_id := given.workspace_id;
        -- Our own calls carry no credential: the lease is theirs.
        if (given.credential_id is null or given.credential_id = any(live)) is not true then
            verdict := 'unauthenticated';
            return next;
        elsif (given.held).token = given.token then
            works := works || given.held;
            ends := ends || (given.state, given.reply_id, given.body, given.interrupted, given.upstream, given.error, given.usage,
                given.fingerprint, given.preview)::ending;
        else
            select o.* into ended from outcome o join message m on m.id = o.message_id
            where o.message_id = given.message_id and m.workspace_id = given.workspace_id;
            verdict := case
                when (given.held).message_id is not null then 'lease_lost'
                when ended.message_id is null then 'not_found'
                when ended.fingerprint = given.fingerprint then 'same'
                else 'superseded' end;
            if verdict in ('lease_lost', 'superseded') then
                perform note_event('message.late', given.workspace_id, null, given.message_id, 'workspace', given.workspace_id,
                    jsonb_build_object('token', given.token, 'state', given.state, 'preview', given.preview, 'error', given.error,
                        'message', case when length(given.body::text) < 262144 then given.body end));
            end if;
            return next;
        end if;
    end loop;
    if cardinality(works) > 0 then
        return query
            select 'done', c.message_id, c.workspace_id, c.promoted, c.called, c.attempts, c.ended_at, c.reader, c.reader_called
            from close_work(works, ends, 'workspace', null, p_reached => true) c;
    end if;
end $$;

-- By token: a hand-out that brought no end. Kinds: retry (it counts, back-off), not_handed (the agent was not reached: it does not count and
-- the whole mailbox pauses), release (given back unused). Verdicts: done, failed (that was the last attempt), cancelled (a cancel had been
-- asked for), same, lease_lost, superseded, unauthenticated, not_found.
create function return_work(
    p_messages uuid[], p_workspaces uuid[], p_credentials uuid[], p_tokens bigint[], p_kinds text[], p_errors jsonb[],
    p_attempt_limit integer, p_backoff float8, p_backoff_cap float8)
returns table (verdict text, message_id uuid, workspace_id uuid, promoted integer, called boolean, reader uuid, reader_called boolean)
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
    perform lock_ends(p_workspaces, p_messages);
    live := live_credentials(p_credentials);
    for i in 1 .. cardinality(p_messages) loop
        message_id := p_messages[i];
        workspace_id := p_workspaces[i];
        promoted := 0;
        reader := null;
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
            select c.promoted, c.reader, c.reader_called into promoted, reader, reader_called
            from close_work(array[w], array[e], 'workspace', p_workspaces[i]) c;
        elsif p_kinds[i] = 'retry' and w.attempt >= p_attempt_limit then
            verdict := 'failed';
            e := unanswered('failed', 'attempts_exhausted', format('Handed out %s times without an answer.', w.attempt), p_errors[i]);
            select c.promoted, c.reader, c.reader_called into promoted, reader, reader_called
            from close_work(array[w], array[e], 'workspace', p_workspaces[i]) c;
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
returns table (verdict text, workspace_id uuid, holder uuid, promoted integer, called boolean, reader uuid, reader_called boolean) language plpgsql as $$
#variable_conflict use_column
declare
    w work;
    e ending;
    peer uuid;
begin
    select m.workspace_id, case when m.sender_kind = 'workspace' then m.sender_id end into workspace_id, peer from message m where m.id = p_message;
    promoted := 0;
    perform lock_ends(array[workspace_id], array[p_message]);
    select b.called into called from mailbox b where b.workspace_id = cancel_work.workspace_id;
    select * into w from work where work.message_id = p_message for update;
    if not found then
        verdict := case when exists (select from outcome o where o.message_id = p_message) then 'ended' else 'not_found' end;
    elsif not w.leased or w.due_at <= clock_timestamp() then
        verdict := 'cancelled';
        e := unanswered('cancelled', 'cancelled',
            case p_actor_kind when 'server' then 'What it was part of has ended.' else 'Cancelled by its sender.' end);
        select c.promoted, c.reader, c.reader_called into promoted, reader, reader_called
        from close_work(array[w], array[e], p_actor_kind, p_actor) c;
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
returns table (message_id uuid, workspace_id uuid, state text, promoted integer, called boolean, reader uuid, reader_called boolean)
language plpgsql as $$
#variable_conflict use_column
declare
    due uuid[];
    boxes uuid[];
    moment timestamptz := clock_timestamp();
    w work;
    e ending;
    works work[] := '{}';
    ends ending[] := '{}';
begin
    select array_agg(c.message_id), array_agg(c.workspace_id) into due, boxes from (
        (select w.message_id, w.workspace_id from work w where w.deadline <= moment order by w.deadline limit p_most)
        union
        (select w.message_id, w.workspace_id from work w
         where w.leased and w.due_at <= moment and (w.attempt >= p_attempt_limit or w.cancel_requested_at is not null)
         order by w.due_at limit p_most)) c;
    perform lock_ends(boxes, due);
    for w in select * from work k where k.message_id = any(due) order by k.workspace_id, k.seq for update loop
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
        works := works || w;
        ends := ends || e;
    end loop;
    return query
        select c.message_id, c.workspace_id, c.state, c.promoted, c.called, c.reader, c.reader_called from close_work(works, ends, 'server', null) c;
end $$;

-- A removed workspace answers nobody any more: everything unfinished fails, and its senders see why.
-- One row back per message that was to end, also where another ended it meanwhile: nothing new comes in.
create function fail_mailbox(p_workspace uuid, p_most integer) returns table (message_id uuid, reader uuid, reader_called boolean) language plpgsql as $$
#variable_conflict use_column
declare
    due uuid[] := array(select k.message_id from work k where k.workspace_id = p_workspace order by k.seq limit p_most);
    works work[];
    e ending := unanswered('failed', 'workspace_removed', 'The workspace was removed before it answered.');
begin
    perform lock_ends(array[p_workspace], due);
    update mailbox set paused = true where workspace_id = p_workspace;
    works := array(select k from work k where k.message_id = any(due) order by k.seq for update);
    return query
        select d.message_id, c.reader, c.reader_called
        from unnest(due) d (message_id)
        left join close_work(works, array_fill(e, array[cardinality(works)]), 'server', null) c on c.message_id = d.message_id;
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
    insert into message (id, workspace_id, seq, role, sender_kind, sender_id, thread_id, task_id, idempotency_key, fingerprint, body, traceparent,
        chain, report, strand)
    values (p_id, p_workspace, seq, 'agent', 'workspace', p_workspace, p_thread, p_id, p_key, p_fingerprint, p_body, p_traceparent, '{}', false, 'to_people');
    perform note_event('notice.posted', p_workspace, null, p_id, 'workspace', p_workspace,
        jsonb_build_object('seq', seq, 'thread_id', p_thread, 'preview', p_preview));
    return query select 'accepted', p_id, seq, p_thread;
end $$;
