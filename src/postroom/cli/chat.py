"""``postroom chat``: a conversation at a terminal, or line by line through a pipe."""

import shlex
import sys
from typing import Annotated

import typer

from postroom.cli.command import Name, connecting, require_sendable, stdin_lines, talk_to
from postroom.cli.connection import Connection
from postroom.cli.delivery import EXIT_CODES, UNFINISHED, Letter, accept, question_in, wait_for_answer
from postroom.cli.exits import ExitCode
from postroom.cli.names import Workspace, find
from postroom.cli.output import at_terminal, print_answer, say
from postroom.cli.talk import why
from postroom.client import Client, Sent
from postroom.ids import new_id


@connecting
def chat(
    connection: Connection,
    name: Name,
    *,
    thread: Annotated[str | None, typer.Option(metavar="ID", help="Go on with this conversation.")] = None,
    go_on: Annotated[bool, typer.Option("--continue", "-c", help="Go on with the newest conversation.")] = False,
    wait: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="From a pipe: how long to wait for each answer.")] = 300.0,
) -> ExitCode:
    """Talk with an agent. Without a terminal, each line of stdin is a message; the end of it ends the conversation."""
    if not at_terminal(sys.stdin):
        return talk_to(connection, lambda client: _piped(client, name, thread, wait, go_on=go_on))
    _at_terminal(connection, name, thread, go_on=go_on)
    return ExitCode.OK


def _at_terminal(connection: Connection, name: str, thread: str | None, *, go_on: bool) -> None:
    from anyio.from_thread import start_blocking_portal

    from postroom.cli.chat_screen import Screen
    from postroom.cli.conversation import Conversation

    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Client(connection.url, connection.token)) as client:
        workspace = portal.call(find, client, name)
        begun = portal.call(choose_thread, client, workspace, thread, go_on)
        with Conversation(portal, client, workspace, begun) as conversation:
            Screen(conversation).run()


async def choose_thread(client: Client, workspace: Workspace, given: str | None, go_on: bool) -> str:
    """The thread to talk in: the one given, the newest one, or a new one."""
    if given is not None:
        return given
    if go_on:
        newest = (await client.chat_history(workspace["id"], limit=1))["messages"]
        if newest and newest[-1].get("thread_id"):
            return str(newest[-1]["thread_id"])
    return str(new_id())


async def _piped(client: Client, name: str, thread: str | None, wait: float, *, go_on: bool) -> ExitCode:
    """One message after the other, in order. The highest code of all is the exit code; a question that was answered is none."""
    workspace = await find(client, name)
    thread = await choose_thread(client, workspace, thread, go_on)
    code, question = ExitCode.OK, None
    for line in stdin_lines():
        if text := require_sendable(line.strip()):
            sent = await _exchange(client, workspace, Letter(text=text, thread=thread, task=question), wait)
            question = question_in(sent)
            code = max(code, ExitCode.OK if question else EXIT_CODES[sent.state])
    return max(code, ExitCode.QUESTION) if question else code


async def _exchange(client: Client, workspace: Workspace, letter: Letter, wait: float) -> Sent:
    sent = await wait_for_answer(client, workspace, letter, await accept(client, workspace, letter), seconds=wait)
    show_end(workspace, sent)
    return sent


def show_end(workspace: Workspace, sent: Sent) -> None:
    """The answer, or why there is none."""
    if sent.text is not None:
        print_answer(sent.text)
    elif sent.state in UNFINISHED:
        say(f"No answer yet; message {sent.message_id} is safe: postroom history {shlex.quote(str(workspace['name']))}")
    else:
        say(f"{workspace['name']} gave no answer: {why(sent)}", style="red")
