"""Seeded bugs in delegation: whose end is told where, on whose behalf and how far, and what is cancelled with what."""

from tests.mutants.seed import Seed

_FUNCTIONS = "src/postroom/sql/migrations/0005_create_delivery_functions.sql"
_QUERIES = "src/postroom/sql/queries/delegations.sql"
_CORE = "tests/core/test_delegations.py"
_RACES = "tests/races/test_delegations.py"
_MATRIX = "tests/crash/test_matrix.py::test_what_dies_comes_back_whole"
_FORGED = "tests/edges/test_reports.py"

_TOLD = [
    Seed(
        name="L13 an end is told by somebody who comes by later",
        file=_FUNCTIONS,
        old="""        left join post_ends(awaited) n on n.message_id = o.message_id and n.active;
end $$;
""",
        new="""        left join (select null::uuid as message_id, null::uuid as reader, false as called) n on n.message_id = o.message_id;
end $$;

create function tell_untold() returns trigger language plpgsql as $$
begin
    perform post_ends(array(select o from outcome o join message m on m.id = o.message_id
        where m.report and not exists (select from message r where r.reply_to = m.id and r.role = 'user')));
    return null;
end $$;
create trigger tell_untold after update on server execute function tell_untold();
""",
        tests=(f"{_CORE}::test_an_answer_comes_into_the_delegators_mailbox_with_the_end",),
    ),
    Seed(
        name="L13 a cancel is told to nobody",
        file=_FUNCTIONS,
        old="        if one.report then\n",
        new="        if one.report and ended.state <> 'cancelled' then\n",
        tests=(f"{_CORE}::test_every_end_is_told",),
    ),
    Seed(
        name="L13 that a deadline passed is told to nobody",
        file=_FUNCTIONS,
        old="        if one.report then\n",
        new="        if one.report and ended.state <> 'expired' then\n",
        tests=(f"{_CORE}::test_every_end_is_told",),
    ),
    Seed(
        name="L13 what a removal ends is told to nobody",
        file=_FUNCTIONS,
        old="        if one.report then\n",
        new="        if one.report and ended.error ->> 'code' is distinct from 'workspace_removed' then\n",
        tests=(f"{_MATRIX}[delegated_removed-backend-tell.message_inserted]",),
    ),
    Seed(
        name="L8 who delegates to wait is told as well",
        file=_FUNCTIONS,
        old="        if one.report then\n",
        new="        if one.sender_kind = 'workspace' then\n",
        tests=(f"{_CORE}::test_who_waits_instead_gets_no_post",),
    ),
    Seed(
        name="T13 who is told is not locked meanwhile",
        file=_FUNCTIONS,
        old="lock_mailboxes(p_workspaces || array(\n        select m.sender_id from unnest(p_messages)",
        new="lock_mailboxes(p_workspaces || array(\n        select m.sender_id from unnest('{}'::uuid[])",
        tests=(f"{_RACES}::test_ends_in_many_mailboxes_are_told_in_one",),
    ),
    Seed(
        name="L13 the post that tells an end brings none of the answer",
        file=_FUNCTIONS,
        old="        content := coalesce((select m.body from message m where m.id = ended.reply_id),",
        new="        content := coalesce(null::jsonb,",
        tests=(f"{_MATRIX}[delegated-backend-tell.work_inserted]",),
    ),
    Seed(
        name="L13 an end is posted to a workspace that was removed",
        file=_FUNCTIONS,
        old="where w.id = asked.sender_id and w.removed_at is null;",
        new="where w.id = asked.sender_id;",
        tests=(f"{_CORE}::test_a_delegator_that_was_removed_is_told_nothing_and_nothing_is_stuck",),
    ),
    Seed(
        name="S9 a message says of itself that it tells an end",
        file="src/postroom/edges/rest/inbox_verbs.py",
        old='"report": delivery.report,',
        new='"report": delivery.report or (delivery.message.get("metadata") or {}).get("postroom", {}).get("report"),',
        tests=(f"{_FORGED}::test_what_a_message_says_of_itself_is_no_report[fetching]",),
    ),
    Seed(
        name="S9 what a sender wrote outdoes what the server says of it",
        file="src/postroom/edges/push/caller.py",
        old='metadata | {"postroom": words}',
        new='{"postroom": words} | metadata',
        tests=(f"{_FORGED}::test_what_a_message_says_of_itself_is_no_report[called]",),
    ),
]

_LIMITS = [
    Seed(
        name="S3 a chain may come back to where it began",
        file=_FUNCTIONS,
        old="        when p_target.id = any(held.chain) then 'cycle'",
        new="        when false then 'cycle'",
        tests=(f"{_CORE}::test_a_chain_that_comes_back_is_refused_with_the_chain",),
    ),
    Seed(
        name="S3 a chain has no end",
        file=_FUNCTIONS,
        old="        when cardinality(chain) > p_deepest then 'too_deep'",
        new="        when false then 'too_deep'",
        tests=(f"{_CORE}::test_a_chain_is_at_most_eight_long",),
    ),
    Seed(
        name="S3 only the last of a chain needs the right to ask",
        file=_FUNCTIONS,
        old="        when exists (\n            select from unnest(held.chain) with ordinality link",
        new="        when false and exists (\n            select from unnest(held.chain) with ordinality link",
        tests=(f"{_CORE}::test_the_rights_of_a_chain_are_the_intersection",),
    ),
    Seed(
        name="S3 who names no message has the rights of the shortest chain",
        file=_FUNCTIONS,
        old="    order by cardinality(m.chain) desc, w.seq limit 1;",
        new="    order by cardinality(m.chain), w.seq limit 1;",
        tests=(f"{_CORE}::test_of_several_messages_in_hand_the_longest_chain_counts_unless_one_is_named",),
    ),
    Seed(
        name="S3 any number of delegations may be open",
        file=_FUNCTIONS,
        old="        when p_waiting + (select count(*)",
        new="        when false and p_waiting + (select count(*)",
        tests=(f"{_CORE}::test_sixty_four_delegations_are_open_at_most",),
    ),
    Seed(
        name="S3 those that are accepted together do not count against one another",
        file=_FUNCTIONS,
        old="        when p_waiting + (select count(*)",
        new="        when (select count(*)",
        tests=(f"{_CORE}::test_sixty_four_delegations_are_open_at_most",),
    ),
    Seed(
        name="S3 a message that has ended is as good as one in hand",
        file=_FUNCTIONS,
        old="        when p_named is not null and held.id is null then 'parent_ended'\n",
        new="",
        tests=(f"{_CORE}::test_what_hangs_on_a_message_is_cancelled_with_its_end",),
    ),
]

_ORPHANS = [
    Seed(
        name="S3 what hangs on a message outlives it",
        file="src/postroom/workers/loops.py",
        old='        Loop(name="orphans", run_once=services.delegations.cancel_orphans, interval=poll),\n',
        new="",
        tests=(f"{_MATRIX}[delegated_orphaned-server-orphan.cancelled]",),
    ),
    Seed(
        name="S3 what hangs on a message is cancelled while that goes on",
        file=_QUERIES,
        old=" and not exists (select from work p where p.message_id = w.hangs_on) limit $1",
        new=" limit $1",
        tests=(f"{_CORE}::test_what_hangs_on_a_message_is_cancelled_with_its_end",),
    ),
]

DELEGATIONS = [*_TOLD, *_LIMITS, *_ORPHANS]
