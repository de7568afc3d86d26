"""What ``postroom up`` shows: progress while it starts, then where everything is and what to try."""

import asyncio
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.status import Status
from rich.table import Table
from rich.text import Text

from postroom.cli.connection import data_option
from postroom.cli.invoked import as_invoked
from postroom.cli.names import Workspace
from postroom.cli.output import at_terminal, say, stdout
from postroom.cli.safe_text import one_line
from postroom.cli.tree import in_tree_order, reached_by, status_of
from postroom.client import Client
from postroom.errors import PostroomError
from postroom.settings import Settings

if TYPE_CHECKING:
    from postroom.app import Running

Steps = tuple[tuple[str, str], ...]

# ``{data}`` is where the option goes that finds this server.
_TO_DEMO = (
    ("Echo", "postroom send{data} Echo hello", "a message and its answer"),
    ("Lead", "postroom chat{data} Lead", "a conversation; Lead asks the others"),
)
_WATCH = ("postroom watch{data}", "everything as it happens")
_FIRST_STEPS = (
    ("postroom workspace add{data} NAME", "a mailbox for an agent of yours"),
    ("postroom agent run{data} --name NAME -- COMMAND", "any program as that agent"),
    ("postroom send{data} NAME hello", "a message and its answer"),
)


class Welcome:
    """Progress and the ready panel of one start. A context manager: the progress line is gone at its end, however it ends."""

    def __init__(self, settings: Settings, *, demo: bool | None, open_page: bool | None) -> None:
        self._settings = settings
        self._demo = demo
        self._open_page = open_page
        self._status = Status("", console=stdout()) if at_terminal(sys.stdout) else None

    def __enter__(self) -> Self:
        if self._status is not None:
            self._status.update(Text("Starting"))
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end_progress()

    def announce(self, sentence: str) -> None:
        """Say what is being done: a line that changes at a terminal, a line each elsewhere."""
        if self._status is not None:
            self._status.update(Text(one_line(sentence)))
        else:
            say(sentence)

    def tell(self, sentence: str) -> None:
        """Say what is to stay: a line of its own, above the one that changes and as long as it has to be."""
        if self._status is not None:
            self._status.console.print(Text(one_line(sentence)))
        else:
            say(sentence)

    async def show(self, running: "Running") -> None:
        """Bring the demo team in, then show the panel."""
        running.task_group.create_task(self._tell_stop())
        async with Client(running.url, running.operator_token) as client:
            team = await client.workspaces()
            if await self._bring_team(running, team):
                team = await client.workspaces()
        self._end_progress()
        print_welcome(stdout(), running.url, running.login_link, team, self._settings.data)
        self._open(running.login_link)

    async def _bring_team(self, running: "Running", team: list[Workspace]) -> bool:
        if self._demo is False:
            return False
        from postroom.cli.demo import DemoTeam

        demo = DemoTeam(running.url, running.operator_token, self._settings.data)
        if not (self._demo or not team or await demo.made_before()):
            return False
        self.announce("Waiting for the demo team to come in")
        try:
            await demo.start(running.task_group)
        except PostroomError as error:
            # The post room works without it, and everything else in it matters more.
            say(f"The demo team did not come in: {error.sentence}", style="yellow")
        return True

    async def _tell_stop(self) -> None:
        """A guest of the server: its guests are the first to be sent away."""
        try:
            await asyncio.Event().wait()
        finally:
            self._end_progress()
            say("Stopping…")

    def _end_progress(self) -> None:
        if self._status is not None:
            self._status.stop()

    def _open(self, link: str) -> None:
        from postroom.cli.serve import at_screen

        if self._open_page or (self._open_page is None and at_screen()):
            webbrowser.open(link)


def print_welcome(console: Console, url: str, login_link: str, team: list[Workspace], data: Path) -> None:
    """The panel, then what is there to be copied: no frame and no line end may cut that."""
    console.print(_panel(url, team), soft_wrap=False)
    option = data_option(data)
    console.print(_steps(_suggested(team), option), soft_wrap=True)
    title = as_invoked(f"\nLog in here, once (another link: postroom login-link{option}):\n")
    console.print(Text.assemble((title, "bold"), one_line(login_link)), soft_wrap=True)


def _panel(url: str, team: list[Workspace]) -> Panel:
    parts: list[RenderableType] = [Text.assemble(("Address  ", "bold"), url, ("\nStop     ", "bold"), "Ctrl-C; nothing is lost")]
    if team:
        parts += ["", _team(team)]
    return Panel(Group(*parts), title="Postroom is ready", title_align="left", expand=False)


def _team(team: list[Workspace]) -> Table:
    table = Table("Agent", "Reached", "Status", box=None, pad_edge=False, header_style="bold")
    for depth, workspace in in_tree_order(team):
        table.add_row(Text("  " * depth + one_line(workspace["name"])), Text(reached_by(workspace)), Text(status_of(workspace)))
    return table


def _suggested(team: list[Workspace]) -> Steps:
    """What works here: a name that several bear would have to be an id."""
    names = [one["name"] for one in team]
    if not {"Echo", "Lead"} <= set(names):
        return _FIRST_STEPS
    return (*((command, meaning) for name, command, meaning in _TO_DEMO if names.count(name) == 1), _WATCH)


def _steps(steps: Steps, option: str) -> Text:
    commands = [as_invoked(command.format(data=option)) for command, _ in steps]
    width = max(map(len, commands))
    shown = Text.assemble(("Try\n", "bold"))
    for command, (_, meaning) in zip(commands, steps, strict=True):
        shown.append_text(Text.assemble("  ", (command.ljust(width), "cyan"), "  ", (meaning, "dim"), "\n"))
    shown.rstrip()
    return shown
