"""``postroom send`` and ``postroom history``. (``chat`` is a file of its own.)"""

import shlex
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from postroom.cli.command import AsJson, Name, connecting, read_stdin, require_sendable, talk_to
from postroom.cli.connection import Connection
from postroom.cli.delivery import EXIT_CODES, UNFINISHED, Letter, accept, enclose, wait_for_answer
from postroom.cli.exits import ExitCode, Stop
from postroom.cli.names import Workspace, find
from postroom.cli.output import at_terminal, print_answer, print_json, print_text, say, spinner
from postroom.cli.transcript import enclosures, transcript
from postroom.cli.waiting import Waiting, following
from postroom.client import Client, Json, Sent
from postroom.errors import Unavailable


class Between(StrEnum):
    """Whose conversation with the agent."""

    PEOPLE = "people"
    AGENTS = "agents"


Thread = Annotated[str | None, typer.Option(metavar="ID", help="The conversation it belongs to.")]


@connecting
def send(  # noqa: PLR0913 - an option, a parameter
    connection: Connection,
    name: Name,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to say; - reads it from stdin.")],
    *,
    file: Annotated[
        list[Path] | None, typer.Option(metavar="PATH", exists=True, dir_okay=False, help="A file to go with it; again for more.")
    ] = None,
    thread: Thread = None,
    task: Annotated[str | None, typer.Option(metavar="ID", help="The question that this answers, as `send` printed it.")] = None,
    wait: Annotated[float, typer.Option(metavar="SECONDS", min=0, max=86400, help="How long to wait for the answer.")] = 300.0,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Return as soon as the message is accepted.")] = False,
    key: Annotated[str | None, typer.Option(help="The same key again is the same message, never a second one.")] = None,
    as_json: AsJson = False,
) -> ExitCode:
    """Send a message and print the answer. It stays safe if the wait ends first."""
    letter = Letter(text=_text(text), thread=thread, task=task, **({"key": key} if key else {}))
    errand = Errand(letter, file or [], 0.0 if no_wait else wait)
    try:
        sent = talk_to(connection, lambda client: errand.run(client, name))
    except KeyboardInterrupt:
        errand.say_where()
        return ExitCode.INTERRUPTED
    except Unavailable:
        errand.say_where()
        raise
    if as_json:
        print_json(document_of(sent, letter))
    else:
        errand.show(sent)
    return EXIT_CODES[sent.state]


@connecting
def history(
    connection: Connection,
    name: Name,
    *,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many messages, counted from the newest.")] = 20,
    thread: Thread = None,
    between: Annotated[
        Between | None, typer.Option("--with", help="What people and it said, or what other agents and it said; without it, its mailbox.")
    ] = None,
    search: Annotated[str | None, typer.Option(metavar="WORDS", help="Only messages with these words.")] = None,
    around: Annotated[str | None, typer.Option(metavar="PLACE", help="Those around this one: its seq, or with agents its id.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what was said, oldest first, each message with its state."""

    async def read(client: Client) -> Json:
        id = (await find(client, name))["id"]
        asked: Json = {"thread_id": thread, "between": between and between.value, "q": search}
        page: Json = await client.chat_history(id, limit=limit, around=around, **asked)
        # A search looks at a part of the mailbox at a time.
        while around is None and page["next"] is not None and (left := limit - len(page["messages"])) > 0:
            earlier = await client.chat_history(id, limit=left, before=page["next"], **asked)
            page = earlier | {"messages": [*earlier["messages"], *page["messages"]]}
        return page

    page = talk_to(connection, read)
    if as_json:
        print_json(page)
    elif page["messages"]:
        print_text(transcript(page["messages"]))
    elif search is not None:
        say("Nobody said that.")
    else:
        say(f"Nothing was said yet. Begin: postroom send {shlex.quote(name)} hello")


class Errand:
    """One ``send``: the letter, where it goes, and what is known of it, so that an interruption can say so."""

    def __init__(self, letter: Letter, paths: Sequence[Path], seconds: float) -> None:
        self._letter = letter
        self._paths = paths
        self._seconds = seconds
        self._workspace: Workspace = {}
        self._sent: Sent | None = None

    async def run(self, client: Client, name: str) -> Sent:
        """Send, and wait as long as was asked."""
        self._workspace = await find(client, name)
        self._letter = await enclose(client, self._letter, self._paths)
        self._sent = await accept(client, self._workspace, self._letter)
        if at_terminal(sys.stderr):
            return await self._watched(client, self._sent)
        return await self._end(client, self._sent)

    async def _watched(self, client: Client, sent: Sent) -> Sent:
        async with following(client, self._workspace) as sightings:
            with spinner(Waiting(self._workspace, sent.message_id, sightings)):
                return await self._end(client, sent)

    async def _end(self, client: Client, sent: Sent) -> Sent:
        return await wait_for_answer(client, self._workspace, self._letter, sent, seconds=self._seconds)

    def show(self, sent: Sent) -> None:
        """The answer on stdout, or on stderr why there is none."""
        if sent.text is not None:
            print_answer(sent.text)
            for line in enclosures(sent.parts):
                say(f"With it came {line}: postroom history {self._name()} --json has it whole.")
        if sent.state == "input_required":
            say(f"It asks back. Answer: {self._again('TEXT')} --task {(sent.task or {}).get('id', 'ID')}")
        elif sent.state in UNFINISHED:
            self.say_where()
        elif sent.state != "replied":
            say(f"{self._workspace['name']} gave no answer: {why(sent)}", style="red")

    def say_where(self) -> None:
        """Say whether the message is safe and how to look again. Before the recipient is found nothing was sent."""
        if self._sent is not None:
            say(f"The message is safe and on its way; its id is {self._sent.message_id}.")
            say(f"Look again: postroom history {self._name()}")
            say(f"Wait on, with the same TEXT: {self._again('TEXT')} --key {self._letter.key}")
        elif self._workspace:
            say("The server has not said that it holds the message. This settles it, with the same TEXT:")
            say(f"{self._again('TEXT')} --key {self._letter.key}")

    def _again(self, text: str) -> str:
        thread = f" --thread {shlex.quote(self._letter.thread)}" if self._letter.thread else ""
        files = "".join(f" --file {shlex.quote(str(path))}" for path in self._paths)
        return f"postroom send {self._name()} {text}{thread}{files}"

    def _name(self) -> str:
        return shlex.quote(str(self._workspace.get("name", "NAME")))


def why(sent: Sent) -> str:
    """Why a message ended without an answer, in words."""
    error = sent.error or {}
    reason = error.get("detail") or error.get("code")
    return f"{sent.state} ({reason})" if reason else sent.state


def document_of(sent: Sent, letter: Letter) -> Json:
    """What ``send --json`` prints."""
    context = (sent.task or sent.message or {}).get("contextId", letter.thread)
    return {
        "message_id": sent.message_id,
        "state": sent.state,
        "text": sent.text,
        "parts": sent.parts if sent.text is not None else None,
        "thread_id": context,
        "task_id": (sent.task or {}).get("id"),
        "key": letter.key,
        "error": sent.error,
    }


def _text(given: str) -> str:
    text = require_sendable(read_stdin()) if given == "-" else given
    if not text.strip():
        raise Stop("There is nothing to send", advice="Give a text, or - and a text on stdin.", code=ExitCode.USAGE)
    return text
