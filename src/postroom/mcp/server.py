"""An MCP server of the table of tools, for whatever transport carries it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import orjson
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    TextContent,
    TextResourceContents,
)
from pydantic import BaseModel, ValidationError

from postroom import __version__
from postroom.errors import PostroomError, Refused
from postroom.mcp.attachments import blocks_of
from postroom.mcp.desk import Desk
from postroom.mcp.refusals import refused
from postroom.mcp.tools import TOOLS, At, ToolOf
from postroom.mcp.words import INSTRUCTIONS

Context = ServerRequestContext[Any, Any]
DeskOf = Callable[[Context], Desk]
Fault = Callable[[Context, Exception], PostroomError]
Listen = Callable[[Context, SubscriptionsListenRequestParams], Awaitable[SubscriptionsListenResult]]

_PEERS: Final = "postroom://peers"
_CARD: Final = "postroom://card"
_OPEN: Final = "postroom://delegations/open"


def build_server(desk_of: DeskOf, fault: Fault, listen: Listen | None = None) -> Server[Any]:
    """A server whose calls are done at the desk of their context.

    ``fault`` makes a refusal of what nobody expected, and logs it; ``listen`` serves the streams that clients of the current revision open.
    """

    async def read_resource(context: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        reader = _READERS.get(params.uri)
        if reader is None:
            raise MCPError(INVALID_PARAMS, "There is no such resource.", {"uri": params.uri[:256]})
        try:
            return _contents(params.uri, await reader(desk_of(context)))
        except Exception as error:  # boundary: as for tools
            told = error if isinstance(error, PostroomError) else fault(context, error)
            raise MCPError(INTERNAL_ERROR, told.sentence, {"code": told.name}) from error

    return tool_server(
        TOOLS,
        desk_of,
        fault,
        instructions=INSTRUCTIONS,
        on_list_resources=_list_resources,
        on_read_resource=read_resource,
        on_subscriptions_listen=listen,
    )


def tool_server(
    tools: Sequence[ToolOf[At, Any, Any]], at_of: Callable[[Context], At], fault: Fault, *, instructions: str, **more: Any
) -> Server[Any]:
    """A server of any table of tools; ``at_of`` says what a call acts on, ``more`` are other handlers of the SDK's server."""
    named = {tool.name: tool for tool in tools}

    async def list_tools(_context: Context, _params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[tool.described() for tool in tools])

    async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
        tool = named.get(params.name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"There is no tool {params.name[:64]!r}.")
        try:
            return await _call(tool, at_of(context), params.arguments or {}, context)
        except Exception as error:  # boundary: whatever it is, the model gets a result that it can read
            return refused(error if isinstance(error, PostroomError) else fault(context, error))

    return Server(
        "postroom",
        version=__version__,
        title="Postroom",
        instructions=instructions,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        **more,
    )


async def _call(tool: ToolOf[At, Any, Any], at: At, arguments: dict[str, Any], context: Context) -> CallToolResult:
    made = await tool.act(at, _check(tool.takes, arguments), context.session.report_progress)
    content = [TextContent(text=tool.say(made)), *blocks_of(tool.attach(made))]
    return CallToolResult(content=content, structured_content=made.model_dump(mode="json", exclude_none=True))


_WORDS: Final = {"missing": "is missing", "extra_forbidden": "is no argument of this tool"}


def _check(model: type[BaseModel], arguments: dict[str, Any]) -> BaseModel:
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        faults = [(".".join(map(str, item["loc"])) or "the arguments", _WORDS.get(item["type"], item["msg"])) for item in found]
        sentence = "; ".join(f"{name}: {what}" for name, what in faults[:5])
        raise Refused(f"The arguments do not fit: {sentence}.", code="invalid", fields=[name for name, _ in faults]) from error


# Resources: the same truth for clients that show it beside the conversation.


async def _peers(desk: Desk) -> Any:
    return [peer.model_dump(mode="json") for peer in await desk.peers()]


async def _card(desk: Desk) -> Any:
    return await desk.card()


async def _open(desk: Desk) -> Any:
    return [task.model_dump(mode="json") for task in await desk.tasks(open=True, limit=64)]


_READERS: Final[dict[str, Callable[[Desk], Awaitable[Any]]]] = {_PEERS: _peers, _CARD: _card, _OPEN: _open}
_RESOURCES: Final[Sequence[Resource]] = (
    Resource(uri=_PEERS, name="peers", title="Peers", description="Whom you may delegate to.", mime_type="application/json"),
    Resource(uri=_CARD, name="card", title="Own card", description="How you are described to others.", mime_type="application/json"),
    Resource(
        uri=_OPEN,
        name="open-delegations",
        title="Open tasks",
        description="Tasks that you delegated and that have not ended.",
        mime_type="application/json",
    ),
)


async def _list_resources(_context: Context, _params: PaginatedRequestParams | None) -> ListResourcesResult:
    return ListResourcesResult(resources=list(_RESOURCES))


def _contents(uri: str, value: Any) -> ReadResourceResult:
    return ReadResourceResult(contents=[TextResourceContents(uri=uri, mime_type="application/json", text=orjson.dumps(value).decode())])
