"""Seeded bugs of the lessons: each puts the fault of lessons.md in, as near to it as this design has a place for it."""

from tests.mutants.seed import Seed

_LOST = "tests/lessons/test_lost.py"
_LET_IN = "tests/lessons/test_let_in.py"
_UNNOTICED = "tests/lessons/test_unnoticed.py"
_DATABASE_DOWN = (
    """        raise Unavailable("The database can not be reached.", code="database_down", """ + "retry_after=error.retry_after) from error"
)
_FUNCTIONS = "src/postroom/sql/migrations/0005_create_delivery_functions.sql"

_LOST_SEEDS = [
    Seed(
        name="L1 the agent is told 200 and its reply is written later by a detached task",
        file="src/postroom/core/deliveries/service.py",
        old="        written = await self.finishes.submit(finish, size=size)\n",
        new="""        loop = __import__("asyncio").get_running_loop()
        loop.call_later(0.5, lambda: loop.create_task(self.finishes.submit(finish, size=size)))
        written = Written(verdict="done", workspace_id=finish.hold.workspace_id, message_id=finish.hold.message_id)
""",
        tests=(f"{_LOST}::test_l01_what_was_answered_with_2xx_outlives_the_process",),
    ),
    Seed(
        name="L2 a database error at the reply is swallowed and told as success",
        file="src/postroom/core/deliveries/service.py",
        old="        found = await store.finish_work(self._db, items)",
        new="""        try:
            found = await store.finish_work(self._db, items)
        except Exception:
            return [Written(verdict="done", workspace_id=i.hold.workspace_id, message_id=i.hold.message_id) for i in items]""",
        tests=(f"{_LOST}::test_l02_a_database_error_is_never_a_success",),
    ),
    Seed(
        name="L3 what was accepted is cancelled with the request that brought it",
        file="src/postroom/edges/a2a/endpoint.py",
        old="        receipt = await self._services.messages.accept(principal, send.draft)\n",
        new="""        receipt = await self._services.messages.accept(principal, send.draft)
        if await request.is_disconnected():
            await self._services.deliveries.cancel(receipt.message_id, "operator", receipt.message_id)
""",
        tests=(f"{_LOST}::test_l03_a_sender_that_hangs_up_changes_nothing",),
    ),
    Seed(
        name="L4 a look-up of the mode that fails says push",
        file="src/postroom/core/deliveries/service.py",
        old="        claimed = await self.claims.submit(claim)\n",
        new="""        try:
            claimed = await self.claims.submit(claim)
        except Exception:
            raise brought_to_url()
""",
        tests=(f"{_LOST}::test_l04_a_question_that_could_not_be_answered_has_no_default",),
    ),
    Seed(
        name="L5 the database handle is global (nearest: there are no detached tasks left to read it)",
        file="src/postroom/db/database.py",
        old="        self._pools: dict[str, asyncpg.Pool[Any]] = {}\n",
        new='        self._pools = globals().setdefault("_pools", {})\n',
        tests=(f"{_LOST}::test_l05_two_post_rooms_in_one_process_share_nothing",),
    ),
    Seed(
        name="L6 a repeat under the same key takes the queued message out of the queue",
        file=_FUNCTIONS,
        old="            message_id := said.id;\n",
        new="            message_id := said.id;\n            delete from work w where w.message_id = said.id and not w.leased;\n",
        tests=(f"{_LOST}::test_l06_a_retry_of_a_queued_message_is_that_message",),
    ),
    Seed(
        name="L7 what was handed out is never due again",
        file="src/postroom/sql/queries/deliveries.sql",
        old="    where w.called and w.due_at <= now() and w.deadline > now()",
        new="    where w.called and not w.leased and w.due_at <= now() and w.deadline > now()",
        tests=(f"{_LOST}::test_l07_work_whose_holder_died_is_handed_again",),
    ),
    Seed(
        name="L8 the answer to a message that waited goes nowhere",
        file="src/postroom/workers/deliver.py",
        old="""        for delivery, target in claimed:
            self._start(delivery, target, trust)
""",
        new="""        for delivery, target in claimed:
            self._group.create_task(self._caller.call(delivery, target))
""",
        tests=(f"{_LOST}::test_l08_the_reply_to_a_queued_message_is_stored_and_shown",),
    ),
    Seed(
        name="L9 a read timeout counts as not handed",
        file="src/postroom/edges/push/connections.py",
        old="""        return Failure(code="no_answer", detail=f"No whole answer within {seconds:.0f} s.", retry=True)""",
        new="""        return NotHanded(code="agent_busy", detail=f"No whole answer within {seconds:.0f} s.")""",
        tests=(f"{_LOST}::test_l09_a_read_timeout_is_another_attempt_of_the_same_message",),
    ),
    Seed(
        name="L9 every attempt goes out under a key of its own",
        file="src/postroom/edges/push/caller.py",
        old="""        "Idempotency-Key": str(delivery.message_id),""",
        new="""        "Idempotency-Key": f"{delivery.message_id}-{delivery.attempt}",""",
        tests=(f"{_LOST}::test_l09_a_read_timeout_is_another_attempt_of_the_same_message",),
    ),
    Seed(
        name="L10 the preview is cut by bytes",
        file="src/postroom/core/deliveries/service.py",
        old="""isinstance(part.get("text"), str))[:_PREVIEW] or None""",
        new="""isinstance(part.get("text"), str)).encode()[:_PREVIEW].decode("utf-8", "surrogateescape") or None""",
        tests=(f"{_LOST}::test_l10_a_cut_never_splits_a_character",),
    ),
    Seed(
        name="L11 the thread's name is written as a UUID (nearest: callers are principals, their names go into no such column)",
        file=_FUNCTIONS,
        old="        thread_id := coalesce(thread_id, given.id::text);\n",
        new="        thread_id := coalesce(thread_id::uuid, given.id)::text;\n",
        tests=(f"{_LOST}::test_l11_what_callers_call_themselves_is_a_text",),
    ),
    Seed(
        name="L12 the history is read from what the feed still has",
        file="src/postroom/sql/queries/messages.sql",
        old="where entry.id = f.id limit 1) line) line on true\n",
        new="where entry.id = f.id and exists (select from event e where e.message_id = f.id) limit 1) line) line on true\n",
        tests=(f"{_LOST}::test_l12_pruning_the_feed_takes_no_message_and_no_key",),
    ),
    Seed(
        name="L12 the keys are those that the feed still has",
        file=_FUNCTIONS,
        old="            message_id := said.id;\n",
        new="""            message_id := said.id;
            if not exists (select from event e where e.message_id = said.id) then verdict := 'key_reused'; end if;
""",
        tests=(f"{_LOST}::test_l12_pruning_the_feed_takes_no_message_and_no_key",),
    ),
    Seed(
        name="L12 nobody is told that the feed was pruned behind the cursor",
        file="src/postroom/core/events/service.py",
        old="""        if position < Position(int(horizon["floor_xid"]), horizon["floor_id"]):""",
        new="        if False:",
        tests=(f"{_LOST}::test_l12_pruning_the_feed_takes_no_message_and_no_key",),
    ),
    Seed(
        name="L13 what came while nobody listened counts as seen",
        file="src/postroom/core/events/service.py",
        old="        if cursor is None:\n            return Position",
        new="        if True:\n            return Position",
        tests=(f"{_LOST}::test_l13_a_result_waits_for_who_was_not_listening",),
    ),
    Seed(
        name="L14 a wait that ends first is an error",
        file="src/postroom/edges/a2a/endpoint.py",
        old="        return answer(standing, call.version, send.history), standing\n",
        new="""        if send.wait and not standing.ended:
            raise NotFound("unreachable")
        return answer(standing, call.version, send.history), standing
""",
        tests=(f"{_LOST}::test_l14_a_wait_that_ends_first_leaves_a_task_that_goes_on",),
    ),
    Seed(
        name="L15 one call at a time for all agents",
        file="src/postroom/workers/deliver.py",
        old="        return 0 if self._closing else self._limit - len(self._calls)",
        new="        return 0 if self._closing else 1 - len(self._calls)",
        tests=(f"{_LOST}::test_l15_one_busy_agent_delays_nobody_else",),
    ),
    Seed(
        name="L16 only the first silence is noticed",
        file="src/postroom/sql/queries/registry.sql",
        old="where w.id = p.workspace_id and p.status <> 'offline' and w.removed_at is null\n",
        new="""where w.id = p.workspace_id and p.status <> 'offline' and w.removed_at is null
  and not exists (select from event e where e.workspace_id = w.id and e.type = 'workspace.offline')
""",
        tests=(f"{_LOST}::test_l16_every_silence_is_noticed_anew",),
    ),
]

