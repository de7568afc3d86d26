"""``postroom mcp``: the post room as an MCP server on stdin and stdout."""

import typer

from postroom.cli import mcp_install

group = typer.Typer(no_args_is_help=True, help="Bring a coding agent or an editor into the post room (MCP over stdio).")
group.command("install")(mcp_install.install)
group.command("uninstall")(mcp_install.uninstall)
