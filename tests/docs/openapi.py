"""``python -m tests.docs.openapi``: the description of the management calls, without a server; the page's types are made from it."""

import asyncio
import sys
from typing import Any, cast

import orjson

from postroom.edges.rest.api import create_api


def described() -> bytes:
    """The OpenAPI document of ``edges/rest``, in a stable order."""
    absent = cast(Any, None)
    document = create_api(absent, health=absent, inspect=absent, collect=absent, closing=asyncio.Event()).openapi()
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)


if __name__ == "__main__":
    sys.stdout.buffer.write(described())
