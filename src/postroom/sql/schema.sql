-- What the migrations add up to, written by `make schema`. Read it; change it by a migration.

CREATE TYPE public.ending AS (
	state text,
	reply_id uuid,
	body jsonb,
	interrupted text,
	upstream jsonb,
	error jsonb,
	usage jsonb,
	fingerprint bytea,
	preview text
);
CREATE FUNCTION public.accept_messages(p_ids uuid[], p_workspaces uuid[], p_credentials uuid[], p_sender_kinds text[], p_senders uuid[], p_keys text[], p_fingerprints bytea[], p_threads text[], p_tasks uuid[], p_bodies jsonb[], p_previews text[], p_traceparents text[], p_deadlines double precision[], p_lend boolean[], p_parents uuid[], p_reports boolean[], p_hanging boolean[], p_letters uuid[], p_server uuid, p_lease double precision, p_mailbox_limit integer, p_delegation_limit integer, p_chain_limit integer) RETURNS TABLE(item bigint, verdict text, message_id uuid, workspace_id uuid, seq bigint, thread_id text, task_id uuid, accepted_at timestamp with time zone, deadline timestamp with time zone, token bigint, lease_until timestamp with time zone, active boolean, called boolean, url text, agent_card jsonb, sender_name text, sender_role text, upstream jsonb, chain jsonb)
    LANGUAGE plpgsql
    AS $$
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
CREATE TABLE public.message (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    seq bigint NOT NULL,
    role text NOT NULL,
    sender_kind text NOT NULL,
    sender_id uuid NOT NULL,
    thread_id text NOT NULL,
    task_id uuid NOT NULL,
    reply_to uuid,
    idempotency_key text,
    fingerprint bytea,
    body jsonb NOT NULL,
    traceparent text,
    deadline timestamp with time zone,
    accepted_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    parent_id uuid,
    chain uuid[] NOT NULL,
    report boolean NOT NULL,
    strand text NOT NULL,
    CONSTRAINT message_check CHECK (((idempotency_key IS NULL) OR (fingerprint IS NOT NULL))),
    CONSTRAINT message_check1 CHECK (((NOT report) OR (sender_kind = 'workspace'::text))),
    CONSTRAINT message_check2 CHECK (((strand = 'from_people'::text) = (sender_kind <> 'workspace'::text))),
    CONSTRAINT message_idempotency_key_check CHECK (((length(idempotency_key) >= 1) AND (length(idempotency_key) <= 255))),
    CONSTRAINT message_role_check CHECK ((role = ANY (ARRAY['user'::text, 'agent'::text, 'system'::text]))),
    CONSTRAINT message_sender_kind_check CHECK ((sender_kind = ANY (ARRAY['operator'::text, 'person'::text, 'workspace'::text]))),
    CONSTRAINT message_strand_check CHECK ((strand = ANY (ARRAY['from_people'::text, 'to_people'::text, 'agents'::text]))),
    CONSTRAINT message_thread_id_check CHECK (((length(thread_id) >= 1) AND (length(thread_id) <= 256)))
);
CREATE FUNCTION public.answer_to(p_message uuid, p_workspace uuid) RETURNS public.message
    LANGUAGE sql STABLE
    AS $$
    select answer.* from message asked join outcome o on o.message_id = asked.id join message answer on answer.id = o.reply_id
    where asked.id = p_message and asked.sender_id = p_workspace and asked.workspace_id <> p_workspace and not asked.report
