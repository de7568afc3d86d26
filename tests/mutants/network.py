"""Seeded bugs about networks, databases and servers that are not there for a while."""

from tests.mutants.seed import Seed

NETWORK = [
    Seed(
        name="R24 a connection that broke counts as one that never was",
        file="src/postroom/edges/push/connections.py",
        old="        if _NEVER_CONNECTED in _causes(error):\n",
        new="        if not isinstance(error, RequestTimeoutError):\n",
        tests=("tests/crash/test_agent_cuts.py::test_a_call_may_be_cut_anywhere_and_takes_effect_once",),
    ),
    Seed(
        name="T8 a silent database is found out on one connection after the other",
        file="src/postroom/db/database.py",
        old="            await self._forget_connections()\n",
        new="",
        tests=("tests/crash/test_silence.py::test_silence_is_noticed",),
    ),
    Seed(
        name="T8 a server stays away while PostgreSQL believes in the connection that it lost",
        file="src/postroom/workers/wake.py",
        old="            await store.end_holder(connection, lock_key)\n",
        new="",
        tests=("tests/workers/test_rescue.py::test_a_server_takes_its_lock_back_from_a_connection_that_it_lost",),
    ),
    Seed(
        name="R90 a server that stops waits for a database that is silent",
        file="src/postroom/db/database.py",
        old="                if _cancellations() > cancelled:\n",
        new="                if False:\n",
        tests=("tests/crash/test_silence.py::test_who_is_cancelled_in_the_silence_does_not_wait_for_it",),
    ),
    Seed(
        name="R61 a database that may only be read is a fault of the server",
        file="src/postroom/db/database.py",
        old='"57014", "25P03", "25006")',
        new='"57014", "25P03")',
        tests=("tests/crash/test_database.py::test_nothing_is_lost_and_nobody_is_told_a_wrong_reason",),
    ),
    Seed(
        name="R61 a database that lets nobody in is a fault of the server",
        file="src/postroom/db/database.py",
        old="            if retry_reason(error) is not None:\n                raise\n            # It answers",
        new="            if error:\n                raise\n            # It answers",
        tests=("tests/crash/test_database.py::test_nothing_is_lost_and_nobody_is_told_a_wrong_reason",),
    ),
    Seed(
        name="R83 an older database is taken for the one that was there",
        file="src/postroom/db/lineage.py",
        old="        if found.newest < known.newest:\n",
        new="        if False:\n",
        tests=("tests/crash/test_lineage.py::test_an_older_database_is_refused_until_the_right_one_is_back",),
    ),
    Seed(
        name="R83 a server calls itself ready on the word of a connection that is gone",
        file="src/postroom/workers/wake.py",
        old="            self._connection.add_termination_listener(self._lose)\n",
        new="",
        tests=("tests/crash/test_lineage.py::test_an_older_database_is_refused_until_the_right_one_is_back",),
    ),
    Seed(
        name="T10 who takes over gets the token of the one who was frozen",
        file="src/postroom/sql/queries/deliveries.sql",
        old="update work w set leased = true, token = w.token + 1, attempt = w.attempt + 1, holder = $1",
        new="update work w set leased = true, token = greatest(w.token, 1), attempt = w.attempt + 1, holder = $1",
        tests=("tests/crash/test_rolling.py::test_each_server_may_stop_die_or_freeze",),
    ),
]
