"""The typed client of a Postroom server: what the command, the agent SDK, tests and benches talk through."""

from postroom.client.client import Client
from postroom.client.delegations import Delegation
from postroom.client.feed import Frame
from postroom.client.inbox import Extension, Item, Peer
from postroom.client.talk import Sent
from postroom.client.transport import Answer, Json

__all__ = ["Answer", "Client", "Delegation", "Extension", "Frame", "Item", "Json", "Peer", "Sent"]
