-- Agents that speak in single calls hold what they were handed in the name of a session: it extends their leases, and finds a lease's token
-- again, whichever server it comes to. A row is a session's for as long as the token is the one that it was handed with.

alter table work
    add column session uuid,
    add column session_token bigint,
    add check ((session is null) = (session_token is null));
