"""A workspace of a test's own and its people, over HTTP."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.support.http import Answer, ask
from tests.support.server import ServerProcess

Json = dict[str, Any]
HEADERS = {"A2A-Version": "1.0", "Content-Type": "application/json"}


@dataclass(frozen=True)
class Agent:
    """A workspace of this test, and its people."""

    server: ServerProcess
    id: str
    token: str

    def people(self, method: str, path: str, body: Any = None) -> Answer:
        return ask(self.server.url, method, path.replace("{id}", self.id), token=self.server.operator_token, body=body, headers=HEADERS)

    def own(self, method: str, path: str, body: Any = None) -> Answer:
        return ask(self.server.url, method, path.replace("{id}", self.id), token=self.token, body=body)

    def send(self, text: str) -> str:
        answer = self.people("POST", "/workspaces/{id}/a2a", sending(text))
        return answer.headers["x-postroom-message-id"]

    def history(self, query: str = "") -> Json:
        return self.people("GET", f"/workspaces/{{id}}/chat-history?{query}").body

    def chat(self) -> Json:
        [found] = [chat for chat in self.people("GET", "/chats").body if chat["workspace_id"] == self.id]
        return found


def sending(text: str) -> Json:
    message = {"role": "ROLE_USER", "messageId": str(uuid4()), "parts": [{"text": text}]}
    params = {"message": message, "configuration": {"returnImmediately": True}}
    return {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": params}


def make_agent(server: ServerProcess) -> Agent:
    """Under a name that no other test has."""
    made = ask(server.url, "POST", "/workspaces", token=server.operator_token, body={"name": f"chatty {uuid4()}"}).body
    return Agent(server, made["id"], made["token"])


def fail(agent: Agent, text: str) -> str:
    """Send it, and have the agent fail it; returns the message."""
    sent = agent.send(text)
    [item] = agent.own("POST", "/workspaces/{id}/inbox/claim", {"wait": 5}).body["items"]
    assert agent.own("POST", f"/workspaces/{{id}}/inbox/{sent}/fail", {"token": item["token"], "error": "no"}).status == 200
    return sent
