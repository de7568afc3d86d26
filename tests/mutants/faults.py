"""Seeded bugs that only a fault of the machine brings out."""

from tests.mutants.seed import Seed

# Also the control run of the power cuts. The check at the start does not see it: the first loan of a connection is as it should be.
NO_WAITING_FOR_THE_DISK = Seed(
    name="R4 a connection that is given back does not wait for the disk any more",
    file="src/postroom/db/database.py",
    old="async def _keep_session(_connection: Connection) -> None:\n",
    new="""async def _keep_session(_connection: Connection) -> None:
    await _connection.execute("set synchronous_commit = off")
""",
    tests=("tests/faults/test_power.py::test_what_is_acknowledged_outlives_a_power_cut",),
)

_FULL_DISK = "tests/faults/test_full_disk.py"
_REFUSES = f"{_FULL_DISK}::test_a_disk_that_fills_up_refuses_what_is_new_and_takes_answers"

FAULTS = [
    NO_WAITING_FOR_THE_DISK,
    Seed(
        name="R7 while there is little disk, replies are refused as well",
        file="src/postroom/workers/loops.py",
        old="        services.messages.no_room = services.files.no_room = disk.no_room\n",
        new="""        services.messages.no_room = services.files.no_room = disk.no_room
        submit = services.deliveries.finishes.submit

        async def refuse(item, *, size=0):
            if (full := disk.no_room()) is not None:
                raise full
            return await submit(item, size=size)

        services.deliveries.finishes.submit = refuse
""",
        tests=(_REFUSES,),
    ),
    Seed(
        name="R7 the disk of the write-ahead log is not watched",
        file="src/postroom/db/embedded/place.py",
        old='    return (data, data / CLUSTER, data / CLUSTER / "pg_wal")\n',
        new="    return (data,)\n",
        tests=(_REFUSES,),
    ),
    Seed(
        name="R7 each start that fails on a full disk leaves a file",
        file="src/postroom/db/embedded/place.py",
        old="        new.unlink(missing_ok=True)\n        raise\n",
        new="        raise\n",
        tests=(f"{_FULL_DISK}::test_a_private_file_that_finds_no_room_is_not_left_behind",),
    ),
    Seed(
        name="R7 a statement that found no room is a fault of the server",
        file="src/postroom/db/database.py",
        old="            except asyncpg.DiskFullError as error:\n",
        new="            except asyncpg.TooManyColumnsError as error:\n",
        tests=(f"{_FULL_DISK}::test_a_disk_that_is_full_to_the_last_byte_loses_nothing",),
    ),
]
