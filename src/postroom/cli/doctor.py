"""``postroom doctor``: look at everything that Postroom needs, change nothing, and say what to do about each."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from postroom.cli.checkup import Finding, Verdict
from postroom.cli.command import AsJson
from postroom.cli.exits import ExitCode
from postroom.cli.output import print_json, stdout
from postroom.cli.safe_text import one_line

_MARKS = {Verdict.OK: ("ok  ", "green"), Verdict.WARN: ("warn", "yellow"), Verdict.FAIL: ("fail", "bold red")}


def doctor(
    *,
    url: Annotated[str | None, typer.Option("--server", "--url", metavar="URL", help="Address of the server to look at.")] = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Data directory of the server.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check this machine, the data directory, the database and the running server. Nothing is changed."""
    findings = asyncio.run(_look(url, data))
    if as_json:
        print_json([finding.document() for finding in findings])
    else:
        for finding in findings:
            stdout().print(line(finding))
    failed = any(finding.verdict is Verdict.FAIL for finding in findings)
    raise typer.Exit(ExitCode.NO_ANSWER if failed else ExitCode.OK)


async def _look(url: str | None, data: Path | None) -> list[Finding]:
    # The database's driver is imported here, and not for --help.
    from postroom.cli import check_database, check_machine, check_server

    settings, findings = check_machine.read_settings(data)
    findings += check_machine.look(settings)
    findings += await check_database.look(settings)
    return findings + await check_server.look(url, settings.data)


def line(finding: Finding) -> Text:
    """A finding as it is shown: the verdict, what was looked at, what was found, what to do."""
    mark, style = _MARKS[finding.verdict]
    advice = f"  ->  {one_line(finding.advice)}" if finding.advice else ""
    return Text.assemble((mark, style), "  ", (finding.subject.ljust(15), "bold"), "  ", one_line(finding.found), (advice, "cyan"))
