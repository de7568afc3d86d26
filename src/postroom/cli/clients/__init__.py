"""The configuration of coding agents and editors (MCP clients): where it lies, its form, and one entry in it that is ours."""
