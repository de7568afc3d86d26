"""What may happen to a PostgreSQL under a running server (reliability.md, T6). Each fault returns when it is over."""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import asyncpg
import psutil

from tests.crash.form import LONG
from tests.crash.load import until
from tests.support.server import ServerProcess

NOTICED_SECONDS = 10.0
FAULT_SECONDS = 3.0
# Longer than the server waits for a lock (5 s), and for anything (10 s).
LOCK_SECONDS = 7.0 if LONG else 0.4
BLOCK_SECONDS = 12.0 if LONG else 1.5
TABLES = ("mailbox", "message", "work", "outcome", "event", "credential", "workspace", "server")

Fault = Callable[[ServerProcess], Awaitable[None]]


@asynccontextmanager
async def superuser(server: ServerProcess) -> AsyncGenerator[asyncpg.Connection]:
    """A connection that no limit of the cluster ends."""
    connection = await asyncpg.connect(server.dsn("postgres"))
    try:
        await connection.execute("set idle_in_transaction_session_timeout = 0; set transaction_timeout = 0; set statement_timeout = 0")
        await connection.execute("set lock_timeout = 0")
        yield connection
    finally:
        await connection.close()


async def count_connections(server: ServerProcess) -> int:
    """Places that the server takes in its PostgreSQL."""
    async with superuser(server) as connection:
        return await connection.fetchval("select count(*) from pg_stat_activity where application_name = 'postroom'")


def processes(server: ServerProcess) -> list[psutil.Process]:
    postmaster = psutil.Process(server.database_pid)
    return [postmaster, *postmaster.children()]


# Ends


async def kill_a_backend(server: ServerProcess) -> None:
    """The out-of-memory killer takes one; PostgreSQL ends all others and recovers."""
    connection = await asyncpg.connect(server.dsn("postgres"))
    pid = await connection.fetchval("select pid from pg_stat_activity where application_name = 'postroom' limit 1")
    os.kill(pid, signal.SIGKILL)
    await until(connection.is_closed, NOTICED_SECONDS, "PostgreSQL ended every connection")


async def kill_the_postmaster(server: ServerProcess) -> None:
    server.kill_database()


async def stop_fast(server: ServerProcess) -> None:
    """As ``pg_ctl stop -m fast`` does; the server starts it again."""
    os.kill(server.database_pid, signal.SIGINT)


async def stop_immediately(server: ServerProcess) -> None:
    """As ``pg_ctl stop -m immediate`` does: it recovers at the next start."""
    os.kill(server.database_pid, signal.SIGQUIT)


async def terminate_a_backend(server: ServerProcess) -> None:
    async with superuser(server) as connection:
        await connection.execute("""
            select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'postroom' order by random() limit 1""")


async def terminate_all_backends(server: ServerProcess) -> None:
    async with superuser(server) as connection:
        await connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'postroom'")


# Waits


def stop_for(seconds: float) -> Fault:
    async def stop_for_a_while(server: ServerProcess) -> None:
        stopped = processes(server)
        for process in stopped:
            process.suspend()
        await asyncio.sleep(seconds)
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.resume()

    stop_for_a_while.__name__ += f"_{seconds:.0f}_s"
    return stop_for_a_while


async def lock_every_table(server: ServerProcess) -> None:
    """One after the other, as a change of the schema by hand would."""
    async with superuser(server) as connection:
        for table in random.sample(TABLES, len(TABLES)):
            async with connection.transaction():
                await connection.execute(f"lock table {table} in access exclusive mode")
                await asyncio.sleep(LOCK_SECONDS)


async def block_a_mailbox(server: ServerProcess) -> None:
    """Somebody looks by hand, with a lock, and goes for a coffee."""
    async with superuser(server) as connection, connection.transaction():
        await connection.execute("select from mailbox limit 1 for update")
        await asyncio.sleep(BLOCK_SECONDS)


async def cancel_every_statement(server: ServerProcess) -> None:
    """What a time-out of statements does that is too short for the load."""
    give_up = time.monotonic() + BLOCK_SECONDS
    async with superuser(server) as connection:
        while time.monotonic() < give_up:
            await connection.execute("select pg_cancel_backend(pid) from pg_stat_activity where application_name = 'postroom'")
            await asyncio.sleep(0.01)


# Refusals


async def make_it_read_only(server: ServerProcess) -> None:
    """What a primary is told that must not be written to any more."""
    async with superuser(server) as connection:
        await connection.execute("alter system set default_transaction_read_only = on")
        await connection.execute("select pg_reload_conf()")
        await asyncio.sleep(BLOCK_SECONDS)
        await connection.execute("set default_transaction_read_only = off")
        await connection.execute("alter system reset default_transaction_read_only")
        await connection.execute("select pg_reload_conf()")


async def lock_the_server_out(server: ServerProcess) -> None:
    """Somebody changes the server's role, and it may not come in for a while."""
    async with superuser(server) as connection:
        await connection.execute("alter role postroom nologin")
        await terminate_all_backends(server)
        await asyncio.sleep(BLOCK_SECONDS)
        await connection.execute("alter role postroom login")


async def use_up_the_connections(server: ServerProcess) -> None:
    """Somebody else takes every place, also those of the server's own connections when these are cut."""
    taken: list[asyncpg.Connection] = []
    await _take_all(server, taken)
    await terminate_all_backends(server)
    give_up = time.monotonic() + FAULT_SECONDS
    while time.monotonic() < give_up:
        await _take_all(server, taken)
        await asyncio.sleep(0.01)
    assert len(taken) > 40
    for connection in taken:
        connection.terminate()


async def _take_all(server: ServerProcess, taken: list[asyncpg.Connection]) -> None:
    try:
        while True:
            taken.append(await asyncpg.connect(server.dsn()))
    except asyncpg.TooManyConnectionsError:
        return


ALL: list[Fault] = [
    kill_a_backend,
    kill_the_postmaster,
    stop_fast,
    stop_immediately,
    terminate_a_backend,
    terminate_all_backends,
    stop_for(FAULT_SECONDS),
    lock_every_table,
    block_a_mailbox,
    cancel_every_statement,
    use_up_the_connections,
    lock_the_server_out,
    make_it_read_only,
]


def choose() -> list[Fault]:
    """In any order: many of each; in the short form some, other ones every time, and always those with an answer of their own."""
    chosen = [*ALL * 8, stop_for(30.0), stop_for(90.0)] if LONG else [*random.sample(ALL[:-2], 4), lock_the_server_out, make_it_read_only]
    return random.sample(chosen, len(chosen))
