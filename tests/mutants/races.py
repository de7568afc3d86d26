"""Seeded bugs that show when many do the same at once (tests/races), or in a long story of small steps (tests/model)."""

from tests.mutants.seed import Seed

_FUNCTIONS = "src/postroom/sql/migrations/0005_create_delivery_functions.sql"
_STORE = "src/postroom/core/messages/store.py"
_KEYS = "tests/races/test_keys.py"
_ENDS = "tests/races/test_ends.py"
_CLAIMS = "tests/races/test_claims.py"
_RIGHTS = "tests/races/test_rights.py"
_MODEL = ("tests/model/test_model.py::test_the_post_room_does_what_its_model_does",)

_RACES = [
    Seed(
        name="T13 a key is the token's and not its owner's",
        file=_STORE,
        old="        draft.key,\n",
        new='        draft.key and f"{principal.credential_id} {draft.key}",\n',
        tests=(f"{_KEYS}::test_a_key_is_its_principals_and_not_its_tokens",),
    ),
    Seed(
        name="T13 every server knows the keys that it took itself",
        file=_STORE,
        old="        draft.key,\n",
        new='        draft.key and f"{id(_columns)} {draft.key}",\n',
        tests=(f"{_KEYS}::test_same_key_and_body_is_one_message",),
    ),
    Seed(
        name="T13 a mailbox is not locked while its next number is taken",
        file=_FUNCTIONS,
        old="    perform lock_mailboxes(p_workspaces || array(select s.id from unnest(p_sender_kinds, p_senders) s (kind, id) "
        "where s.kind = 'workspace'));\n",
        new="",
        tests=(f"{_KEYS}::test_every_message_has_a_number_of_its_own",),
    ),
    Seed(
        name="T13 a cancel takes the work from its holder",
        file=_FUNCTIONS,
        old="    elsif not w.leased or w.due_at <= clock_timestamp() then\n",
        new="    elsif true then\n",
        tests=(f"{_ENDS}::test_cancel_never_takes_the_work_from_its_holder",),
    ),
    Seed(
        name="T13 a lease that is claimed again has the number of the one before",
        file=_FUNCTIONS,
        old="            update work w set leased = true, token = w.token + 1, attempt",
        new="            update work w set leased = true, token = 1, attempt",
        tests=(f"{_ENDS}::test_late_reply_or_the_next_claim",),
    ),
    Seed(
        name="T13 a paused mailbox hands out",
        file=_FUNCTIONS,
        old="""        continue when box.paused or box.active_count = 0;
        for held in
            select w.* from work w join mailbox b on b.workspace_id = w.workspace_id
            where w.workspace_id = p_workspaces[i] and w.due_at < 'infinity' and w.due_at <= moment and not w.called and not b.paused""",
        new="""        continue when box.active_count = 0;
        for held in
            select w.* from work w join mailbox b on b.workspace_id = w.workspace_id
            where w.workspace_id = p_workspaces[i] and w.due_at < 'infinity' and w.due_at <= moment and not w.called""",
        tests=(f"{_CLAIMS}::test_pause_or_claim",),
    ),
    Seed(
        name="T13 one more is out than there is room for",
        file=_FUNCTIONS,
        old="active := box.active_count < box.max_concurrent;\n        called := box.called;\n        if given",
        new="active := box.active_count <= box.max_concurrent;\n        called := box.called;\n        if given",
        tests=(f"{_CLAIMS}::test_each_message_goes_to_one_claimer",),
    ),
    Seed(
        name="T13 who is calling is remembered for a second",
        file="src/postroom/core/identity/service.py",
        old="        principal = await self.lookups.submit(digest)\n",
        new="""        known: dict[bytes, tuple[float, Principal | None]] = self.__dict__.setdefault("_known", {})
        now = __import__("time").monotonic()
        if digest not in known or known[digest][0] < now:
            known[digest] = (now + 1, await self.lookups.submit(digest))
        principal = known[digest][1]
""",
        tests=(f"{_RIGHTS}::test_revoke_or_read",),
    ),
    Seed(
        name="T13 a claim that was let in hands out to a token that was revoked meanwhile",
        file=_FUNCTIONS,
        old="case when (p_credentials[i] = any(live)) is not true then 'unauthenticated' when box.called",
        new="case when box.called",
        tests=(f"{_RIGHTS}::test_what_was_let_in_before_the_revoke_writes_nothing_after_it",),
    ),
    Seed(
        name="T13 a revoked token keeps its leases for good",
        file="src/postroom/sql/queries/deliveries.sql",
        old="  and (given.credential_id is null or credential_lives(given.credential_id))\n",
        new="",
        tests=(f"{_RIGHTS}::test_what_was_let_in_before_the_revoke_writes_nothing_after_it",),
    ),
]

