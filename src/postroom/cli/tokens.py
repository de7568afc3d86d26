"""``postroom workspace token|tokens|revoke``: what a workspace's agents identify themselves with."""

from typing import Annotated

import typer

from postroom.cli.ages import age
from postroom.cli.command import AsJson, Name, connecting, talk_to
from postroom.cli.connection import Connection
from postroom.cli.exits import ExitCode, Stop
from postroom.cli.names import find
from postroom.cli.output import print_json, print_text, say
from postroom.cli.safe_text import one_line
from postroom.client import Client, Json


@connecting
def token(
    connection: Connection,
    name: Name,
    *,
    label: Annotated[str | None, typer.Option(help="A note on whose it is.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token. It is shown once, here; the others stay valid."""

    async def make(client: Client) -> Json:
        return await client.make_token((await find(client, name))["id"], label)

    made = talk_to(connection, make)
    if as_json:
        print_json(made)
    else:
        say("The token, shown once:")
        print_text(made["token"])


@connecting
def tokens(connection: Connection, name: Name, *, as_json: AsJson = False) -> None:
    """List the live tokens by their beginning; the rest of each is known to nobody but its holder."""

    async def read(client: Client) -> list[Json]:
        return await client.tokens((await find(client, name))["id"])

    live = talk_to(connection, read)
    if as_json:
        print_json(live)
    elif live:
        print_text("\n".join(_line(one) for one in live))
    else:
        say("It has no token, so no agent can be it. Make one: postroom workspace token NAME")


@connecting
def revoke(
    connection: Connection,
    name: Name,
    which: Annotated[str, typer.Argument(metavar="TOKEN", help="Id or prefix, as `tokens` lists them.")],
    *,
    as_json: AsJson = False,
) -> None:
    """End a token at once."""

    async def act(client: Client) -> Json:
        workspace = await find(client, name)
        chosen = _choose(which, await client.tokens(workspace["id"]))
        await client.revoke_token(workspace["id"], chosen["id"])
        return chosen

    chosen = talk_to(connection, act)
    if as_json:
        print_json(chosen)
    else:
        say(f"Revoked {chosen['prefix']}.")


def _choose(which: str, live: list[Json]) -> Json:
    matches = [one for one in live if which in (one["id"], one["prefix"])]
    if len(matches) == 1:
        return matches[0]
    sentence = f"{len(matches)} tokens begin with {which}" if matches else f"No live token is {which}"
    raise Stop(sentence, advice="Use the id that `postroom workspace tokens NAME` shows.", code=ExitCode.NOT_FOUND)


def _line(one: Json) -> str:
    used = f"used {age(one['last_used_at'])}" if one.get("last_used_at") else "not used yet"
    return "\t".join((one["id"], one["prefix"], one_line(one.get("label") or ""), used))