_LET_IN_SEEDS = [
    Seed(
        name="L20 who says nothing is taken for the page",
        file="src/postroom/edges/context.py",
        old="""        raise Unauthenticated("This needs a token or a browser session. `postroom login-link` lets a browser in.")""",
        new="        return Principal(kind=PrincipalKind.OPERATOR, id=new_id(), name='the page', credential_id=new_id())",
        tests=(f"{_LET_IN}::test_l20_every_route_asks_who_is_calling", f"{_LET_IN}::test_l20_no_stream_opens_without_a_credential"),
    ),
    Seed(
        name="L21 a workspace registers whomever it can see",
        file="src/postroom/core/registry/agents.py",
        old="        if principal.workspace_id != workspace:\n",
        new="        if False:\n",
        tests=(f"{_LET_IN}::test_l21_registering_is_for_ones_own_workspace_and_makes_none",),
    ),
    Seed(
        name="L24 the caller's Authorization goes along with the message",
        file="src/postroom/edges/a2a/sending.py",
        old='    message = {"role": ROLE_USER, "messageId": message_id_for(key)} | message\n',
        new="""    message = {"role": ROLE_USER, "messageId": message_id_for(key)} | message
    message["metadata"] = {"authorization": headers.get("authorization")}
""",
        tests=(f"{_LET_IN}::test_l24_the_callers_credentials_stay_here",),
    ),
    Seed(
        name="L25 redirects are followed",
        file="src/postroom/edges/push/connections.py",
        old="            .follow_redirects(False)\n",
        new="            .follow_redirects(True)\n",
        tests=(f"{_LET_IN}::test_l25_no_redirect_is_followed",),
    ),
    Seed(
        name="L25 a url that is changed later is not checked",
        file="src/postroom/core/registry/service.py",
        old="""        if fields.get("url"):\n""",
        new="        if False:\n",
        tests=(f"{_LET_IN}::test_l25_every_url_field_is_checked",),
    ),
    Seed(
        name="L25 a url that is registered is not checked",
        file="src/postroom/core/registry/agents.py",
        old="        if url is not None:\n",
        new="        if False:\n",
        tests=(f"{_LET_IN}::test_l25_every_url_field_is_checked",),
    ),
    Seed(
        name="L26 a token that can not be looked up lets in",
        file="src/postroom/edges/context.py",
        old=_DATABASE_DOWN,
        new="""        return Principal(kind=PrincipalKind.OPERATOR, id=new_id(), name="who knows", credential_id=new_id())""",
        tests=(f"{_LET_IN}::test_l26_a_look_up_that_fails_lets_nobody_in",),
    ),
    Seed(
        name="L26 a name that does not resolve passes",
        file="src/postroom/edges/push/addresses.py",
        old="            raise _unresolved(host) from error\n        if not found:\n",
        new="            return []\n        if not found:\n",
        tests=(f"{_LET_IN}::test_l26_a_look_up_that_fails_lets_nobody_in",),
    ),
    Seed(
        name="L28 a lost database is a 401",
        file="src/postroom/edges/context.py",
        old=_DATABASE_DOWN,
        new="""        raise Unauthenticated("This needs a valid token.") from error""",
        tests=(f"{_LET_IN}::test_l28_a_lost_database_is_never_a_401",),
    ),
    Seed(
        name="L28 in an outage those who wait are refused one after the other",
        file="src/postroom/db/batching.py",
        old="        if len(batch) == 1 or is_away(error):\n",
        new="        if len(batch) == 1:\n",
        tests=(f"{_LET_IN}::test_l26_a_look_up_that_fails_lets_nobody_in",),
    ),
]

