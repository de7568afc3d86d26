"""Seeded bugs of reading: what is new, pages, and what came to nothing."""

from tests.mutants.seed import Seed

_READING = "tests/core/test_reading.py"
_TRAFFIC = "tests/core/test_traffic.py"
_LETTERS = "tests/core/test_dead_letters.py"
_QUERIES = "src/postroom/sql/queries/messages.sql"
_ROWS = (
    "          and (m.strand, m.seq) > (s.strand, coalesce($5, 0)) "
    "and (m.strand, m.seq) < (s.strand, coalesce($4, 9223372036854775807))\n"
    "          and ($6::timestamptz is null or m.accepted_at < $6)\n"
)

READING = [
    Seed(
        name="L36 a mark of what was read moves back",
        file=_QUERIES,
        old=" where read_mark.seq < excluded.seq\n",
        new="\n",
        tests=(f"{_READING}::test_marks_are_each_readers_own_and_never_move_back",),
    ),
    Seed(
        name="L36 what is still to come can be marked as read",
        file=_QUERIES,
        old="select $1, b.workspace_id, least($3, b.last_seq) from",
        new="select $1, b.workspace_id, $3::bigint from",
        tests=(f"{_READING}::test_marks_are_each_readers_own_and_never_move_back",),
    ),
    Seed(
        name="L36 a page of a search goes on from where it looked, and not from where it stopped showing",
        file="src/postroom/core/messages/reading.py",
        old="stopped = shown[-1] if shown and len(shown) == limit else edge",
        new="stopped = edge",
        tests=(f"{_READING}::test_pages_together_miss_nothing_and_repeat_nothing",),
    ),
    Seed(
        name="L36 a search that has found nothing so far says that there is nothing",
        file="src/postroom/core/messages/reading.py",
        old="    more = stopped != edge or not ended\n",
        new="    more = bool(shown) and (stopped != edge or not ended)\n",
        tests=(f"{_READING}::test_pages_together_miss_nothing_and_repeat_nothing",),
    ),
    Seed(
        name="L36 a search that stopped within what it may pass by says that this was the end",
        file=_QUERIES,
        old="e.looked_at = p.passed and p.passed < $7 as ended",
        new="p.passed < $7 as ended",
        tests=(f"{_READING}::test_a_search_through_large_messages_stops_sooner_and_misses_nothing",),
    ),
    Seed(
        name="L36 a page of the activity that goes back passes over what the same transaction did",
        file="src/postroom/core/events/store.py",
        old="place = (str(before.xid), before.id) if",
        new="place = (str(before.xid), 0) if",
        tests=("tests/core/test_events.py::test_the_feed_is_read_backwards_without_a_gap_though_its_times_are_out_of_order",),
    ),
    Seed(
        name="L12 an answer to another agent counts as said to people",
        file="src/postroom/sql/migrations/0005_create_delivery_functions.sql",
        old="case one.strand when 'from_people' then 'to_people' else 'agents' end",
        new="'to_people'",
        tests=(f"{_READING}::test_what_people_and_what_agents_say_are_two_conversations",),
    ),
    Seed(
        name="T24 rare lines are looked for among all others",
        file=_QUERIES,
        old=_ROWS + "        order by m.strand desc, m.seq desc limit $7)",
        new="          and m.strand = s.strand and m.seq > coalesce($5, 0) and m.seq < coalesce($4, 9223372036854775807)\n"
        "        order by m.seq desc limit $7)",
        tests=(f"{_READING}::test_chats_and_rare_lines_cost_what_they_show",),
    ),
    Seed(
        name="L12 what an agent asks of others is not in its traffic",
        file=_QUERIES,
        old="        where $4::timestamptz is null and m.sender_id = $1\n",
        new="        where false and $4::timestamptz is null and m.sender_id = $1\n",
        tests=(f"{_TRAFFIC}::test_both_directions_are_one_conversation_in_the_order_of_time",),
    ),
    Seed(
        name="L36 a page of the traffic passes over what was said in the same instant",
        file="src/postroom/core/messages/reading.py",
        old="        return at, message\n",
        new="        return at, _FIRST\n",
        tests=(f"{_TRAFFIC}::test_pages_together_miss_nothing_and_repeat_nothing",),
    ),
    Seed(
        name="L12 the answer that nobody posts back is not in the traffic",
        file="src/postroom/sql/migrations/0010_create_traffic.sql",
        old="asked.workspace_id <> p_workspace and not asked.report",
        new="asked.workspace_id <> p_workspace and asked.report",
        tests=(f"{_TRAFFIC}::test_what_comes_back_without_a_post_stands_with_what_was_asked",),
    ),
    Seed(
        name="T24 a page of the traffic reads all of it",
        file=_QUERIES,
        old="m.strand = 'agents' and (m.accepted_at, m.id) < ($2::timestamptz, $3::uuid)\n"
        "        order by m.accepted_at desc, m.id desc limit $6)",
        new="m.strand = 'agents' and (m.accepted_at, m.id) < ($2::timestamptz, $3::uuid))",
        tests=(f"{_TRAFFIC}::test_a_page_of_the_traffic_costs_what_it_shows",),
    ),
    Seed(
        name="S1 a part of a message is read at a workspace that has nothing to do with it",
        file=_QUERIES,
        old="and $2 in (m.workspace_id, m.sender_id, asked.sender_id)",
        new="and $2::uuid is not null",
        tests=(f"{_TRAFFIC}::test_what_comes_back_without_a_post_stands_with_what_was_asked",),
    ),
    Seed(
        name="L36 a thread is listed again where an older part of it is looked at",
        file=_QUERIES,
        old="    select t.* from thread t\n    where not exists (",
        new="    select t.* from thread t\n    where true or not exists (",
        tests=("tests/core/test_threads.py::test_pages_together_have_each_thread_once",),
    ),
    Seed(
        name="L36 threads end where one call stops looking",
        file="src/postroom/core/messages/reading.py",
        old="for thread in threads], limit, edge, ended=ended)",
        new="for thread in threads], limit, edge, ended=True)",
        tests=("tests/core/test_threads.py::test_pages_together_have_each_thread_once",),
    ),
    Seed(
        name="R12 a replay that is asked for again makes another message",
        file="src/postroom/sql/migrations/0005_create_delivery_functions.sql",
        old="            update dead_letter d set replayed_as = r.replayed_as from unnest(replayed) r where d.message_id = r.message_id;\n",
        new="            perform 1;\n",
        tests=(f"{_LETTERS}::test_a_replay_that_is_repeated_is_the_same_message_whoever_asks",),
    ),
    Seed(
        name="R12 two that replay a dead letter at once make two messages",
        file="src/postroom/core/messages/service.py",
        old="    if item.draft.letter is not None:\n        return item.draft.letter\n",
        new="",
        tests=(f"{_LETTERS}::test_replays_of_two_that_race_are_one_message",),
    ),
    Seed(
        name="R12 a dead letter that is being dropped is replayed",
        file="src/postroom/sql/migrations/0005_create_delivery_functions.sql",
        old="            if letter.dropped_at is not null then\n",
        new="            if false then\n",
        tests=(f"{_LETTERS}::test_what_was_dropped_is_not_replayed_and_what_was_replayed_is_not_dropped",),
    ),
    Seed(
        name="U1 what expired is no dead letter",
        file="src/postroom/sql/migrations/0005_create_delivery_functions.sql",
        old="        where o.state in ('failed', 'expired');\n",
        new="        where o.state in ('failed');\n",
        tests=(f"{_LETTERS}::test_what_failed_or_expired_is_a_dead_letter_and_nothing_else_is",),
    ),
]
