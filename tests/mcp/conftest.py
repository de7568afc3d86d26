"""A small team on the shared server: Lead above Coder and Tester, and Outside, whom the tree keeps from both of these."""

from dataclasses import dataclass

import pytest

from postroom.client import Client
from tests.mcp.clients import Seat
from tests.support.server import ServerProcess, make_agent


@dataclass(frozen=True)
class Team:
    """The seats of the team, and the operator's client."""

    operator: Client
    house: str
    lead: Seat
    coder: Seat
    tester: Seat
    outside: Seat

    async def send(self, seat: Seat, text: str = "work") -> str:
        """Post from the operator; its message id."""
        return (await self.operator.send(seat.workspace, text, wait=None)).message_id

    async def state(self, seat: Seat, message: str) -> str:
        return (await self.operator.task(seat.workspace, message))["metadata"]["postroom.state"]

    async def unfinished(self, seat: Seat) -> int:
        return len(await self.operator.peek(seat.workspace))


async def make_team(server: ServerProcess, operator: Client) -> Team:
    """A team of its own for a test. Outside is a child of another root."""

    async def seat(name: str, parent: str | None = None) -> Seat:
        workspace, token = await make_agent(operator, name, parent_id=parent)
        return Seat(server.url, workspace, token, name)

    # Below a house of their own: roots are peers of all the other tests' roots, whatever these are called.
    house, _ = await make_agent(operator, "House")
    lead = await seat("Lead", house)
    other = await seat("Other root")
    return Team(
        operator=operator,
        house=house,
        lead=lead,
        coder=await seat("Coder", lead.workspace),
        tester=await seat("Tester", lead.workspace),
        outside=await seat("Outside", other.workspace),
    )


@pytest.fixture
async def team(server: ServerProcess, operator: Client) -> Team:
    return await make_team(server, operator)
