"""From what a model calls somebody to an id."""

import difflib
from collections.abc import Mapping
from uuid import UUID

from postroom.errors import NotFound, Refused


def chosen(named: str, names: Mapping[UUID, str]) -> UUID:
    """Whom a name means, whatever its case. Raises NotFound with the names that come near (lessons.md, U2), Refused for several."""
    found = [id for id, name in names.items() if name.casefold() == named.strip().casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        raise Refused("Several bear this name: use the id.", code="ambiguous_name", ids=[str(id) for id in found])
    raise NotFound("Nobody there bears this name.", code="workspace_not_found", near=difflib.get_close_matches(named, names.values(), n=3))