_STORIES = [
    Seed(
        name="T11 the last in line is let out first",
        file=_FUNCTIONS,
        old="        order by w.seq limit box.max_concurrent - box.active_count));",
        new="        order by w.seq desc limit box.max_concurrent - box.active_count));",
        tests=_MODEL,
    ),
    Seed(
        name="T11 a sender that is a workspace is not told of the end",
        file=_FUNCTIONS,
        old="one.workspace_id, case when one.sender_kind = 'workspace' then one.sender_id end,",
        new="one.workspace_id, null,",
        tests=_MODEL,
    ),
    Seed(
        name="T11 a task that has ended takes more",
        file=_FUNCTIONS,
        old=" when ended.interrupted is null then 'task_ended' end;",
        new=" end;",
        tests=_MODEL,
    ),
    Seed(
        name="T11 what its sender cancelled is handed out again when it comes back",
        file=_FUNCTIONS,
        old="        elsif w.cancel_requested_at is not null then\n            verdict := 'cancelled';",
        new="        elsif false then\n            verdict := 'cancelled';",
        tests=_MODEL,
    ),
    Seed(
        name="T11 what lies below a workspace stays where it was when that moves",
        file="src/postroom/sql/queries/registry.sql",
        old="ancestors[array_position(ancestors, $1) :] where $1 = any(ancestors)",
        new="ancestors[array_position(ancestors, $1) :] where $1 = any(ancestors) and false",
        tests=_MODEL,
    ),
    Seed(
        name="T11 an answer needs no claim",
        file="src/postroom/edges/rest/inbox_verbs.py",
        old="Field(ge=1, lt=2**63, strict=True)",
        new="Field(ge=0, lt=2**63, strict=True)",
        tests=_MODEL,
    ),
]

_ENDS_OF_WAITING = [
    Seed(
        name="R80 leases of a server that it knows nothing of run out by themselves",
        file="src/postroom/workers/loops.py",
        old='        Loop(name="disown", run_once=deliver.disown, interval=1.0, gap=1.0),\n',
        new="",
        tests=("tests/crash/test_matrix.py::test_what_dies_comes_back_whole[disowned-server-disown.freed]",),
    ),
    Seed(
        name="R11 a request whose sender has closed is forgotten",
        file="src/postroom/edges/patience.py",
        old="        if self.cycle is not before:\n",
        new="        if False:\n",
        tests=("tests/crash/test_disconnect.py::test_a_caller_that_closes_before_anybody_has_read_its_request",),
    ),
    Seed(
        name="R90 a stopping server does not wait for the answers of its calls",
        file="src/postroom/edges/site.py",
        old="a2a.routes(services, closing)",
        new="a2a.routes(services, draining)",
        tests=("tests/crash/test_stop.py::test_calls_in_flight_come_home",),
    ),
    Seed(
        name="R90 who waits is not told that the server stops",
        file="src/postroom/app.py",
        old="        self._closing.set()\n",
        new="",
        tests=("tests/crash/test_stop.py::test_whoever_waits_is_told_and_does_not_hold_up_the_stop",),
    ),
]

RACES = [*_RACES, *_STORIES, *_ENDS_OF_WAITING]
