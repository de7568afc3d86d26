"""MCP, served: ``/workspaces/{id}/mcp``, streamable HTTP for the agent of one workspace.

    endpoint.py   who may, within which limits; then the official SDK speaks the protocol, in whichever revision the client does
    sessions.py   which sessions this process sees alive, and what that does for their leases
    desk.py       the desk of a session, on the services
    showing.py    what the core knows, as the tools show it

Any server answers any request of any client: nothing of a session is kept in a process. A client of the current revision has no session but
its token, an older one a name that it is given; what it holds is written in the database beside the lease.
"""

from postroom.edges.mcp.endpoint import Mcp, paths

__all__ = ["Mcp", "paths"]
