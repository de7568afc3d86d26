"""Seeded bugs that only a fault of the machine brings out."""

from tests.mutants.seed import Seed

# Also the control run of the power cuts. The check at the start does not see it: the first loan of a connection is as it should be.
NO_WAITING_FOR_THE_DISK = Seed(
    name="R4 a connection that is given back does not wait for the disk any more",
    file="db/database.py",
    old="async def _keep_session(_connection: Connection) -> None:\n",
    new="""async def _keep_session(_connection: Connection) -> None:
    await _connection.execute("set synchronous_commit = off")
""",
    tests=("tests/faults/test_power.py::test_what_is_acknowledged_outlives_a_power_cut",),
)

FAULTS = [NO_WAITING_FOR_THE_DISK]
