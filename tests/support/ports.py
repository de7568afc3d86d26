"""Ports that stay free until somebody listens there.

A port that the system gives away (``bind`` to 0) may be given to another a moment later; a server that takes a second to start then
finds it in use. These lie below the range that systems give from (32768 on Linux, 49152 on macOS and Windows), and workers of one
run share none.
"""

import os
import random
import socket

# From 12000: browsers refuse some ports below.
_FIRST, _LAST = 12_000, 32_767
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_OWN = range(_FIRST + _WORKER, _LAST + 1, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
# Each once, in an order that no other run has. An iterator of a list: threads may ask it at the same time.
_ports = iter(random.SystemRandom().sample(_OWN, len(_OWN)))


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now, and that only the caller will."""
    for port in _ports:
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
    raise AssertionError("this worker has used up its ports")
