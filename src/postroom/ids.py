"""The one source of ids.

Ids are UUIDv7 (RFC 9562, section 5.7): the leading 48 bits are milliseconds, so new rows land at the right edge of
their index. They name things; they are never cursors, because clocks of several servers do not agree.
"""

import secrets
import time
from uuid import UUID

_TIME = (2**48 - 1) << 80
_RANDOM = (2**12 - 1) << 64 | (2**62 - 1)
_VERSION_7 = 0x7 << 76
_VARIANT_RFC = 0b10 << 62


def new_id() -> UUID:
    """Make a UUIDv7."""
    milliseconds = time.time_ns() // 1_000_000
    return UUID(int=(milliseconds << 80) & _TIME | secrets.randbits(80) & _RANDOM | _VERSION_7 | _VARIANT_RFC)
