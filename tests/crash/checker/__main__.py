"""``python -m tests.crash.checker DIRECTORY``: judge the run that left its journals there. Verdict as JSON; exit status 1 on any fault."""

import asyncio
import sys
from pathlib import Path

import orjson

from tests.crash.checker.database import read_events, read_rows
from tests.crash.checker.feeds import judge_feeds
from tests.crash.checker.journal import Journal
from tests.crash.checker.messages import judge_messages
from tests.crash.checker.public import Run, judge_public
from tests.crash.checker.verdict import Verdict


async def judge_run(directory: Path) -> Verdict:
    """The verdict on a run at rest whose server is up."""
    run, journal = Run.read(directory), Journal()
    journal.read_directory(directory)
    rows, events = await read_rows(run.dsn, run.mailboxes), await read_events(run.dsn)
    loose = {resident.id for resident in run.residents if resident.loose}
    verdict = judge_messages(journal, rows, [event for event in events if event.workspace in run.mailboxes], loose=loose)
    judge_feeds(journal, events, verdict)
    await judge_public(run, rows, verdict)
    verdict.wrong += [f"an answer that no fault explains: {what}" for what in journal.refused]
    return verdict


def main(directory: Path) -> int:
    """Print the verdict."""
    verdict = asyncio.run(judge_run(directory))
    told = {"classes": verdict.numbers, "faults": verdict.faults, "counts": verdict.counts}
    sys.stdout.buffer.write(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
    return 1 if verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
