"""The tools by which an agent takes part in the post room over MCP: said once, for the server and for the bridge on a laptop.

    desk.py       what an agent can do at its desk, as a protocol; the server sits it on its services, the bridge on the client
    tools.py      the table of tools: names, schemas, annotations, what each does at the desk
    naming.py     from a name to an id
    server.py     an MCP server of any table of tools
    words.py      results as text that a model reads; what others wrote is quoted and bears its sender's name
    refusals.py   errors that a model can act on

Imports neither server nor client (import-linter).
"""
