"""A coding agent on this machine at a desk of the post room: MCP over stdio on the one side, the client on the other.

    seat.py       one workspace: finds its place, comes back by itself after every outage, says that it lives
    patience.py   how long a call waits for a server that is away
    hand.py       the post that this session has in hand: claimed, kept, given back
    desk.py       what the tools do, over the client
    reading.py    what the server answers, as the tools show it
    notices.py    tells a client that takes it that there is post
    server.py     the MCP server, for one workspace or for several
    operator.py   the operator's calls as tools, with operator_inputs.py and operator_acts.py
    stdio.py      their life on stdin and stdout

Imports nothing of the server (import-linter).
"""
