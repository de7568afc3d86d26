"""Who is calling, and the credentials by which they are known."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class PrincipalKind(StrEnum):
    """The kinds of callers."""

    OPERATOR = "operator"
    PERSON = "person"
    WORKSPACE = "workspace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The caller of one request, as its credential says and nothing else.

    ``id`` is the installation's for the operator, the person's, or the workspace's; keys of idempotency belong to it, so that a new token
    keeps them. ``credential_id`` is named in every write, which looks again whether it still lives.
    """

    kind: PrincipalKind
    id: UUID
    name: str
    credential_id: UUID

    @property
    def manages(self) -> bool:
        """Whether the operator's calls are theirs: the operator's token, and people, who came in by the operator's link."""
        return self.kind is not PrincipalKind.WORKSPACE

    @property
    def workspace_id(self) -> UUID | None:
        """The workspace that this caller is, if it is one."""
        return self.id if self.kind is PrincipalKind.WORKSPACE else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token at the only moment it is seen."""

    id: UUID
    token: str
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenView:
    """A token as it may be shown later."""

    id: UUID
    prefix: str
    label: str | None
    created_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """A browser session as its owner sees it in a list."""

    id: UUID
    prefix: str
    label: str | None
    person: str
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime
