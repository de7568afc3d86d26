"""An agent made with the SDK, in a process of its own: ``python -m tests.crash.sdk_agent EFFECTS MODE``.

Its effect on the world is a line in the file EFFECTS, on the disk before the handler goes on. MODE says how it deals with a message:
``reply``, ``long`` (long enough that its lease is extended), ``fail`` or ``hang`` (until it is stopped or nobody wants it any more).
"""

import asyncio
import os
import sys

from postroom.agent import Agent, Message
from tests.crash.checker import answer_to

LEASE = 10.0


def note(path: str, message: Message) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_DSYNC, 0o600)
    os.write(descriptor, f"{message.id} {message.text} {message.attempt}\n".encode())
    os.close(descriptor)


def main(effects: str, mode: str) -> None:
    agent = Agent("sdk", lease=LEASE, grace=0.5)

    @agent.on_message
    async def handle(message: Message) -> str:
        note(effects, message)
        match mode:
            case "fail":
                raise ValueError("it can not be done")
            case "long":
                await asyncio.sleep(LEASE / 3 + 1)
            case "hang":
                await asyncio.Event().wait()
            case _:
                pass
        return answer_to(message.text)

    agent.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
