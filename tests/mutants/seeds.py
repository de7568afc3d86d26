"""All seeded bugs, one list per part of the path."""

from tests.mutants.agents import AGENTS
from tests.mutants.bridge import BRIDGE
from tests.mutants.delegations import DELEGATIONS
from tests.mutants.faults import FAULTS
from tests.mutants.files import FILES
from tests.mutants.lessons import LESSONS
from tests.mutants.mcp import MCP
from tests.mutants.network import NETWORK
from tests.mutants.page import PAGE
from tests.mutants.page_team import PAGE_TEAM
from tests.mutants.races import RACES
from tests.mutants.reading import READING
from tests.mutants.seed import Seed
from tests.mutants.streams import STREAMS

PATH = "tests/core/test_path.py"
FUNCTIONS = "src/postroom/sql/migrations/0005_create_delivery_functions.sql"

GROWTH = "tests/core/test_growth.py"

CORE = [
    Seed(
        name="R22 finish without a look at the token",
        file=FUNCTIONS,
        old="elsif (given.held).token = given.token then",
        new="elsif (given.held).message_id is not null then",
        tests=(f"{PATH}::test_old_token_is_fenced_once_another_holds_the_lease",),
    ),
    Seed(
        name="R12 another body under the same key is taken for the same message",
        file=FUNCTIONS,
        old="case when said.id <> given.id and said.fingerprint <> given.fingerprint then",
        new="case when false then",
        tests=(f"{PATH}::test_same_key_is_the_same_message_and_another_body_is_refused",),
    ),
    Seed(
        name="R20 the next in line is not let out",
        file=FUNCTIONS,
        old="case when has_room(b) then promote_work(b.workspace_id) else 0 end as promoted",
        new="0 as promoted",
        tests=(f"{PATH}::test_strict_mailbox_hands_out_one_at_a_time_and_promotes_at_the_end",),
    ),
    Seed(
        name="R24 an agent that could not be reached costs an attempt",
        file=FUNCTIONS,
        old="attempt = attempt - (p_kinds[i] <> 'retry')::integer",
        new="attempt = attempt",
        tests=(f"{PATH}::test_not_handed_costs_no_attempt_and_pauses_the_mailbox",),
    ),
    Seed(
        name="R33 handed out after the deadline",
        file=FUNCTIONS,
        old="              and w.deadline > moment and w.attempt",
        new="              and w.attempt",
        tests=(f"{PATH}::test_deadline_ends_a_message_and_nothing_is_handed_after_it",),
    ),
    Seed(
        name="R40 the feed is read up to the newest event",
        file="src/postroom/sql/queries/events.sql",
        old="""    (select * from event where workspace_id = $4 and (xid, id) > ($1::text::xid8, $2::bigint)
        and xid < pg_snapshot_xmin(pg_current_snapshot()) order by xid, id limit $3)""",
        new="""    (select * from event where workspace_id = $4 and (xid, id) > ($1::text::xid8, $2::bigint)
        order by xid, id limit $3)""",
        tests=("tests/core/test_events.py::test_follower_misses_nothing_while_many_write",),
    ),
    Seed(
        name="R40 the feed is ordered by the text of a number",
        file="src/postroom/sql/queries/events.sql",
        old="""pg_snapshot_xmin(pg_current_snapshot())
order by event.xid, event.id limit $3

-- name: read_workspace_events""",
        new="""pg_snapshot_xmin(pg_current_snapshot())
order by xid, id limit $3

-- name: read_workspace_events""",
        tests=("tests/core/test_events.py::test_transactions_are_ordered_as_numbers_not_as_text",),
    ),
    Seed(
        name="S1 the tree rule is not asked",
        file=FUNCTIONS,
        old="if (found and may_talk(source, given.target)) is not true then",
        new="if false then",
        tests=(f"{PATH}::test_unknown_target_and_stranger_are_the_same_not_found",),
    ),
    Seed(
        name="S2 a revoked token still writes",
        file=FUNCTIONS,
        old="where id = any(p_ids) and revoked_at is null and",
        new="where id = any(p_ids) and",
        tests=(f"{PATH}::test_revoked_token_is_refused_inside_the_writing_statement",),
    ),
    Seed(
        name="S2 a replaced operator token goes on working",
        file="src/postroom/app.py",
        old='else f"made on first start {place}"',
        new='else f"made on first start {token}"[:200]',
        tests=("tests/edges/test_operator_token.py::test_a_new_operator_token_ends_the_old_one",),
    ),
    Seed(
        name="R80 leases of a live server are taken",
        file="src/postroom/sql/queries/deliveries.sql",
        old="where lost_at is null and id <> $1 and pg_try_advisory_xact_lock(70772, lock_key::int)",
        new="where lost_at is null and id <> $1",
        tests=("tests/workers/test_rescue.py::test_server_whose_lock_is_held_is_not_suspected",),
    ),
    Seed(
        name="R80 leases of a dead server wait until they run out",
        file="src/postroom/sql/queries/deliveries.sql",
        old="update work w set due_at = least(w.due_at, clock_timestamp()) from orphans",
        new="update work w set due_at = w.due_at from orphans",
        tests=("tests/workers/test_rescue.py::test_calls_of_a_server_that_died_are_due_at_once",),
    ),
    Seed(
        name="R14 what waited is counted as if it had been out",
        file=FUNCTIONS,
        old="count(*) as closed, count(*) filter (where k.due_at < 'infinity') as active",
        new="count(*) as closed, count(*) as active",
        tests=(f"{PATH}::test_removed_workspace_fails_its_post_and_is_gone",),
    ),
    Seed(
        name="T23 a feed goes on when its reader has left",
        file="src/postroom/edges/live/sse.py",
        old="                if await self._request.is_disconnected():\n                    return\n",
        new="",
        tests=("tests/crash/test_leaks.py::test_what_comes_and_goes_leaves_nothing_behind",),
    ),
    Seed(
        name="T23 an agent that left meanwhile breaks the end of its stream",
        file="src/postroom/edges/rest/inbox_stream.py",
        old="        except WebSocketDisconnect:\n            # It left before it could be told why.",
        new="        except TimeoutError:\n            # It left before it could be told why.",
        tests=("tests/edges/test_inbox_stream.py::test_an_agent_that_left_before_it_was_told_of_the_end_is_no_fault",),
    ),
    Seed(
        name="T24 a page of the history sorts the whole mailbox",
        file="src/postroom/sql/queries/messages.sql",
        old="order by m.strand desc, m.seq desc limit $7)",
        new="order by -m.seq limit $7)",
        tests=(f"{GROWTH}::test_page_of_the_history",),
    ),
    Seed(
        name="T24 the gauges look at every waiting message",
        file="src/postroom/sql/queries/deliveries.sql",
        old="(select count(*) as leased from work where leased) l",
        new="(select count(*) filter (where leased) as leased from work) l",
        tests=(f"{GROWTH}::test_background_looks",),
    ),
]

MATRIX = "tests/crash/test_matrix.py::test_what_dies_comes_back_whole"

# Nothing fails of these until something dies between two steps: only the crash matrix sees them.
CRASHES = [
    Seed(
        name="P1 a migration and the note of it are two transactions",
        file="src/postroom/db/migrate.py",
        old="""    async with connection.transaction():
        reach("migrate.begun")
""",
        new="""    if True:
        reach("migrate.begun")
""",
        tests=(f"{MATRIX}[migrated-server-migrate.changed-3]",),
    ),
    Seed(
        name="P2 nobody goes on with a removal that was cut short",
        file="src/postroom/workers/rescue.py",
        old="        await self._services.workspaces.finish_removals()\n",
        new="",
        tests=(f"{MATRIX}[removed-server-removal.marked]",),
    ),
]

SEEDS = [
    *CORE,
    *FAULTS,
    *CRASHES,
    *LESSONS,
    *NETWORK,
    *RACES,
    *AGENTS,
    *BRIDGE,
    *MCP,
    *DELEGATIONS,
    *STREAMS,
    *READING,
    *FILES,
    *PAGE,
    *PAGE_TEAM,
]
