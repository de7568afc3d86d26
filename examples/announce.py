"""Announce: puts an A2A server of any make into the team. The server stays as it is; this says where it is, and that it lives.

Run it, with the id and token that `postroom workspace add NAME --mode push` printed, and the server's address:

    POSTROOM_URL=http://127.0.0.1:8080 POSTROOM_WORKSPACE_ID=... POSTROOM_TOKEN=... python announce.py http://127.0.0.1:9000/
"""

import asyncio
import json
import os
import sys
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urljoin

from postroom.client import Client
from postroom.errors import TooMany, Unavailable

# The post room takes 90 seconds of silence for absence.
BEAT_SECONDS = 20
RETRY_SECONDS = 1


def card_of(url: str) -> dict[str, Any]:
    """The server's card, from its well-known place; that it is given is its sign of life."""
    with urllib.request.urlopen(urljoin(url, "/.well-known/agent-card.json"), timeout=10) as answer:  # noqa: S310 - the address is the user's own
        return json.load(answer)


async def announce(client: Client, workspace_id: str, url: str) -> None:
    known = None
    while True:
        try:
            card = await asyncio.to_thread(card_of, url)
            if card != known:
                await client.register(workspace_id, agent_card=card, url=url, delivery_mode="push")
                known = card
                print(f"{card['name']} is announced at {url}", flush=True)
            await client.heartbeat(workspace_id)
        except (urllib.error.URLError, Unavailable, TooMany) as error:
            print(f"next try soon: {error}", flush=True)
        await asyncio.sleep(BEAT_SECONDS if known else RETRY_SECONDS)


async def main(url: str) -> None:
    async with Client(os.environ["POSTROOM_URL"], os.environ["POSTROOM_TOKEN"]) as client:
        await announce(client, os.environ["POSTROOM_WORKSPACE_ID"], url)


asyncio.run(main(sys.argv[1]))
