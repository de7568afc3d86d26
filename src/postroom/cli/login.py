"""``postroom login-link``: a link that lets one browser in, once."""

from postroom.cli.command import AsJson, connecting, talk_to
from postroom.cli.connection import Connection
from postroom.cli.output import print_json, print_text, say
from postroom.client import Client, Json


@connecting
def login_link(connection: Connection, *, as_json: AsJson = False) -> None:
    """Make a one-time link to the page. Who opens it first is let in; it works for ten minutes unless set otherwise."""

    async def make(client: Client) -> Json:
        return (await client.request("POST", "/login-link")).body

    made = talk_to(connection, make)
    if as_json:
        print_json(made)
    else:
        say("Open it in the browser that shall be let in; it works once:")
        print_text(made["link"])
