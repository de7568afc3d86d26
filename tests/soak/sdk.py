"""An agent made with the SDK: ``python -m tests.soak.sdk PLAN``. It asks a peer before it answers, under the key that the SDK makes."""

import logging
import sys
from dataclasses import dataclass
from pathlib import Path

import orjson
import uvloop

from postroom.agent import Agent, AskFailed, Message, Retry
from tests.crash.checker import answer_to
from tests.soak.paper import Paper


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the process is told; ``state`` is where the SDK keeps its replies from one incarnation to the next."""

    name: str
    journal: str
    url: str
    workspace: str
    token: str
    peer: str
    state: str


def agent_of(plan: Plan, paper: Paper) -> Agent:
    """The agent, with its handler."""
    state = Path(plan.state)
    agent = Agent("Lead", url=plan.url, token=plan.token, workspace_id=plan.workspace, concurrency=4, lease=10.0, grace=5.0, state=state)

    @agent.on_message
    async def handle(message: Message) -> str:
        paper.write("saw", plan.workspace, message.id, message.text, message.attempt)
        question = f"ask-{message.id}"
        paper.mean(question, plan.peer)
        try:
            said = await agent.ask(plan.peer, question)
        except AskFailed as failed:
            raise Retry(str(failed)) from failed
        paper.write("heard", question, said)
        answer = f"{answer_to(message.text)} #{plan.name}-{message.attempt}"
        paper.write("did", message.id, answer)
        return answer

    return agent


def main(plan: Plan) -> None:
    """Serve until SIGTERM."""
    logging.basicConfig(level=logging.WARNING)
    with Paper(Path(plan.journal)) as paper:
        uvloop.run(agent_of(plan, paper).run_until_signal())


if __name__ == "__main__":
    main(Plan(**orjson.loads(Path(sys.argv[1]).read_bytes())))
