"""Dead letters: what failed or expired, sent again or given up."""

from postroom.client.transport import Id, Json, Transport, path_to


class DeadLetterCalls(Transport):
    """For those who manage. Objects are as the contract has them."""

    async def dead_letters(self, workspace_id: Id | None = None, *, limit: int = 50, before: Id | None = None) -> Json:
        """A page, the newest first: ``{dead_letters, next, total}``; ``next`` is the ``before`` of the page that follows."""
        query = {"workspace_id": workspace_id, "limit": limit, "before": before}
        return (await self.request("GET", "/dead-letters", query=query)).body

    async def replay(self, message_id: Id) -> str:
        """Send it again, in the caller's name; returns the new message, the same one every time. Raises NotFound, Conflict."""
        return (await self.request("POST", path_to("dead-letters", message_id, "replay"))).body["message_id"]

    async def drop(self, message_id: Id) -> None:
        """Give it up. Raises NotFound, Conflict when it was sent again."""
        await self.request("POST", path_to("dead-letters", message_id, "drop"))
