"""The account of the posts that tell ends: one for each end that is to be told, where it belongs, saying what came of it; no other."""

from collections import defaultdict

from tests.crash.checker.database import Row
from tests.crash.checker.verdict import Verdict


def judge_reports(asked: list[Row], replies: list[Row], verdict: Verdict) -> None:
    """``asked`` are all messages to agents, posts about ends among them: those of whoever delegates are read together with the rest."""
    told: dict[str, list[Row]] = defaultdict(list)
    for row in asked:
        if row.told is not None:
            told[row.told].append(row)
    answers = {row.reply_to: row.text for row in replies}
    for row in asked:
        _judge_end(row, told.pop(row.id, []), answers.get(row.id), verdict)
    verdict.unexpected += [f"{row.id} tells of {row.told}, which is not there" for rows in told.values() for row in rows]


def _judge_end(row: Row, reports: list[Row], answer: str | None, verdict: Verdict) -> None:
    due = row.report and row.state is not None
    if due and not reports:
        verdict.lost.append(f"nobody was told that {row.id} is {row.state}")
    if reports and not due:
        verdict.unexpected.append(f"{[report.id for report in reports]} tell of {row.id}, {row.state}, and nobody asked for that")
    if len(reports) > 1:
        verdict.doubled.append(f"{len(reports)} posts tell of {row.id}")
    for report in reports:
        if (report.mailbox, report.sender) != (row.sender, row.mailbox) or (answer is not None and report.text != answer):
            verdict.wrong.append(f"{report} tells of {row}, answered {answer!r}")