_UNNOTICED_SEEDS = [
    Seed(
        name="L30 an end that the database does not know",
        file="src/postroom/sql/migrations/0003_create_messages.sql",
        old="check (state in ('replied', 'failed', 'cancelled', 'expired')),",
        new="check (state in ('replied', 'failed', 'cancelled')),",
        tests=(f"{_UNNOTICED}::test_l30_the_database_takes_every_value_of_the_code",),
    ),
    Seed(
        name="L31 a route that can not be reached with what it asks for",
        file="src/postroom/edges/rest/registry.py",
        old="    workspace_id: UUID\n    agent_card: Json\n",
        new="    workspace_id: int\n    agent_card: Json\n",
        tests=(f"{_UNNOTICED}::test_l31_every_route_answers_a_valid_request",),
    ),
    Seed(
        name="L32 an event goes out under another name",
        file=_FUNCTIONS,
        old="'message.released'",
        new="'message.given_back'",
        tests=(f"{_UNNOTICED}::test_l32_every_event_name_is_sent_and_no_other_is_waited_for",),
    ),
    Seed(
        name="L32 the command waits for a name that is never sent",
        file="src/postroom/cli/waiting.py",
        old='"message.handed"',
        new='"message.delivered"',
        tests=(f"{_UNNOTICED}::test_l32_every_event_name_is_sent_and_no_other_is_waited_for",),
    ),
    Seed(
        name="L33 a path is not the one of the contract",
        file="src/postroom/edges/rest/registry.py",
        old='@router.get("/discover/{id}")',
        new='@router.get("/find/{id}")',
        tests=(f"{_UNNOTICED}::test_l33_the_paths_of_the_contract_are_the_paths_of_the_server",),
    ),
    Seed(
        name="L34 one shape of an answer is not known and shown as it came",
        file="src/postroom/edges/push/answers.py",
        old="    if isinstance(value, str):\n        return Reply",
        new="""    if isinstance(value, dict) and "artifacts" in value and "status" not in value:
        value = str(value)
    if isinstance(value, str):
        return Reply""",
        tests=(f"{_UNNOTICED}::test_l34_the_sender_sees_text_whatever_shape_the_agent_writes",),
    ),
    Seed(
        name="L35 the feed's shared tail is filled once (nearest: there is one feed, in the database, and no copy in a process)",
        file="src/postroom/edges/live/tail.py",
        old="            if self._read_at >= since:\n",
        new="            if self._entries:\n",
        tests=(f"{_UNNOTICED}::test_l35_what_one_server_writes_is_seen_live_on_the_other",),
    ),
    Seed(
        name="L36 a cursor stands behind its whole transaction",
        file="src/postroom/sql/queries/events.sql",
        old="    (select * from event where workspace_id = $4 and (xid, id) > ($1::text::xid8, $2::bigint)\n",
        new="    (select * from event where workspace_id = $4 and xid > $1::text::xid8\n",
        tests=(f"{_UNNOTICED}::test_l36_a_reader_that_comes_and_goes_misses_nothing_and_sees_nothing_twice",),
    ),
]

LESSONS = [*_LOST_SEEDS, *_LET_IN_SEEDS, *_UNNOTICED_SEEDS]
