"""``postroom agent run``: the agent around a program."""

from collections.abc import Sequence
from pathlib import Path

from postroom.agent.agent import Agent
from postroom.agent.program import TIME_LIMIT, Program


async def run_command(
    command: Sequence[str],
    *,
    url: str,
    workspace_id: str,
    token: str,
    timeout: float | None = TIME_LIMIT,
    concurrency: int = 1,
    state: Path | None = None,
    name: str | None = None,
) -> None:
    """Answer the workspace's messages with ``command`` until SIGTERM or SIGINT.

    ``timeout`` is the seconds that one message may take (None: no limit), ``state`` the directory where replies are kept until they are
    taken, ``name`` what its card says (None: the program's). Raises what ``Agent.run`` raises.
    """
    agent = Agent(name or Path(command[0]).name, url=url, token=token, workspace_id=workspace_id, concurrency=concurrency, state=state)
    agent.on_message(Program(command, time_limit=timeout).answer)
    await agent.run_until_signal()
