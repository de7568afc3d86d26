"""Echo: an agent that is called at an address of its own. It says back what it is told, files and all.

Run it, with the id and token that `postroom workspace add Echo --mode push` printed:

    POSTROOM_URL=http://127.0.0.1:8080 POSTROOM_WORKSPACE_ID=... POSTROOM_TOKEN=... python echo_agent.py [--port 0]
"""

import argparse

from postroom.agent import Agent, Message, serve
from postroom.client import Json

SKILL = {"id": "echo", "name": "Echo", "description": "Says back what it is told.", "tags": ["echo"]}

agent = Agent("Echo", card={"description": "Says back what it is told.", "skills": [SKILL]})


@agent.on_message
async def echo(message: Message) -> list[Json]:
    return message.parts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    serve.run(agent, port=parser.parse_args().port)
