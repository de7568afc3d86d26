"""Judges what a post room did under faults. It shares no code with the server.

It knows what the senders, agents and followers of a test wrote down (``Journal``), what stands in the database in the end, and what the
public API shows to each principal. The account is that of Jepsen's total-queue checker: everything acknowledged must be there, once, in
order, with one answer, at an end, and shown to nobody else. ``python -m tests.crash.checker DIRECTORY`` judges the run that was written
down in a directory.
"""

from tests.crash.checker.database import Event, Row, describe_work, read_rows, unfinished
from tests.crash.checker.journal import Journal, answer_to, end_of
from tests.crash.checker.messages import judge
from tests.crash.checker.verdict import Verdict

__all__ = ["Event", "Journal", "Row", "Verdict", "answer_to", "describe_work", "end_of", "judge", "read_rows", "unfinished"]
