"""Every setting of the server: name, type, default, environment variable and one line of meaning.

A setting ``name`` is read from ``POSTROOM_NAME``; what the command line gives wins. ``docs/operations.md`` lists them, and a
test fails when it does not.
"""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from postroom.errors import SetupError

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


def setting(default: Any, meaning: str) -> Any:
    """Declare a field with the one line that documents it."""
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. Times are seconds, sizes are bytes."""

    host: str = setting("127.0.0.1", "Address to listen on.")
    port: int = setting(8080, "Port to listen on; 0 takes a free one.")
    data: Path = setting(Path("~/.postroom"), "Directory of the embedded PostgreSQL, the key file and local state.")
    database_url: str = setting("", "An external PostgreSQL; empty starts the embedded one.")
    public_url: str = setting("", "Address under which browsers and agents reach this server; empty: host and port.")
    allowed_hosts: tuple[str, ...] = setting((), "Further values of the Host header to answer to, separated by commas.")
    admin_token: str = setting("", "Operator token for automation, at least 32 characters.")
    secret_key: str = setting("", "Key for token digests, at least 32 characters; empty uses the key file in the data directory.")
    agent_networks: tuple[IPNetwork, ...] = setting(
        (), "Networks (CIDR, separated by commas) where agents may live beside public addresses."
    )
    log_level: str = setting("info", "debug, info, warning or error.")
    log_format: str = setting("text", "text or json.")

    request_limit: int = setting(1024 * 1024, "Largest request body.")
    reply_limit: int = setting(10 * 1024 * 1024, "Largest reply of an agent.")
    file_limit: int = setting(25 * 1024 * 1024, "Largest file.")
    message_files_limit: int = setting(50 * 1024 * 1024, "Most bytes of all files that one message names.")
    header_seconds: float = setting(10.0, "Time a client has to send its request line and headers.")
    body_seconds: float = setting(30.0, "Time a client has to send its body.")
    upload_seconds: float = setting(900.0, "Time a client has to send a file.")
    connection_limit: int = setting(4096, "Connections served at a time.")
    address_connection_limit: int = setting(1024, "Connections served at a time from one address.")
    wait_seconds: float = setting(300.0, "How long a blocking send waits when the caller does not say.")
    drain_seconds: float = setting(10.0, "How long a stopping server waits for what is in flight.")

    lease_seconds: float = setting(30.0, "Length of a lease when the agent does not say.")
    session_lease_seconds: float = setting(300.0, "How long an agent that speaks MCP keeps its messages after its last call.")
    call_seconds: float = setting(600.0, "How long a called agent may take to answer one call.")
    call_limit: int = setting(256, "Calls to agents in flight at a time, per server.")
    attempt_limit: int = setting(10, "Handed attempts before a message fails.")
    deadline_seconds: float = setting(86400.0, "Deadline of a message when the sender does not say.")
    backoff_seconds: float = setting(1.0, "First pause between attempts; doubles with every attempt, with full jitter.")
    backoff_limit: float = setting(300.0, "Longest pause between attempts.")
    mailbox_limit: int = setting(2_000_000, "Unfinished messages that one mailbox holds before it answers 429.")
    silence_seconds: float = setting(90.0, "Silence after which an agent is offline.")
    poll_seconds: float = setting(1.0, "Pause of a loop that nobody wakes, before jitter.")
    event_days: int = setting(30, "Days that the feed reaches back; messages are kept for good.")
    token_limit: int = setting(50, "Live tokens per workspace.")
    delegation_limit: int = setting(64, "Delegations per workspace that have not ended.")
    chain_limit: int = setting(8, "Workspaces that may ask one another on behalf of the first.")
    session_days: int = setting(30, "Days that a browser session lasts without use.")
    login_code_seconds: float = setting(600.0, "How long a one-time login link works.")

    batch_size: int = setting(64, "Most accepts or finishes that share one commit; 1 turns batching off.")
    lanes: int = setting(2, "Connections that write batches, for accepts and for finishes each.")
    pool_size: int = setting(8, "Connections for requests; workers have a pool of a third of it.")
    pool_seconds: float = setting(2.0, "Wait for a free connection before a request is answered 503.")
    disk_reserve: int = setting(256 * 1024 * 1024, "Free disk below which new messages are refused; replies still pass.")

    def __post_init__(self) -> None:
        """Check what needs checking across fields; raises SetupError."""
        for name in ("admin_token", "secret_key"):
            value: str = getattr(self, name)
            _require(not value or len(value) >= 32, f"POSTROOM_{name.upper()} is shorter than 32 characters")
        _require(0 <= self.port <= 65535, "POSTROOM_PORT is not a port")
        _require(1 <= self.batch_size <= 1000, "POSTROOM_BATCH_SIZE is not between 1 and 1000")
        _require(self.log_level in ("debug", "info", "warning", "error"), "POSTROOM_LOG_LEVEL is not a level")
        _require(self.log_format in ("text", "json"), "POSTROOM_LOG_FORMAT is neither text nor json")
        object.__setattr__(self, "data", self.data.expanduser().absolute())

    @property
    def listens_on_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def load_settings(environ: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Read the settings: defaults, then the environment, then ``given`` (None counts as not given).

    Raises SetupError that names the variable when a value can not be read.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for item in fields(Settings):
        name = environment_name(item.name)
        if environ.get(name, "") != "":
            values[item.name] = _parse(name, environ[name], Settings.__dataclass_fields__[item.name].type)
    values.update({key: value for key, value in given.items() if value is not None})
    return Settings(**values)


def environment_name(name: str) -> str:
    """The environment variable of a setting."""
    return f"POSTROOM_{name.upper()}"


def _parse(name: str, text: str, kind: Any) -> Any:
    readers: dict[Any, Any] = {
        int: int,
        float: float,
        Path: Path,
        str: str,
        tuple[str, ...]: _words,
        tuple[IPNetwork, ...]: _networks,
    }
    try:
        return readers[kind](text)
    except ValueError as error:
        # The value may be a secret that landed in the wrong variable: name the variable, never the value.
        raise SetupError(f"{name} can not be read", advice=f"See the settings in docs/operations.md: {name}.") from error


def _networks(text: str) -> tuple[IPNetwork, ...]:
    return tuple(ipaddress.ip_network(word) for word in _words(text))


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise SetupError(sentence, advice="Change the variable or leave it out; docs/operations.md lists them all.")
