"""How things look: for a person at a terminal (rich), for a pipe (plain text) and for a program (JSON).

Answers and data go to stdout, everything about them to stderr. Whatever came from an agent passes ``clean`` on its way.
"""

import contextlib
import sys
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console, RichCast
from rich.text import Text

from postroom.cli.exits import Stop
from postroom.cli.invoked import as_invoked
from postroom.cli.safe_text import clean, json_line, one_line

if TYPE_CHECKING:
    from rich.markdown import Markdown


def stdout() -> Console:
    """The console for answers. Made anew for each use, because tests and pipes replace ``sys.stdout``."""
    return Console(highlight=False, soft_wrap=True)


def stderr() -> Console:
    """The console for what is said about the answers."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(document: Any) -> None:
    """Write one JSON document on one line and hand it on at once."""
    sys.stdout.write(json_line(document) + "\n")
    sys.stdout.flush()


def print_answer(text: str) -> None:
    """Show what an agent wrote: Markdown at a terminal, the plain text everywhere else."""
    console = stdout()
    if console.is_terminal:
        console.print(markdown(text), soft_wrap=False)
    else:
        print_text(text)


def markdown(text: str) -> "Markdown":
    """An agent's text, drawn. Its line ends stay line ends: most agents write lines, not paragraphs."""
    from rich.markdown import Markdown

    # Not as hyperlinks: a link must show where it leads.
    return Markdown(clean(text).replace("\n", "  \n"), hyperlinks=False)


def print_text(text: str) -> None:
    """Write text as it is, save for what a terminal would act upon."""
    sys.stdout.write(clean(text).rstrip("\n") + "\n")
    sys.stdout.flush()


def say(sentence: str, *, style: str = "") -> None:
    """Tell the person something that is no data. Markup in it is not read."""
    stderr().print(Text(as_invoked(clean(sentence)), style=style))


def print_stop(stop: Stop) -> None:
    """Why the command ends, and what to do next."""
    console = stderr()
    console.print(Text.assemble(("postroom: ", "bold red"), one_line(stop.sentence).rstrip(".") + "."))
    console.print(Text.assemble(("Next: ", "bold"), as_invoked(one_line(stop.advice))))


def at_terminal(stream: TextIO) -> bool:
    """Whether a person sees what is written there as it comes."""
    return stream.isatty()


@contextlib.contextmanager
def spinner(what: RichCast | str) -> Generator[None]:
    """Show for the length of the block that something is under way: on stderr, only at a terminal."""
    console = stderr()
    if not console.is_terminal:
        yield
        return
    with console.status(Text(one_line(what)) if isinstance(what, str) else what):
        yield
