"""The conversation as a person sees it: a prompt, answers as they come, a few commands."""

import shlex
from collections.abc import Callable

from rich.console import Console
from rich.text import Text

from postroom.cli.conversation import Answer, Conversation, Underway
from postroom.cli.exits import stop_of
from postroom.cli.invoked import as_invoked
from postroom.cli.output import markdown, print_stop, stdout
from postroom.cli.prompt import Prompt
from postroom.cli.safe_text import clean, one_line
from postroom.cli.talk import why
from postroom.cli.transcript import speaker
from postroom.cli.tree import reached_by, status_of
from postroom.client import Json, Sent
from postroom.errors import PostroomError

_ON_START = 10
_ON_REQUEST = 50
_HELP = "/history  what was said   /status  how the agent is   /quit  leave   Ctrl-C  while it works: go on without waiting"


class Screen:
    """Reads lines until the person leaves; every one is sent, waited for, and answered where it stands."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._name = one_line(str(conversation.workspace["name"]), limit=40)
        self._prompt = Prompt("> ")
        # One console for all of it: a spinner and a late answer must know of one another.
        self._console: Console = stdout()
        self._commands: dict[str, Callable[[], None]] = {
            "/history": lambda: self._show_history(_ON_REQUEST),
            "/status": self._show_status,
            "/help": lambda: self._note(_HELP),
        }

    def run(self) -> None:
        """Talk until /quit, Ctrl-D, or Ctrl-C at the prompt."""
        self._show_status()
        self._guarded(lambda: self._show_history(_ON_START))
        self._note("/help lists the commands.")
        while (line := self._read()) is not None:
            if line:
                self._guarded(lambda line=line: self._take(line))
        self._say_goodbye()

    def _read(self) -> str | None:
        try:
            line = self._prompt.read().strip()
        except (EOFError, KeyboardInterrupt):
            self._console.print()
            return None
        return None if line in ("/quit", "/exit", "/q") else line

    def _take(self, line: str) -> None:
        if not line.startswith("/"):
            self._say(line)
        elif line in self._commands:
            self._commands[line]()
        else:
            self._note(f"{line} is no command. {_HELP}")

    def _say(self, line: str) -> None:
        try:
            underway = self._conversation.say(line)
        except KeyboardInterrupt:
            self._note("Stopped before the server had said that it holds the message; /history shows whether it does.")
            return
        self._wait(underway)

    def _wait(self, underway: Underway) -> None:
        try:
            with self._console.status(underway.waiting):
                sent = underway.answer.result()
        except KeyboardInterrupt:
            self._note("Not waiting any longer: the message is safe, and the answer is shown when it comes.")
            underway.answer.add_done_callback(self._show_late)
            return
        self._show(sent)

    def _show_late(self, answer: Answer) -> None:
        """Runs on the loop's thread, while the person may be typing."""
        if not answer.cancelled() and answer.exception() is None:
            self._prompt.interject(lambda: self._show(answer.result()))

    def _show(self, sent: Sent) -> None:
        self._conversation.take(sent)
        if sent.text is None:
            self._console.print(Text(f"{self._name} gave no answer: {clean(why(sent))}", style="red"))
            return
        self._console.print(Text(self._name, style="bold cyan"))
        self._console.print(markdown(sent.text), soft_wrap=False)

    def _show_history(self, limit: int) -> None:
        for message in sorted(self._conversation.history(limit), key=lambda message: message["seq"]):
            self._show_entry(message)

    def _show_entry(self, message: Json) -> None:
        self._console.print(Text(speaker(message), style="bold cyan" if message["role"] == "agent" else "bold"))
        self._console.print(markdown(message.get("content") or ""), soft_wrap=False)

    def _show_status(self) -> None:
        workspace = self._conversation.look()
        open_messages = len(self._conversation.open_messages())
        waiting = f", {open_messages} of yours on the way" if open_messages else ""
        self._note(f"{self._name} is {status_of(workspace)} ({reached_by(workspace)}){waiting}.")

    def _say_goodbye(self) -> None:
        again = f"postroom chat {shlex.quote(str(self._conversation.workspace['name']))} --thread {self._conversation.thread}"
        if left := self._conversation.open_messages():
            self._note(f"{len(left)} of your messages have no answer yet. They are safe; look again: {again}")
        else:
            self._note(f"Go on another time: {again}")

    def _guarded(self, act: Callable[[], None]) -> None:
        """A refusal or an outage is told, and the conversation goes on."""
        try:
            act()
        except PostroomError as error:
            print_stop(stop_of(error))

    def _note(self, sentence: str) -> None:
        self._console.print(Text(as_invoked(sentence), style="dim"))
