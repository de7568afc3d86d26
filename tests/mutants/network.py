"""Seeded bugs about networks, databases and servers that are not there for a while."""

from tests.mutants.seed import Seed

NETWORK = [
    Seed(
        name="R24 a connection that broke counts as one that never was",
        file="edges/push/connections.py",
        old="        if _NEVER_CONNECTED in _causes(error):\n",
        new="        if not isinstance(error, RequestTimeoutError):\n",
        tests=("tests/crash/test_agent_cuts.py::test_a_call_may_be_cut_anywhere_and_takes_effect_once",),
    ),
    Seed(
        name="T8 a silent database is found out on one connection after the other",
        file="db/database.py",
        old="            await self._forget_connections()\n",
        new="",
        tests=("tests/crash/test_silence.py::test_silence_is_noticed",),
    ),
    Seed(
        name="T8 a server stays away while PostgreSQL believes in the connection that it lost",
        file="workers/wake.py",
        old="            await store.end_holder(connection, lock_key)\n",
        new="",
        tests=("tests/workers/test_rescue.py::test_a_server_takes_its_lock_back_from_a_connection_that_it_lost",),
    ),
]
