"""The life of a bridge: from the first line on stdin to its end, whoever brings it about."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, NoReturn

from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from postroom.bridge.desk import ClientDesk
from postroom.bridge.notices import EXPERIMENTAL, Notices
from postroom.bridge.seat import Seat, Settle
from postroom.bridge.server import server_of


async def run_bridge(settles: Mapping[str, Settle]) -> None:
    """Be the agents of these workspaces, by name, for the client on stdin and stdout, until it closes stdin or a signal comes."""
    notices = Notices()
    seats = {name: Seat(settle, notices.watch) for name, settle in settles.items()}
    server = server_of({name: ClientDesk(seat) for name, seat in seats.items()})
    notices.attach(server)
    await serve(server, [seat.run() for seat in seats.values()])


async def serve(server: Server[Any], loops: Sequence[Coroutine[Any, Any, None]] = ()) -> None:
    """Serve the client on stdin and stdout while ``loops`` run, until it closes stdin or a signal comes."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Windows has no signal handlers on the event loop: there the process dies at once, and leases run out.
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with asyncio.TaskGroup() as tasks:
        conversation = tasks.create_task(_converse(server))
        conversation.add_done_callback(lambda _: stopping.set())
        running = [tasks.create_task(loop) for loop in loops]
        await stopping.wait()
        await _end(running)
        if not conversation.done():
            _leave()


async def _converse(server: Server[Any]) -> None:
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options(experimental_capabilities=EXPERIMENTAL))


async def _end(running: Sequence[asyncio.Task[None]]) -> None:
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running)


def _leave() -> NoReturn:
    """End at once: the thread that reads stdin can not be stopped, and the client may keep it open. Nothing else is left to do."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(0)
