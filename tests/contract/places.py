"""A workspace and what its agent needs to come in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Its id and its token."""

    id: str
    token: str
