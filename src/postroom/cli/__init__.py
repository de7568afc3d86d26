"""The ``postroom`` command. Server modules are imported only by the commands that run a server, so that the rest start at once."""

import os
import sys


def main() -> None:
    """Run the command line and end the process with the exit code that ``docs/cli.md`` lists."""
    from postroom.cli.program import app

    try:
        app(prog_name="postroom")
    except Exception as error:  # boundary: a person gets a sentence and an exit code, never a traceback
        if os.environ.get("POSTROOM_DEBUG") == "1":
            raise
        sys.exit(_report(error))


def _report(error: Exception) -> int:
    from postroom.cli.exits import stop_of
    from postroom.cli.output import print_stop

    stop = stop_of(error)
    print_stop(stop)
    return stop.code
