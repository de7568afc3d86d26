"""``python -m tests.soak [--seed N] [--minutes M | --short]``: verdict in tmp/soak-N.json; exit status 1 when it did not hold."""

import argparse
import asyncio
import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import orjson

from tests.soak.report import report_of, words_of
from tests.soak.run import soak
from tests.soak.scale import FULL_MINUTES, Scale, full, short


def main(seed: int, scale: Scale, command: str) -> int:
    """Run it, write it down, say it."""
    # A short name in a place that the account of PostgreSQL may pass through: the path of a socket has some 100 bytes.
    directory = Path(tempfile.mkdtemp(prefix="soak-", dir="/tmp"))
    directory.chmod(0o711)
    print(f"seed {seed}, in {directory}", flush=True)
    report = report_of(asyncio.run(soak(directory, seed, scale, lambda line: print(line, flush=True))), command=command)
    out = Path("tmp") / f"soak-{seed}.json"
    out.parent.mkdir(exist_ok=True)
    out.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    print(words_of(report))
    if report["failures"]:
        print(f"everything that was written down is in {directory}")
        return 1
    shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    # What ends us ends the whole house, in order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seed", type=int, help="the schedule; a new one unless given")
    parser.add_argument("--minutes", type=float, default=FULL_MINUTES, help="how long faults come")
    parser.add_argument("--hours", type=float, help="the same in hours")
    parser.add_argument("--short", action="store_true", help="some seconds, as in the tests")
    given = parser.parse_args()
    minutes: float = given.minutes if given.hours is None else given.hours * 60
    chosen = random.SystemRandom().randrange(10_000) if given.seed is None else given.seed
    size = f"--minutes {minutes:g}" if not given.short else "--short"
    sys.exit(main(chosen, short() if given.short else full(minutes), f"python -m tests.soak --seed {chosen} {size}"))
