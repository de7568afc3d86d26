"""The two versions of A2A that agents speak over JSON-RPC, and which one to begin with."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import orjson

from postroom.edges.wire import Json, message_to_03


@dataclass(frozen=True, slots=True)
class Dialect:
    """Names of methods and headers in one version. 0.3 is what a request without a version header speaks (specification 3.6.2)."""

    version: str
    send: str
    stream: str
    get: str
    cancel: str
    headers: tuple[tuple[str, str], ...]

    def stream_request(self, message: Json, request_id: str, tenant: str | None) -> bytes:
        """The body that sends a message (1.0 form) and wants to hear how it goes."""
        given = message_to_03(message) if self is V0_3 else message
        return _request(self.stream, request_id, {"message": given}, tenant)

    def message_request(self, message: Json, request_id: str, tenant: str | None) -> bytes:
        """The body that sends a message (1.0 form). The agent is asked to answer when it is done; 1.0 does so unasked."""
        if self is V0_3:
            return _request(self.send, request_id, {"message": message_to_03(message), "configuration": {"blocking": True}}, tenant)
        return _request(self.send, request_id, {"message": message}, tenant)

    def task_request(self, method: str, task_id: str, tenant: str | None) -> bytes:
        """The body that asks for a task (``get``) or ends it (``cancel``)."""
        return _request(method, task_id, {"id": task_id}, tenant)


V1_0: Final = Dialect("1.0", "SendMessage", "SendStreamingMessage", "GetTask", "CancelTask", (("A2A-Version", "1.0"),))
V0_3: Final = Dialect("0.3", "message/send", "message/stream", "tasks/get", "tasks/cancel", ())


@dataclass(frozen=True, slots=True)
class Speech:
    """How to speak to one agent. ``tenant`` is echoed as the card gives it (specification 8.3.2); 0.3 has none.

    ``streams``: its card says that it tells how its work goes.
    """

    dialect: Dialect
    tenant: str | None = None
    streams: bool = False

    def others(self) -> Iterator["Speech"]:
        """What to try when the agent refuses this: without a stream, if there was one; then the other version."""
        if self.streams:
            yield replace(self, streams=False)
        yield Speech(V0_3 if self.dialect is V1_0 else V1_0, self.tenant)


def speech_of(card: Json | None, url: str) -> Speech:
    """Choose from the card as the agent gave it; where it says nothing that can be read, begin with 1.0."""
    interfaces, streams = _json_rpc_interfaces(card or {}), _streams(card or {})
    if interfaces:
        chosen = next((interface for interface in interfaces if interface.get("url") == url), interfaces[0])
        tenant = chosen.get("tenant")
        return Speech(_dialect(chosen.get("protocolVersion")), tenant if isinstance(tenant, str) and tenant else None, streams)
    if card and ("protocolVersion" in card or "url" in card):
        return Speech(_dialect(card.get("protocolVersion", "0.3")), streams=streams)
    return Speech(V1_0, streams=streams)


def _streams(card: Json) -> bool:
    capabilities: Any = card.get("capabilities")
    return isinstance(capabilities, dict) and cast(Json, capabilities).get("streaming") is True


def _json_rpc_interfaces(card: Json) -> list[Json]:
    declared: Any = card.get("supportedInterfaces")
    interfaces = cast(list[Any], declared) if isinstance(declared, list) else []
    return [
        cast(Json, interface)
        for interface in interfaces
        if isinstance(interface, dict) and str(cast(Json, interface).get("protocolBinding", "JSONRPC")).upper() == "JSONRPC"
    ]


def _dialect(version: object) -> Dialect:
    return V0_3 if isinstance(version, str) and version.startswith("0.") else V1_0


def _request(method: str, request_id: str, params: Json, tenant: str | None) -> bytes:
    addressed = params if tenant is None else params | {"tenant": tenant}
    return orjson.dumps({"jsonrpc": "2.0", "id": request_id, "method": method, "params": addressed})
