"""``python -m postroom.cli.tether [-m MODULE | SCRIPT] [ARGUMENT...]``: run a Python program that ends with whoever started it.

The starter keeps the other end of our standard input open and writes nothing to it. However the starter ends, kill -9 included, the
system closes that end, and the program stops: first as on SIGTERM, and when it has not after a while, at once.
"""

import os
import runpy
import signal
import sys
import threading

# Longer than an agent takes to stop cleanly: a grace for its handlers and one for its replies, 10 s each by default.
GRACE_SECONDS = 25.0


def main() -> None:
    """Take our own name off the arguments and become the program."""
    threading.Thread(target=_end_with_starter, name="tether", daemon=True).start()
    del sys.argv[0]
    if sys.argv[0] == "-m":
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")


def _end_with_starter() -> None:
    # Below Python's own file objects: those are locked while the interpreter ends, and a thread that waits in one makes it abort.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(GRACE_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
