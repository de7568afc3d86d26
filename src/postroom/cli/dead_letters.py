"""``postroom dead-letters``: what came to nothing, sent again or given up."""

from typing import Annotated

import typer

from postroom.cli.ages import age
from postroom.cli.command import AsJson, connecting, talk_to
from postroom.cli.connection import Connection
from postroom.cli.names import find
from postroom.cli.output import print_json, print_text, say
from postroom.cli.safe_text import one_line
from postroom.client import Client, Json

group = typer.Typer(name="dead-letters", help="Messages that failed or expired.", no_args_is_help=True)

Message = Annotated[str, typer.Argument(metavar="MESSAGE", help="Id of the message, as `list` shows it.")]
_WIDEST = 60


@group.command("list")
@connecting
def list_all(
    connection: Connection,
    *,
    of: Annotated[str | None, typer.Option(metavar="NAME", help="Only those to this workspace.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, counted from the newest.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List what nobody has sent again or given up, the newest first: to whom, when and why it ended, and its first words."""

    async def read(client: Client) -> Json:
        workspace = None if of is None else (await find(client, of))["id"]
        return await client.dead_letters(workspace, limit=limit)

    page = talk_to(connection, read)
    letters: list[Json] = page["dead_letters"]
    if as_json:
        print_json(page)
    elif not letters:
        say("There are no dead letters.")
    else:
        print_text("\n".join(_line(letter) for letter in letters))
        if page["total"] > len(letters):
            say(f"{page['total'] - len(letters)} more; --limit shows up to 200.")


@group.command("replay")
@connecting
def replay(connection: Connection, message: Message, *, as_json: AsJson = False) -> None:
    """Send it again, in your name. However often this is said, it is sent once."""
    said = talk_to(connection, lambda client: client.replay(message))
    if as_json:
        print_json({"message_id": said})
    else:
        say("Sent again as:")
        print_text(said)


@group.command("drop")
@connecting
def drop(connection: Connection, message: Message) -> None:
    """Give it up. It stays in the history."""
    talk_to(connection, lambda client: client.drop(message))
    say("Dropped.")


def _line(letter: Json) -> str:
    why = letter["error"]["detail"] or letter["error"]["code"]
    words = (letter["workspace"]["name"], f"{letter['state']} {age(letter['ended_at'])}", why, letter["preview"] or "")
    return "\t".join((letter["message_id"], *(one_line(word, limit=_WIDEST) for word in words)))
