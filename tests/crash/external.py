"""A PostgreSQL that is not the server's own, and the network to it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

from tests.support.proxy import Proxy, proxy_to

OPERATOR = "an operator token for servers outside, long enough"
SECRET_KEY = "a secret key for servers outside, long enough"


@asynccontextmanager
async def database_proxy(dsn: str) -> AsyncGenerator[tuple[Proxy, str]]:
    """A proxy to a PostgreSQL that listens on a Unix socket, and the DSN through it."""
    parts = urlsplit(dsn)
    options = parse_qs(parts.query)
    async with proxy_to(f"{options['host'][0]}/.s.PGSQL.{options['port'][0]}") as proxy:
        yield proxy, f"postgresql://{parts.username}:{parts.password}@127.0.0.1:{proxy.port}{parts.path}?sslmode=disable"
