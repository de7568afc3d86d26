"""The client as one object; each file beside this one holds the calls of one subject."""

from postroom.client.dead_letters import DeadLetterCalls
from postroom.client.delegations import DelegationCalls
from postroom.client.feed import FeedCalls
from postroom.client.files import FileCalls
from postroom.client.inbox import InboxCalls
from postroom.client.talk import TalkCalls
from postroom.client.workspaces import RegistryCalls, WorkspaceCalls


class Client(WorkspaceCalls, RegistryCalls, InboxCalls, TalkCalls, FileCalls, DelegationCalls, DeadLetterCalls, FeedCalls):
    """Everything a caller can do with a Postroom server, with one credential::

        async with Client("http://127.0.0.1:8080", token) as client:
            sent = await client.send(workspace_id, "Hello")
            print(sent.state, sent.text)

    Every call raises ``postroom.errors`` types, rebuilt from the answer; Unavailable named ``unreachable`` when there was none.
    """
