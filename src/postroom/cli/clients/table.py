"""The clients that ``postroom mcp install`` knows: where each keeps its configuration and how an MCP server is written there.

Looked up in each client's own documentation and source in November 2026; docs/mcp.md says the same to people.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from postroom.cli.clients import jsonc, toml

Json = dict[str, Any]
Environ = Mapping[str, str]

# A tool may wait as long as the server lets it: an hour. Clients with a limit of their own would give up after 60 seconds.
WAIT_SECONDS = 3600
# A cold start of Python on a busy machine.
START_SECONDS = 60
# What the command reads and a client with a clean environment has to pass on; names, never values.
PASSED_ON = ["POSTROOM_TOKEN", "POSTROOM_STATE"]


class Notation(Protocol):
    """How a file is written: one of the modules ``jsonc`` and ``toml``."""

    @property
    def EMPTY(self) -> str: ...  # noqa: N802 - a constant of the module
    def read(self, text: str) -> Any: ...
    def put(self, text: str, path: Sequence[str], data: Any) -> str: ...
    def remove(self, text: str, path: Sequence[str]) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One client. ``user`` is its file for all of a person's projects, ``project`` that for the one in a directory (None: it has none).

    ``servers`` is the path of the table of MCP servers in a document that reads as given, ``entry`` one server in it.
    """

    title: str
    user: Callable[[Path, Environ], Path]
    project: Callable[[Path], Path | None]
    notation: Notation
    servers: Callable[[Json], tuple[str, ...]]
    entry: Callable[[Sequence[str]], Json]


def _command_and_args(words: Sequence[str], **more: Any) -> Json:
    return {"command": words[0], "args": list(words[1:]), **more}


def _code_user(home: Path, environ: Environ) -> Path:
    """VS Code's directory of the user, on each system its own."""
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "Code" / "User"
    if sys.platform == "win32":
        return Path(environ.get("APPDATA") or home / "AppData" / "Roaming") / "Code" / "User"
    return _config(home, environ) / "Code" / "User"


def _config(home: Path, environ: Environ) -> Path:
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config")


def _cline_settings(home: Path, environ: Environ) -> Path:
    """One file for the editor's extension and the command line, since both read it."""
    if named := environ.get("CLINE_MCP_SETTINGS_PATH"):
        return Path(named)
    data = environ.get("CLINE_DATA_DIR") or Path(environ.get("CLINE_DIR") or home / ".cline") / "data"
    return Path(data) / "settings" / "cline_mcp_settings.json"


def _opencode(directory: Path) -> Path:
    """Either name is read; the one that is there is the person's."""
    commented = directory / "opencode.jsonc"
    return commented if commented.exists() else directory / "opencode.json"


def _opencode_servers(document: Json) -> tuple[str, ...]:
    """Version 2 keeps servers under ``mcp.servers`` and reads version 1's ``mcp`` too: follow the file, else the form that both know."""
    table: Any = document.get("mcp")
    servers: Any = cast(Json, table).get("servers") if isinstance(table, dict) else None
    return ("mcp", "servers") if isinstance(servers, dict) and "type" not in servers else ("mcp",)


CLIENTS: dict[str, Client] = {
    "claude-code": Client(
        title="Claude Code",
        user=lambda home, environ: Path(environ.get("CLAUDE_CONFIG_DIR") or home) / ".claude.json",
        project=lambda directory: directory / ".mcp.json",
        notation=jsonc,
        servers=lambda _: ("mcpServers",),
        entry=lambda words: {"type": "stdio", **_command_and_args(words)},
    ),
    "codex": Client(
        title="Codex",
        user=lambda home, environ: Path(environ.get("CODEX_HOME") or home / ".codex") / "config.toml",
        project=lambda directory: directory / ".codex" / "config.toml",
        notation=toml,
        servers=lambda _: ("mcp_servers",),
        entry=lambda words: _command_and_args(words, env_vars=PASSED_ON, startup_timeout_sec=START_SECONDS, tool_timeout_sec=WAIT_SECONDS),
    ),
    "cursor": Client(
        title="Cursor",
        user=lambda home, _: home / ".cursor" / "mcp.json",
        project=lambda directory: directory / ".cursor" / "mcp.json",
        notation=jsonc,
        servers=lambda _: ("mcpServers",),
        entry=lambda words: {"type": "stdio", **_command_and_args(words)},
    ),
    "cline": Client(
        title="Cline",
        user=_cline_settings,
        project=lambda _: None,
        notation=jsonc,
        servers=lambda _: ("mcpServers",),
        entry=lambda words: _command_and_args(words, timeout=WAIT_SECONDS),
    ),
    "opencode": Client(
        title="OpenCode",
        user=lambda home, environ: _opencode(_config(home, environ) / "opencode"),
        project=_opencode,
        notation=jsonc,
        servers=_opencode_servers,
        entry=lambda words: {"type": "local", "command": list(words), "timeout": WAIT_SECONDS * 1000},
    ),
    "vscode": Client(
        title="VS Code",
        user=lambda home, environ: _code_user(home, environ) / "mcp.json",
        project=lambda directory: directory / ".vscode" / "mcp.json",
        notation=jsonc,
        servers=lambda _: ("servers",),
        entry=lambda words: {"type": "stdio", **_command_and_args(words)},
    ),
}


def file_of(client: Client, *, project: bool, environ: Environ | None = None) -> Path | None:
    """The file to write: in this directory with ``project``, else the person's own. None where the client has no such file."""
    if project:
        return client.project(Path.cwd())
    return client.user(Path.home(), os.environ if environ is None else environ)
