"""The key under which a repeat is the same: read from the header, and what is derived from it."""

import re
from collections.abc import Mapping
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from postroom.errors import Refused
from postroom.ids import new_id

_KEY: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?")


def key_of(headers: Mapping[str, str]) -> str | None:
    """The ``Idempotency-Key`` of a request, if it has one; raises Refused (``bad_key``)."""
    key = headers.get("idempotency-key")
    return None if key is None else checked_key(key)


def checked_key(key: str) -> str:
    """The key, if it can be one; raises Refused (``bad_key``)."""
    if not _KEY.fullmatch(key):
        raise Refused("An idempotency key is 1 to 255 printable ASCII characters.", code="bad_key")
    return key


def message_id_for(key: str | None) -> str:
    """An id for a message that came without one. From the key, if there is one: the repeat has to be the same body."""
    return str(new_id() if key is None else uuid5(NAMESPACE_URL, f"postroom:{key}"))


def reply_id_for(message: UUID) -> str:
    """An id for an answer that came without one: of the message that it answers, so that the same reply again is the same reply."""
    return str(uuid5(message, "reply"))
