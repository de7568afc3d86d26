"""Workspaces, their tokens, and the registry that agents announce themselves in."""

from typing import Any

from postroom.client.transport import Id, Json, Transport, given, path_to, rows


class WorkspaceCalls(Transport):
    """What the operator does with workspaces. Objects are as the contract has them."""

    async def health(self) -> Json:
        """The server's own view of itself; needs no credential."""
        return (await self.request("GET", "/health")).body

    async def caller(self) -> Json:
        """Whom the credential speaks for: ``{kind, id, name, manages}``."""
        return (await self.request("GET", "/session")).body

    async def workspaces(self, *, include_removed: bool = False) -> list[Json]:
        """All workspaces that the caller may see."""
        query = {"include_removed": include_removed or None}
        return rows((await self.request("GET", "/workspaces", query=query)).body, "workspaces")

    async def workspace(self, id: Id) -> Json:
        """One workspace. Raises NotFound, Gone."""
        return (await self.request("GET", path_to("workspaces", id))).body

    async def create_workspace(self, **fields: Any) -> Json:
        """Make a workspace of ``name`` and what else the contract lists; the answer alone carries its ``token``."""
        return (await self.request("POST", "/workspaces", json=given(**fields))).body

    async def update_workspace(self, id: Id, **fields: Any) -> Json:
        """Change what is named, all or nothing; None is a value here (``parent_id=None`` makes a root)."""
        return (await self.request("PATCH", path_to("workspaces", id), json=fields)).body

    async def remove_workspace(self, id: Id, *, confirm: bool = False) -> Json | None:
        """Remove it. Raises Conflict with the children in its data when there are any and ``confirm`` is not given."""
        query = {"confirm": True} if confirm else None
        return (await self.request("DELETE", path_to("workspaces", id), query=query)).body

    async def pause(self, id: Id) -> Json | None:
        """Let its mailbox accept and not hand out."""
        return (await self.request("POST", path_to("workspaces", id, "pause"))).body

    async def resume(self, id: Id) -> Json | None:
        """Let its mailbox hand out again."""
        return (await self.request("POST", path_to("workspaces", id, "resume"))).body

    async def tokens(self, id: Id) -> list[Json]:
        """Its live tokens, by prefix."""
        return rows((await self.request("GET", path_to("workspaces", id, "tokens"))).body, "tokens")

    async def make_token(self, id: Id, label: str | None = None) -> Json:
        """Make a token; ``token`` in the answer is shown once."""
        return (await self.request("POST", path_to("workspaces", id, "tokens"), json=given(label=label))).body

    async def revoke_token(self, id: Id, token_id: Id) -> None:
        """End a token at once."""
        await self.request("DELETE", path_to("workspaces", id, "tokens", token_id))


class RegistryCalls(Transport):
    """What an agent tells about itself and may learn about others."""

    async def register(self, id: Id, *, agent_card: Json, url: str | None = None, delivery_mode: str | None = None) -> Json:
        """Announce card and address; the workspace is online from then on. Needs that workspace's own token."""
        body = given(id=id, agent_card=agent_card, url=url, delivery_mode=delivery_mode)
        return (await self.request("POST", "/registry/register", json=body)).body

    async def heartbeat(
        self,
        id: Id,
        *,
        active_tasks: int = 0,
        current_task: str | None = None,
        error_rate: float = 0.0,
        sample_error: str | None = None,
        uptime_seconds: int = 0,
    ) -> Json:
        """Say that the agent lives: ``{status, queue_depth, cancel: [message ids]}``. ``error_rate`` is 0 to 1."""
        body = given(
            workspace_id=id,
            active_tasks=active_tasks,
            current_task=current_task,
            error_rate=error_rate,
            sample_error=sample_error,
            uptime_seconds=uptime_seconds,
        )
        return (await self.request("POST", "/registry/heartbeat", json=body)).body

    async def peers(self, id: Id, q: str | None = None) -> list[Json]:
        """Whom this workspace may talk to; ``q`` searches in names, roles and skills."""
        return rows((await self.request("GET", path_to("registry", id, "peers"), query={"q": q})).body, "peers")

    async def discover(self, id: Id) -> Json:
        """Card and address of one workspace, within the tree rule."""
        return (await self.request("GET", path_to("registry", "discover", id))).body

    async def check_access(self, caller_id: Id, target_id: Id) -> Json:
        """Whether the one may talk to the other."""
        body = given(caller_id=caller_id, target_id=target_id)
        return (await self.request("POST", "/registry/check-access", json=body)).body
