"""The MCP server of a bridge: the tools of the table at one desk, or at several, then named by ``workspace`` in every call."""

import logging
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, cast

from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    Tool,
)

from postroom.bridge.desk import ClientDesk
from postroom.errors import PostroomError, Refused
from postroom.mcp.refusals import refused
from postroom.mcp.server import Context, build_server

log = logging.getLogger(__name__)


def server_of(desks: Mapping[str, ClientDesk]) -> Server[Any]:
    """The server for these desks, by the names of their workspaces."""
    if len(desks) == 1:
        (desk,) = desks.values()
        return build_server(lambda _: desk, fault)
    return _Several(desks).server


def fault(_: Context, error: Exception) -> PostroomError:
    """What the model is told of an error that nobody expected; the log has the rest."""
    log.error("a fault of the bridge", exc_info=error)
    return PostroomError(f"A fault in Postroom's bridge: {type(error).__name__}. Its log says more.")


class _Several:
    """One process for several workspaces: every call says which of them makes it."""

    def __init__(self, desks: Mapping[str, ClientDesk]) -> None:
        self._desks = desks
        self._current: ContextVar[ClientDesk] = ContextVar("desk")
        self.server = build_server(lambda _: self._current.get(), fault)
        self._list, self._call = (cast(Any, self.server.get_request_handler(f"tools/{verb}")).handler for verb in ("list", "call"))
        self.server.add_request_handler("tools/list", PaginatedRequestParams, self._list_tools)
        self.server.add_request_handler("tools/call", CallToolRequestParams, self._call_tool)
        # A resource has no argument to say whose it is; the tools tell the same.
        self.server.add_request_handler("resources/list", PaginatedRequestParams, _no_resources)
        self.server.add_request_handler("resources/read", ReadResourceRequestParams, _no_resource)

    async def _list_tools(self, context: Context, params: PaginatedRequestParams) -> ListToolsResult:
        listed: ListToolsResult = await self._list(context, params)
        return ListToolsResult(tools=[self._named(tool) for tool in listed.tools])

    def _named(self, tool: Tool) -> Tool:
        schema = dict(tool.input_schema)
        chosen = {"type": "string", "enum": list(self._desks), "description": "Which of your workspaces does this."}
        schema["properties"] = {"workspace": chosen, **schema.get("properties", {})}
        schema["required"] = ["workspace", *schema.get("required", [])]
        return tool.model_copy(update={"input_schema": schema})

    async def _call_tool(self, context: Context, params: CallToolRequestParams) -> CallToolResult:
        arguments = dict(params.arguments or {})
        desk = self._desks.get(str(arguments.pop("workspace", None)))
        if desk is None:
            names = ", ".join(self._desks)
            return refused(Refused(f"The argument workspace must be one of: {names}.", code="invalid", fields=["workspace"]))
        self._current.set(desk)
        return await self._call(context, params.model_copy(update={"arguments": arguments}))


async def _no_resources(_context: Context, _params: PaginatedRequestParams) -> ListResourcesResult:
    return ListResourcesResult(resources=[])


async def _no_resource(_context: Context, params: ReadResourceRequestParams) -> Any:
    raise MCPError(INVALID_PARAMS, "There is no such resource.", {"uri": params.uri[:256]})