$$;
CREATE FUNCTION public.attach_files() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
begin
    insert into attachment (file_id, message_id)
    select distinct substr(url #>> '{}', 8)::uuid, new.id
    from jsonb_path_query(new.body, '$.parts[*].url ? (@ like_regex "^/files/[0-9a-f-]{36}$")') url;
    return null;
end $_$;
CREATE FUNCTION public.backoff(p_base double precision, p_cap double precision, p_tries integer) RETURNS interval
    LANGUAGE sql
    AS $$
    select make_interval(secs => greatest(0.05, random() * least(p_cap, p_base * 2.0 ^ least(p_tries, 30))))
$$;
CREATE FUNCTION public.cancel_work(p_message uuid, p_actor_kind text, p_actor uuid) RETURNS TABLE(verdict text, workspace_id uuid, holder uuid, promoted integer, called boolean, reader uuid, reader_called boolean)
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.claim_post(p_workspaces uuid[], p_credentials uuid[], p_max integer[], p_leases double precision[], p_attempt_limit integer) RETURNS TABLE(item integer, verdict text, lost boolean, message_id uuid, workspace_id uuid, seq bigint, token bigint, attempt integer, lease_until timestamp with time zone, body jsonb, thread_id text, task_id uuid, idempotency_key text, deadline timestamp with time zone, traceparent text, sender_kind text, sender_id uuid, sender_name text, sender_role text, upstream jsonb, chain jsonb, report jsonb)
    LANGUAGE plpgsql
    AS $$
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
CREATE TABLE public.work (
    message_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    seq bigint NOT NULL,
    due_at timestamp with time zone NOT NULL,
    called boolean NOT NULL,
    leased boolean DEFAULT false NOT NULL,
    token bigint DEFAULT 0 NOT NULL,
    attempt integer DEFAULT 0 NOT NULL,
    holder uuid,
    deadline timestamp with time zone NOT NULL,
    handed_at timestamp with time zone,
    cancel_requested_at timestamp with time zone,
    last_error jsonb,
    delegator_id uuid,
    hangs_on uuid,
    session uuid,
    session_token bigint,
    CONSTRAINT work_check CHECK (((NOT leased) OR (due_at < 'infinity'::timestamp with time zone))),
    CONSTRAINT work_check1 CHECK (((session IS NULL) = (session_token IS NULL)))
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='500', autovacuum_vacuum_cost_delay='0');
CREATE FUNCTION public.close_work(p_works public.work[], p_ends public.ending[], p_actor_kind text, p_actor uuid, p_reached boolean DEFAULT false) RETURNS TABLE(message_id uuid, workspace_id uuid, state text, attempts integer, ended_at timestamp with time zone, promoted integer, called boolean, reader uuid, reader_called boolean)
    LANGUAGE plpgsql
    AS $$
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
CREATE TABLE public.file (
    id uuid NOT NULL,
    uploader_kind text NOT NULL,
    uploader_id uuid NOT NULL,
    idempotency_key text,
    name text NOT NULL,
    media_type text NOT NULL,
    size bigint,
    sha256 bytea,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    keep_until timestamp with time zone DEFAULT (clock_timestamp() + '24:00:00'::interval) NOT NULL,
    CONSTRAINT file_check CHECK (((size IS NULL) = (sha256 IS NULL))),
    CONSTRAINT file_idempotency_key_check CHECK (((length(idempotency_key) >= 1) AND (length(idempotency_key) <= 255))),
    CONSTRAINT file_media_type_check CHECK (((length(media_type) >= 3) AND (length(media_type) <= 255))),
    CONSTRAINT file_name_check CHECK (((octet_length(name) >= 1) AND (octet_length(name) <= 255))),
    CONSTRAINT file_sha256_check CHECK ((octet_length(sha256) = 32)),
    CONSTRAINT file_size_check CHECK ((size > 0)),
    CONSTRAINT file_uploader_kind_check CHECK ((uploader_kind = ANY (ARRAY['operator'::text, 'person'::text, 'workspace'::text])))
);
CREATE FUNCTION public.complete_file(p_id uuid, p_size bigint, p_sha256 bytea) RETURNS SETOF public.file
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.credential_lives(p_id uuid) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    select p_id = any(live_credentials(array[p_id]))
$$;
CREATE TABLE public.outcome (
    message_id uuid NOT NULL,
    state text NOT NULL,
    reply_id uuid,
    interrupted text,
    error jsonb,
    usage jsonb,
    upstream jsonb,
    attempts integer NOT NULL,
    fingerprint bytea,
    ended_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT outcome_check CHECK (((state = 'replied'::text) = (reply_id IS NOT NULL))),
    CONSTRAINT outcome_check1 CHECK (((state = 'replied'::text) = (error IS NULL))),
    CONSTRAINT outcome_state_check CHECK ((state = ANY (ARRAY['replied'::text, 'failed'::text, 'cancelled'::text, 'expired'::text])))
);
CREATE FUNCTION public.delegation_status(o public.outcome) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
    select case when o.interrupted is not null then 'input_required' when o.state = 'replied' then 'completed' else o.state end
$$;
CREATE TABLE public.event (
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    id bigint NOT NULL,
    type text NOT NULL,
    workspace_id uuid NOT NULL,
    peer_id uuid,
    message_id uuid,
    actor_kind text NOT NULL,
    actor_id uuid,
    payload jsonb DEFAULT '{}'::jsonb NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
CREATE FUNCTION public.event_of(p_type text, p_workspace uuid, p_peer uuid, p_message uuid, p_actor_kind text, p_actor uuid, p_payload jsonb) RETURNS public.event
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.fail_mailbox(p_workspace uuid, p_most integer) RETURNS TABLE(message_id uuid, reader uuid, reader_called boolean)
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.find_task(p_task uuid, p_workspace uuid, p_sender_kind text, p_sender uuid, OUT verdict text, OUT thread_id text, OUT upstream jsonb) RETURNS record
    LANGUAGE plpgsql STABLE
    AS $$
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
CREATE FUNCTION public.finish_work(p_messages uuid[], p_workspaces uuid[], p_credentials uuid[], p_tokens bigint[], p_states text[], p_replies uuid[], p_bodies jsonb[], p_interrupted text[], p_upstreams jsonb[], p_errors jsonb[], p_usages jsonb[], p_fingerprints bytea[], p_previews text[]) RETURNS TABLE(verdict text, message_id uuid, workspace_id uuid, promoted integer, called boolean, attempts integer, ended_at timestamp with time zone, reader uuid, reader_called boolean)
    LANGUAGE plpgsql
    AS $$
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
CREATE TABLE public.mailbox (
    workspace_id uuid NOT NULL,
    last_seq bigint DEFAULT 0 NOT NULL,
    max_concurrent integer DEFAULT 1 NOT NULL,
    paused boolean DEFAULT false NOT NULL,
    called boolean DEFAULT false NOT NULL,
    open_count integer DEFAULT 0 NOT NULL,
    active_count integer DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    unreachable_until timestamp with time zone,
    CONSTRAINT mailbox_active_count_check CHECK ((active_count >= 0)),
    CONSTRAINT mailbox_max_concurrent_check CHECK (((max_concurrent >= 1) AND (max_concurrent <= 64))),
    CONSTRAINT mailbox_open_count_check CHECK ((open_count >= 0))
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='500', autovacuum_vacuum_cost_delay='0');
CREATE FUNCTION public.has_room(box public.mailbox) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$
    select box.active_count < box.max_concurrent and box.open_count > box.active_count
$$;
CREATE FUNCTION public.live_credentials(p_ids uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql STABLE
    AS $$
begin
    -- Our own calls come without one.
    if cardinality(array_remove(p_ids, null)) = 0 then
        return '{}';
    end if;
    return array(select id from credential
        where id = any(p_ids) and revoked_at is null and (expires_at is null or expires_at > clock_timestamp()));
end $$;
CREATE FUNCTION public.lock_ends(p_workspaces uuid[], p_messages uuid[]) RETURNS void
    LANGUAGE sql
    AS $$
    select lock_mailboxes(p_workspaces || array(
        select m.sender_id from unnest(p_messages) k (id), lateral (select m.sender_id from message m where m.id = k.id and m.report limit 1) m))
$$;
CREATE FUNCTION public.lock_mailboxes(p_workspaces uuid[]) RETURNS void
    LANGUAGE sql
    AS $$
    select from mailbox where workspace_id = any(p_workspaces) order by workspace_id for update
$$;
CREATE TABLE public.workspace (
    id uuid NOT NULL,
    name text NOT NULL,
    role text,
    parent_id uuid,
    ancestors uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    delivery_mode text NOT NULL,
    url text,
    agent_card jsonb,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    x double precision DEFAULT 0 NOT NULL,
    y double precision DEFAULT 0 NOT NULL,
    collapsed boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    registered_at timestamp with time zone,
    removed_at timestamp with time zone,
    CONSTRAINT workspace_ancestors_check CHECK ((cardinality(ancestors) < 32)),
    CONSTRAINT workspace_check CHECK (((parent_id IS NULL) = (cardinality(ancestors) = 0))),
    CONSTRAINT workspace_check1 CHECK (((parent_id IS NULL) OR (ancestors[cardinality(ancestors)] = parent_id))),
    CONSTRAINT workspace_delivery_mode_check CHECK ((delivery_mode = ANY (ARRAY['push'::text, 'poll'::text]))),
    CONSTRAINT workspace_name_check CHECK (((length(name) >= 1) AND (length(name) <= 255))),
    CONSTRAINT workspace_role_check CHECK ((length(role) <= 1000)),
    CONSTRAINT workspace_url_check CHECK ((length(url) <= 2000))
);
CREATE FUNCTION public.may_talk(a public.workspace, b public.workspace) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$
    select a.id = b.id
        or a.parent_id is not distinct from b.parent_id
        or b.id = any(a.ancestors)
        or a.id = any(b.ancestors)
$$;
CREATE FUNCTION public.named_chain(p_chain uuid[]) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    select coalesce(jsonb_agg(jsonb_build_object('id', w.id, 'name', w.name) order by c.place), '[]')
    from unnest(p_chain) with ordinality c (id, place) join workspace w on w.id = c.id
$$;
CREATE FUNCTION public.newest_progress(p_message uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    select jsonb_build_object('parts', e.payload -> 'parts', 'status', e.payload ->> 'status', 'at', e.at)
    from event e where e.message_id = p_message and e.type = 'message.progress' order by e.xid desc, e.id desc limit 1
$$;
CREATE FUNCTION public.note_event(p_type text, p_workspace uuid, p_peer uuid, p_message uuid, p_actor_kind text, p_actor uuid, p_payload jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    perform note_events(array[event_of(p_type, p_workspace, p_peer, p_message, p_actor_kind, p_actor, p_payload)]);
end $$;
CREATE FUNCTION public.note_events(p_events public.event[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    insert into event (type, workspace_id, peer_id, message_id, actor_kind, actor_id, payload)
    select e.type, e.workspace_id, e.peer_id, e.message_id, e.actor_kind, e.actor_id, e.payload from unnest(p_events) e;
end $$;
CREATE FUNCTION public.place_delegation(p_source public.workspace, p_target public.workspace, p_named uuid, p_report boolean, p_waiting bigint, p_mailbox_limit integer, p_most integer, p_deepest integer, OUT verdict text, OUT held_id uuid, OUT parent_id uuid, OUT chain uuid[]) RETURNS record
    LANGUAGE plpgsql STABLE
    AS $$
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
CREATE FUNCTION public.post_ends(p_ended public.outcome[]) RETURNS TABLE(message_id uuid, reader uuid, active boolean, called boolean)
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.post_notice(p_id uuid, p_workspace uuid, p_key text, p_fingerprint bytea, p_thread text, p_body jsonb, p_preview text, p_traceparent text) RETURNS TABLE(verdict text, message_id uuid, seq bigint, thread_id text)
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.preview_of(p_body jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $_$
    select coalesce(nullif(left(words_of(p_body), 280), ''), jsonb_path_query_first(p_body, '$.parts[*].filename') #>> '{}')
$_$;
CREATE FUNCTION public.promote_work(p_workspace uuid) RETURNS integer
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.read_deliveries(p_messages uuid[]) RETURNS TABLE(message_id uuid, workspace_id uuid, seq bigint, token bigint, attempt integer, lease_until timestamp with time zone, body jsonb, thread_id text, task_id uuid, idempotency_key text, deadline timestamp with time zone, traceparent text, sender_kind text, sender_id uuid, sender_name text, sender_role text, upstream jsonb, chain jsonb, report jsonb)
    LANGUAGE sql STABLE
    AS $$
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
CREATE FUNCTION public.reap_work(p_attempt_limit integer, p_most integer) RETURNS TABLE(message_id uuid, workspace_id uuid, state text, promoted integer, called boolean, reader uuid, reader_called boolean)
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'integrity_constraint_violation';
end $$;
CREATE FUNCTION public.return_work(p_messages uuid[], p_workspaces uuid[], p_credentials uuid[], p_tokens bigint[], p_kinds text[], p_errors jsonb[], p_attempt_limit integer, p_backoff double precision, p_backoff_cap double precision) RETURNS TABLE(verdict text, message_id uuid, workspace_id uuid, promoted integer, called boolean, reader uuid, reader_called boolean)
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.unanswered(p_state text, p_code text, p_detail text, p_last jsonb DEFAULT NULL::jsonb) RETURNS public.ending
    LANGUAGE sql IMMUTABLE
    AS $$
    select (p_state, null, null, null, null,
            jsonb_strip_nulls(jsonb_build_object('code', p_code, 'detail', p_detail, 'last', p_last)), null, null, null)::ending
$$;
CREATE FUNCTION public.visible_files(p_ids uuid[], p_kind text, p_principal uuid) RETURNS SETOF public.file
    LANGUAGE sql STABLE
    AS $$
    select f.* from file f
    where f.id = any(p_ids) and f.size is not null and (
        p_kind in ('operator', 'person') or (f.uploader_kind = p_kind and f.uploader_id = p_principal) or exists (
            select from attachment a join message m on m.id = a.message_id left join message asked on asked.id = m.reply_to
            where a.file_id = f.id and p_principal in (m.workspace_id, m.sender_id, asked.sender_id)))
$$;
CREATE FUNCTION public.words_of(p_body jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
    select string_agg(part ->> 'text', e'\n' order by place) from jsonb_array_elements(p_body -> 'parts') with ordinality p (part, place)
$$;
CREATE TABLE public.attachment (
    file_id uuid NOT NULL,
    message_id uuid NOT NULL
);
CREATE TABLE public.credential (
    id uuid NOT NULL,
    kind text NOT NULL,
    digest bytea NOT NULL,
    prefix text NOT NULL,
    workspace_id uuid,
    person_id uuid,
    label text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    used_at timestamp with time zone,
    CONSTRAINT credential_check CHECK (((kind = 'workspace'::text) = (workspace_id IS NOT NULL))),
    CONSTRAINT credential_check1 CHECK (((kind = 'session'::text) = (person_id IS NOT NULL))),
    CONSTRAINT credential_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT credential_kind_check CHECK ((kind = ANY (ARRAY['operator'::text, 'workspace'::text, 'session'::text]))),
    CONSTRAINT credential_label_check CHECK ((length(label) <= 255)),
    CONSTRAINT credential_prefix_check CHECK ((length(prefix) <= 16))
);
CREATE TABLE public.dead_letter (
    message_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    replayed_as uuid,
    dropped_at timestamp with time zone,
    CONSTRAINT dead_letter_check CHECK (((replayed_as IS NULL) OR (dropped_at IS NULL)))
);
CREATE VIEW public.delegation AS
 SELECT m.id,
    m.sender_id AS source_id,
    s.name AS source_name,
    m.workspace_id AS target_id,
    t.name AS target_name,
    m.body,
    m.thread_id,
    m.accepted_at,
    COALESCE(o.ended_at, w.handed_at, m.accepted_at) AS updated_at,
    o.ended_at,
    m.deadline,
    COALESCE(w.attempt, o.attempts) AS attempt,
        CASE
            WHEN (o.message_id IS NOT NULL) THEN public.delegation_status(o.*)
            WHEN (w.handed_at IS NOT NULL) THEN 'handed'::text
            ELSE 'accepted'::text
        END AS status,
    (w.cancel_requested_at IS NOT NULL) AS cancel_requested,
    m.report,
    m.parent_id,
    public.named_chain(m.chain) AS chain,
    o.error,
    r.body AS reply,
    public.newest_progress(m.id) AS progress
   FROM (((((public.message m
     JOIN public.workspace s ON ((s.id = m.sender_id)))
     JOIN public.workspace t ON ((t.id = m.workspace_id)))
     LEFT JOIN public.work w ON ((w.message_id = m.id)))
     LEFT JOIN public.outcome o ON ((o.message_id = m.id)))
     LEFT JOIN public.message r ON ((r.id = o.reply_id)))
  WHERE ((m.role = 'user'::text) AND (m.sender_kind = 'workspace'::text) AND (m.reply_to IS NULL) AND (m.sender_id <> m.workspace_id));
CREATE TABLE public.person (
    id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT person_name_check CHECK (((length(name) >= 1) AND (length(name) <= 255)))
);
CREATE VIEW public.entry AS
 SELECT m.id,
    m.workspace_id,
    m.seq,
    m.role,
    m.sender_kind,
    m.sender_id,
        CASE m.sender_kind
            WHEN 'workspace'::text THEN ( SELECT w_1.name
               FROM public.workspace w_1
              WHERE (w_1.id = m.sender_id))
            WHEN 'person'::text THEN ( SELECT p.name
               FROM public.person p
              WHERE (p.id = m.sender_id))
            ELSE 'Operator'::text
        END AS sender_name,
    m.thread_id,
    m.task_id,
    m.reply_to,
    m.body,
    m.accepted_at,
    COALESCE(
        CASE
            WHEN (o.interrupted IS NULL) THEN o.state
            ELSE 'input_required'::text
        END,
        CASE
            WHEN (w.handed_at IS NOT NULL) THEN 'handed'::text
            WHEN (w.message_id IS NOT NULL) THEN 'accepted'::text
            ELSE NULL::text
        END) AS state,
    o.error,
    COALESCE(w.attempt, o.attempts) AS attempt,
    w.handed_at,
    (w.cancel_requested_at IS NOT NULL) AS cancel_requested,
    o.ended_at,
        CASE
            WHEN (w.handed_at IS NOT NULL) THEN public.newest_progress(m.id)
            ELSE NULL::jsonb
        END AS progress
   FROM ((public.message m
     LEFT JOIN public.outcome o ON ((o.message_id = m.id)))
     LEFT JOIN public.work w ON ((w.message_id = m.id)));
ALTER TABLE public.event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.feed_floor (
    singleton boolean DEFAULT true NOT NULL,
    xid xid8 DEFAULT '0'::xid8 NOT NULL,
    id bigint DEFAULT 0 NOT NULL,
    CONSTRAINT feed_floor_singleton_check CHECK (singleton)
);
CREATE TABLE public.file_chunk (
    file_id uuid NOT NULL,
    number integer NOT NULL,
    content bytea NOT NULL,
    CONSTRAINT file_chunk_content_check CHECK (((octet_length(content) >= 1) AND (octet_length(content) <= 1048576)))
);
ALTER TABLE ONLY public.file_chunk ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE TABLE public.installation (
    singleton boolean DEFAULT true NOT NULL,
    id uuid NOT NULL,
    key_check bytea NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT installation_singleton_check CHECK (singleton)
);
CREATE TABLE public.login_code (
    digest bytea NOT NULL,
    person_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT login_code_digest_check CHECK ((octet_length(digest) = 32))
);
CREATE TABLE public.migration (
    number integer NOT NULL,
    name text NOT NULL,
    digest text NOT NULL,
    run_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
CREATE TABLE public.preference (
    owner_id uuid NOT NULL,
    name text NOT NULL,
    value jsonb NOT NULL,
    CONSTRAINT preference_name_check CHECK ((name ~ '^[a-z][a-z0-9-]{0,63}$'::text))
);
CREATE TABLE public.presence (
    workspace_id uuid NOT NULL,
    status text DEFAULT 'offline'::text NOT NULL,
    seen_at timestamp with time zone,
    beats boolean DEFAULT false NOT NULL,
    active_tasks integer DEFAULT 0 NOT NULL,
    current_task text,
    error_rate double precision DEFAULT 0 NOT NULL,
    sample_error text,
    uptime_seconds double precision DEFAULT 0 NOT NULL,
    CONSTRAINT presence_status_check CHECK ((status = ANY (ARRAY['offline'::text, 'online'::text, 'degraded'::text])))
)
WITH (fillfactor='50');
CREATE TABLE public.read_mark (
    reader_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    seq bigint NOT NULL,
    CONSTRAINT read_mark_seq_check CHECK ((seq > 0))
);
CREATE TABLE public.server (
    id uuid NOT NULL,
    lock_key bigint NOT NULL,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    seen_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    lost_at timestamp with time zone
);
ALTER TABLE public.server ALTER COLUMN lock_key ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.server_lock_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE ONLY public.attachment
    ADD CONSTRAINT attachment_pkey PRIMARY KEY (file_id, message_id);
ALTER TABLE ONLY public.credential
    ADD CONSTRAINT credential_digest_key UNIQUE (digest);
ALTER TABLE ONLY public.credential
    ADD CONSTRAINT credential_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.dead_letter
    ADD CONSTRAINT dead_letter_pkey PRIMARY KEY (message_id);
ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (xid, id);
ALTER TABLE ONLY public.feed_floor
    ADD CONSTRAINT feed_floor_pkey PRIMARY KEY (singleton);
ALTER TABLE ONLY public.file_chunk
    ADD CONSTRAINT file_chunk_pkey PRIMARY KEY (file_id, number);
ALTER TABLE ONLY public.file
    ADD CONSTRAINT file_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (singleton);
ALTER TABLE ONLY public.login_code
    ADD CONSTRAINT login_code_pkey PRIMARY KEY (digest);
ALTER TABLE ONLY public.mailbox
    ADD CONSTRAINT mailbox_pkey PRIMARY KEY (workspace_id);
ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_workspace_id_seq_key UNIQUE (workspace_id, seq);
ALTER TABLE ONLY public.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.outcome
    ADD CONSTRAINT outcome_pkey PRIMARY KEY (message_id);
ALTER TABLE ONLY public.person
    ADD CONSTRAINT person_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.preference
    ADD CONSTRAINT preference_pkey PRIMARY KEY (owner_id, name);
ALTER TABLE ONLY public.presence
    ADD CONSTRAINT presence_pkey PRIMARY KEY (workspace_id);
ALTER TABLE ONLY public.read_mark
    ADD CONSTRAINT read_mark_pkey PRIMARY KEY (reader_id, workspace_id);
ALTER TABLE ONLY public.server
    ADD CONSTRAINT server_lock_key_key UNIQUE (lock_key);
ALTER TABLE ONLY public.server
    ADD CONSTRAINT server_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.work
    ADD CONSTRAINT work_pkey PRIMARY KEY (message_id);
ALTER TABLE ONLY public.work
    ADD CONSTRAINT work_workspace_id_seq_key UNIQUE (workspace_id, seq);
ALTER TABLE ONLY public.workspace
    ADD CONSTRAINT workspace_pkey PRIMARY KEY (id);
CREATE INDEX credential_workspace ON public.credential USING btree (workspace_id) WHERE (workspace_id IS NOT NULL);
CREATE INDEX dead_letter_all ON public.dead_letter USING btree (ended_at, message_id) WHERE ((replayed_as IS NULL) AND (dropped_at IS NULL));
CREATE INDEX dead_letter_workspace ON public.dead_letter USING btree (workspace_id, ended_at, message_id) WHERE ((replayed_as IS NULL) AND (dropped_at IS NULL));
CREATE INDEX event_at ON public.event USING brin (at);
CREATE INDEX event_message ON public.event USING btree (message_id) WHERE (message_id IS NOT NULL);
CREATE INDEX event_peer ON public.event USING btree (peer_id, xid, id) WHERE (peer_id IS NOT NULL);
CREATE INDEX event_workspace ON public.event USING btree (workspace_id, xid, id);
CREATE INDEX file_kept ON public.file USING btree (keep_until) WHERE (keep_until < 'infinity'::timestamp with time zone);
CREATE UNIQUE INDEX file_key ON public.file USING btree (uploader_kind, uploader_id, idempotency_key) WHERE ((idempotency_key IS NOT NULL) AND (size IS NOT NULL));
CREATE INDEX message_delegation ON public.message USING btree (sender_id, accepted_at, id) WHERE ((role = 'user'::text) AND (sender_kind = 'workspace'::text) AND (reply_to IS NULL) AND (sender_id <> workspace_id));
CREATE UNIQUE INDEX message_key ON public.message USING btree (sender_kind, sender_id, idempotency_key) WHERE (idempotency_key IS NOT NULL);
CREATE INDEX message_parent ON public.message USING btree (parent_id) WHERE (parent_id IS NOT NULL);
CREATE UNIQUE INDEX message_report ON public.message USING btree (reply_to) WHERE ((role = 'user'::text) AND (reply_to IS NOT NULL));
CREATE INDEX message_strand ON public.message USING btree (workspace_id, strand, seq);
CREATE INDEX message_task ON public.message USING btree (task_id) WHERE ((task_id <> id) AND (role = 'user'::text));
CREATE INDEX message_thread ON public.message USING btree (workspace_id, thread_id, strand, seq);
CREATE INDEX message_traffic ON public.message USING btree (workspace_id, accepted_at, id) WHERE (strand = 'agents'::text);
CREATE INDEX work_active ON public.work USING btree (workspace_id, seq) WHERE (due_at < 'infinity'::timestamp with time zone);
CREATE INDEX work_calls ON public.work USING btree (due_at) WHERE called;
CREATE INDEX work_deadline ON public.work USING btree (deadline);
CREATE INDEX work_delegator ON public.work USING btree (delegator_id) WHERE (delegator_id IS NOT NULL);
CREATE INDEX work_hanging ON public.work USING btree (hangs_on) WHERE (hangs_on IS NOT NULL);
CREATE INDEX work_holder ON public.work USING btree (holder) WHERE (holder IS NOT NULL);
CREATE INDEX work_leases ON public.work USING btree (due_at) WHERE leased;
CREATE INDEX workspace_ancestors ON public.workspace USING gin (ancestors);
CREATE INDEX workspace_parent ON public.workspace USING btree (parent_id);
CREATE TRIGGER message_attaches_files AFTER INSERT ON public.message FOR EACH ROW WHEN ((new.body @? '$."parts"[*]."url"?(@ like_regex "^/files/[0-9a-f-]{36}$")'::jsonpath)) EXECUTE FUNCTION public.attach_files();
CREATE TRIGGER message_is_kept BEFORE DELETE OR UPDATE ON public.message FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER outcome_is_kept BEFORE DELETE OR UPDATE ON public.outcome FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
ALTER TABLE ONLY public.attachment
    ADD CONSTRAINT attachment_file_id_fkey FOREIGN KEY (file_id) REFERENCES public.file(id);
ALTER TABLE ONLY public.attachment
    ADD CONSTRAINT attachment_message_id_fkey FOREIGN KEY (message_id) REFERENCES public.message(id);
ALTER TABLE ONLY public.credential
    ADD CONSTRAINT credential_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.credential
    ADD CONSTRAINT credential_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspace(id);
ALTER TABLE ONLY public.dead_letter
    ADD CONSTRAINT dead_letter_message_id_fkey FOREIGN KEY (message_id) REFERENCES public.message(id);
ALTER TABLE ONLY public.dead_letter
    ADD CONSTRAINT dead_letter_replayed_as_fkey FOREIGN KEY (replayed_as) REFERENCES public.message(id);
ALTER TABLE ONLY public.dead_letter
    ADD CONSTRAINT dead_letter_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspace(id);
ALTER TABLE ONLY public.file_chunk
    ADD CONSTRAINT file_chunk_file_id_fkey FOREIGN KEY (file_id) REFERENCES public.file(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.login_code
    ADD CONSTRAINT login_code_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.mailbox
    ADD CONSTRAINT mailbox_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspace(id);
ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES public.message(id);
ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_reply_to_fkey FOREIGN KEY (reply_to) REFERENCES public.message(id);
ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspace(id);
ALTER TABLE ONLY public.outcome
    ADD CONSTRAINT outcome_message_id_fkey FOREIGN KEY (message_id) REFERENCES public.message(id);
ALTER TABLE ONLY public.outcome
    ADD CONSTRAINT outcome_reply_id_fkey FOREIGN KEY (reply_id) REFERENCES public.message(id);
ALTER TABLE ONLY public.presence
    ADD CONSTRAINT presence_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspace(id);
ALTER TABLE ONLY public.read_mark
    ADD CONSTRAINT read_mark_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspace(id);
ALTER TABLE ONLY public.work
    ADD CONSTRAINT work_message_id_fkey FOREIGN KEY (message_id) REFERENCES public.message(id);
ALTER TABLE ONLY public.work
    ADD CONSTRAINT work_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.mailbox(workspace_id);
ALTER TABLE ONLY public.workspace
    ADD CONSTRAINT workspace_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES public.workspace(id);
