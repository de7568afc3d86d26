"""Use cases of identity: let callers in, make and revoke what they come in with."""

import hmac
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from postroom.clock import monotonic
from postroom.core.identity import store
from postroom.core.identity.model import NewToken, Principal, PrincipalKind, SessionView, TokenView
from postroom.core.identity.secrets import SHOWN, Digester, make_secret
from postroom.db.batching import Batcher
from postroom.db.database import Connection, Database, Row
from postroom.errors import Forbidden, Gone, NotFound, PostroomError, Refused, SetupError, Unauthenticated
from postroom.ids import new_id
from postroom.settings import Settings

_KEY_CHECK = "postroom key check"
_DAY = 86400.0
_LONGEST_SECRET = 512
_REMEMBERED_SECONDS = 20.0
_REMEMBERED = 10_000
_MOST_PREFERENCES = 64


class Identity:
    """Credentials in, principals out. A revoked token is refused by the very next request (decision 0012 for what is remembered)."""

    def __init__(self, db: Database, settings: Settings, key: bytes) -> None:
        self._db = db
        self._settings = settings
        self._digester = Digester(key)
        self.lookups: Batcher[bytes, Principal | None] = Batcher("authenticate", self._find_callers, lanes=1, size=256)
        self._remembered: OrderedDict[bytes, tuple[Principal, float]] = OrderedDict()
        self.installation_id = UUID(int=0)

    async def prepare(self) -> None:
        """Check that this server has the key that the stored digests were made with; raises SetupError."""
        check = self._digester.digest(_KEY_CHECK)
        await store.insert_installation(self._db, new_id(), check)
        row = await store.find_installation(self._db)
        if row is None or not hmac.compare_digest(row["key_check"], check):
            raise SetupError(
                "This server's secret key is not the one that the database was made with.",
                advice="Give every server the same POSTROOM_SECRET_KEY (or the same key file in the data directory).",
            )
        self.installation_id = row["id"]

    async def authenticate(self, secret: str) -> Principal:
        """The caller behind a token; raises Unauthenticated, or Gone for the token of a removed workspace."""
        return await self._look_up(self._digest(secret))

    async def recognise(self, secret: str) -> Principal:
        """The caller behind a token, as found within the last seconds. Raises as ``authenticate`` does.

        Only for what is decided by a statement that looks at the credential itself, as accept, claim and finish do: there this answer says
        who asks, and the statement whether they still may.
        """
        digest = self._digest(secret)
        principal, until = self._remembered.get(digest, (None, 0.0))
        return principal if principal is not None and monotonic() < until else await self._look_up(digest)

    def _digest(self, secret: str) -> bytes:
        if not secret or len(secret) > _LONGEST_SECRET:
            raise Unauthenticated("This needs a valid token.")
        return self._digester.digest(secret)

    async def _look_up(self, digest: bytes) -> Principal:
        principal = await self.lookups.submit(digest)
        if principal is None:
            self._remembered.pop(digest, None)
            raise await self._refusal(digest)
        self._remember(digest, principal)
        return principal

    def _remember(self, digest: bytes, principal: Principal) -> None:
        now = monotonic()
        self._remembered[digest] = (principal, now + _REMEMBERED_SECONDS)
        self._remembered.move_to_end(digest)
        # In the order of their ends: whoever does not come back is forgotten.
        while next(iter(self._remembered.values()))[1] < now or len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)

    async def _refusal(self, digest: bytes) -> PostroomError:
        removed = await store.find_removed_owner(self._db, digest)
        if removed is not None:
            return Gone("This workspace was removed.", code="workspace_removed", workspace_id=str(removed))
        return Unauthenticated("This needs a valid token.")

    async def _find_callers(self, digests: Sequence[bytes]) -> list[Principal | None]:
        rows = await store.find_callers(self._db, digests, self._settings.session_days)
        found = {row["item"]: _principal(row) for row in rows}
        return [found.get(item) for item in range(1, len(digests) + 1)]

    async def live(self, credentials: Sequence[UUID]) -> set[UUID]:
        """Those of the credentials that still let their owners in."""
        return await store.list_live(self._db, credentials)

    async def install_operator(self, secret: str, label: str) -> None:
        """Make this secret the operator's; what the label stood for before stops working."""
        digest = self._digester.digest(secret)
        token = NewToken(id=new_id(), token=secret, prefix=secret[:SHOWN])
        await store.insert_operator(self._db, token, digest, label)
        await store.revoke_other_operators(self._db, label, digest)

    def new_token(self, kind: str) -> tuple[NewToken, bytes]:
        """A fresh token and its digest."""
        secret = make_secret(kind)
        return NewToken(id=new_id(), token=secret, prefix=secret[:SHOWN]), self._digester.digest(secret)

    async def add_workspace_token(
        self, connection: Connection, workspace: UUID, token: tuple[NewToken, bytes], *, label: str | None
    ) -> NewToken:
        """Inside the caller's transaction; raises Refused at the limit of live tokens."""
        made = await store.insert_workspace_token(connection, *token, workspace, label=label, limit=self._settings.token_limit)
        if not made:
            sentence = f"A workspace has at most {self._settings.token_limit} live tokens: revoke one first."
            raise Refused(sentence, code="too_many_tokens", limit=self._settings.token_limit)
        return token[0]

    async def make_workspace_token(self, workspace: UUID, *, label: str | None) -> NewToken:
        """A further token; raises Refused at the limit."""
        token = self.new_token("prw")

        async def act(connection: Connection) -> NewToken:
            return await self.add_workspace_token(connection, workspace, token, label=label)

        return await self._db.transaction(act)

    async def list_tokens(self, workspace: UUID) -> list[TokenView]:
        """Live tokens of a workspace."""
        return await store.list_tokens(self._db, workspace)

    async def revoke_token(self, workspace: UUID, token: UUID) -> None:
        """From the next statement on it is nobody's; raises NotFound."""
        if not await store.revoke_token(self._db, token, workspace):
            raise NotFound("There is no such live token.")

    async def make_login_code(self) -> str:
        """A secret that lets one browser in, once."""
        person = await store.insert_first_person(self._db, new_id(), "You")
        token, digest = self.new_token("prl")
        await store.insert_login_code(self._db, digest, person, self._settings.login_code_seconds)
        return token.token

    async def open_session(self, code: str, *, label: str | None) -> NewToken:
        """Trade a login code for a session; raises Unauthenticated the second time."""
        person = await store.spend_login_code(self._db, self._digester.digest(code)) if len(code) <= _LONGEST_SECRET else None
        if person is None:
            raise Unauthenticated("This login link was used or is too old; postroom login-link makes a new one.", code="login_code_spent")
        token, digest = self.new_token("prs")
        await store.insert_session(self._db, token, digest, person, label=label, seconds=self._settings.session_days * _DAY)
        return token

    async def list_sessions(self) -> list[SessionView]:
        """Browsers that are let in."""
        return await store.list_sessions(self._db)

    async def close_session(self, session: UUID) -> None:
        """Log out; raises NotFound."""
        if not await store.revoke_session(self._db, session):
            raise NotFound("There is no such session.")

    async def preferences(self, principal: Principal) -> dict[str, Any]:
        """What the operator or a person keeps for themselves, by name. Raises Forbidden."""
        require_manager(principal)
        return await store.list_preferences(self._db, principal.id)

    async def prefer(self, principal: Principal, name: str, value: object) -> None:
        """Keep a value (any JSON) under a name. Raises Forbidden, Refused (``too_many_preferences``)."""
        require_manager(principal)
        if not await store.set_preference(self._db, principal.id, name, value, most=_MOST_PREFERENCES):
            raise Refused(f"At most {_MOST_PREFERENCES} preferences are kept.", code="too_many_preferences", limit=_MOST_PREFERENCES)

    async def prune(self) -> None:
        """Forget login codes that no one can use."""
        await store.prune_login_codes(self._db)


def require_manager(principal: Principal) -> None:
    """Raises Forbidden for a workspace: what widens rights is the operator's (lessons.md, L22)."""
    if not principal.manages:
        raise Forbidden("This is the operator's.")


def _principal(row: Row) -> Principal:
    match row["kind"]:
        case "operator":
            return Principal(kind=PrincipalKind.OPERATOR, id=row["installation_id"], name="Operator", credential_id=row["id"])
        case "session":
            return Principal(kind=PrincipalKind.PERSON, id=row["person_id"], name=row["person_name"], credential_id=row["id"])
        case _:
            return Principal(kind=PrincipalKind.WORKSPACE, id=row["workspace_id"], name=row["workspace_name"], credential_id=row["id"])
