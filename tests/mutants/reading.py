"""Seeded bugs of reading: what is new, pages, and what came to nothing."""

from tests.mutants.seed import Seed

_READING = "tests/core/test_reading.py"
_QUERIES = "sql/queries/messages.sql"
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
        file="core/messages/reading.py",
        old="stopped = entries[-1].seq if entries and len(entries) == passage.limit else edge",
        new="stopped = edge",
        tests=(f"{_READING}::test_pages_together_miss_nothing_and_repeat_nothing",),
    ),
    Seed(
        name="L36 a search that has found nothing so far says that there is nothing",
        file="core/messages/reading.py",
        old="        more = stopped != edge or passed == most\n",
        new="        more = bool(entries) and (stopped != edge or passed == most)\n",
        tests=(f"{_READING}::test_pages_together_miss_nothing_and_repeat_nothing",),
    ),
    Seed(
        name="L12 an answer to another agent counts as said to people",
        file="sql/migrations/0005_create_delivery_functions.sql",
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
]
