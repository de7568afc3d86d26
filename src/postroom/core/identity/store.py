"""Statements of the slice "identity", typed."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from postroom.core.identity.model import NewToken, SessionView, TokenView
from postroom.db.database import Connection, Database, Row
from postroom.db.statements import load

SQL = load("identity")


async def find_installation(db: Database) -> Row | None:
    """``id`` and ``key_check``."""
    return await db.first(SQL.find_installation)


async def insert_installation(db: Database, new_id: UUID, key_check: bytes) -> None:
    """The first one wins."""
    await db.write(SQL.insert_installation, new_id, key_check)


async def find_callers(db: Database, digests: Sequence[bytes], session_days: int) -> list[Row]:
    """Rows for the digests that are alive, each with its ``item`` (from 1)."""
    return await db.write(SQL.find_callers, digests, session_days, pool="lanes")


async def list_live(db: Database, credentials: Sequence[UUID]) -> set[UUID]:
    """Those of the credentials that are still good."""
    return {row["id"] for row in await db.fetch(SQL.list_live, credentials, pool="workers")}


async def find_removed_owner(db: Database, digest: bytes) -> UUID | None:
    """The removed workspace whose token this was."""
    row = await db.first(SQL.find_removed_owner, digest)
    return row["id"] if row else None


async def insert_session(db: Database, token: NewToken, digest: bytes, person: UUID, *, label: str | None, seconds: float) -> None:
    """A browser session."""
    await db.write(SQL.insert_credential, token.id, "session", digest, token.prefix, None, person, label, seconds)


async def insert_workspace_token(
    connection: Connection, token: NewToken, digest: bytes, workspace: UUID, *, label: str | None, limit: int
) -> bool:
    """False when the workspace is gone or has its limit of live tokens."""
    return await connection.fetchval(SQL.insert_workspace_token, token.id, digest, token.prefix, workspace, label, limit) is not None


async def insert_operator(db: Database, token: NewToken, digest: bytes, label: str) -> None:
    """Nothing when this very secret is known already."""
    await db.write(SQL.insert_operator_credential, token.id, digest, token.prefix, label)


async def revoke_other_operators(db: Database, label: str, digest: bytes) -> None:
    """What the label stood for before is revoked."""
    await db.write(SQL.revoke_other_operators, label, digest)


async def list_tokens(db: Database, workspace: UUID) -> list[TokenView]:
    """Live tokens, oldest first."""
    rows = await db.fetch(SQL.list_tokens, workspace)
    return [
        TokenView(id=row["id"], prefix=row["prefix"], label=row["label"], created_at=row["created_at"], used_at=row["used_at"])
        for row in rows
    ]


async def revoke_token(db: Database, token: UUID, workspace: UUID) -> bool:
    """False when there is no such live token of this workspace."""
    return bool(await db.write(SQL.revoke_token, token, workspace))


async def revoke_all_tokens(connection: Connection, workspace: UUID) -> None:
    """When the workspace is removed."""
    await connection.execute(SQL.revoke_all_tokens, workspace)


async def revoke_session(db: Database, session: UUID) -> bool:
    """False when it is over already."""
    return bool(await db.write(SQL.revoke_session, session))


async def list_sessions(db: Database) -> list[SessionView]:
    """Live sessions, oldest first."""
    rows = await db.fetch(SQL.list_sessions)
    return [
        SessionView(
            id=row["id"],
            prefix=row["prefix"],
            label=row["label"],
            person=row["name"],
            created_at=row["created_at"],
            used_at=row["used_at"],
            expires_at=row["expires_at"],
        )
        for row in rows
    ]


async def insert_first_person(db: Database, new_id: UUID, name: str) -> UUID:
    """The person whom login links let in; made once. Returns the id of the one there is."""
    await db.write(SQL.insert_first_person, new_id, name)
    row = await db.first(SQL.find_first_person)
    if row is None:
        raise LookupError("no person although one was just made")
    return row["id"]


async def insert_login_code(db: Database, digest: bytes, person: UUID, seconds: float) -> None:
    """Good once, for so long."""
    await db.write(SQL.insert_login_code, digest, person, seconds)


async def spend_login_code(db: Database, digest: bytes) -> UUID | None:
    """The person it lets in, the first time only."""
    rows = await db.write(SQL.spend_login_code, digest)
    return rows[0]["person_id"] if rows else None


async def list_preferences(db: Database, owner: UUID) -> dict[str, Any]:
    """By name."""
    return {row["name"]: row["value"] for row in await db.fetch(SQL.list_preferences, owner)}


async def set_preference(db: Database, owner: UUID, name: str, value: object, *, most: int) -> bool:
    """False when the owner has as many others."""
    return bool(await db.write(SQL.set_preference, owner, name, value, most))


async def prune_login_codes(db: Database) -> None:
    """Old ones are of no use to anybody."""
    await db.write(SQL.prune_login_codes, pool="workers")
