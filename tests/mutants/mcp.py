"""Seeded bugs of MCP, served: sessions, who is let in, and what others wrote."""

from tests.mutants.seed import Seed

_SESSIONS = "tests/mcp/test_sessions.py"
_TRANSPORT = "tests/mcp/test_transport.py"
_REFUSALS = "tests/mcp/test_refusals.py"
_WORDS = "tests/mcp/test_words.py"

MCP = [
    Seed(
        name="L7 a session that says nothing loses what it holds although it lives",
        file="src/postroom/edges/mcp/sessions.py",
        old="                await self._note(list(self._open))\n",
        new="                await self._note([])\n",
        tests=(f"{_SESSIONS}::test_a_killed_client_gives_back_what_it_held",),
    ),
    Seed(
        name="L7 what a killed MCP client held stays out",
        file="src/postroom/edges/mcp/transport.py",
        old="                life.broken = await self._beat(",
        new="                await self._beat(",
        tests=(f"{_SESSIONS}::test_a_killed_client_gives_back_what_it_held[legacy]",),
    ),
    Seed(
        name="L7 post is handed to an MCP client that died waiting for it",
        file="src/postroom/edges/mcp/endpoint.py",
        old="            return exchange.gone or self._draining.is_set()\n",
        new="            return self._draining.is_set()\n",
        tests=(f"{_TRANSPORT}::test_post_is_not_handed_to_a_client_that_died_waiting",),
    ),
    Seed(
        name="R22 one session of a workspace answers what another holds",
        file="src/postroom/sql/queries/deliveries.sql",
        old="where message_id = $1 and workspace_id = $2 and session = $3 and session_token = token and leased",
        new="where message_id = $1 and workspace_id = $2 and $3::uuid is not null and session_token = token and leased",
        tests=(f"{_SESSIONS}::test_sessions_of_one_workspace_do_not_hold_for_one_another",),
    ),
    Seed(
        name="R22 what was never handed out is answered",
        file="src/postroom/core/deliveries/keeping.py",
        old="_NO_TOKEN = -1",
        new="_NO_TOKEN = 0",
        tests=(f"{_REFUSALS}::test_what_waits_can_not_be_answered_before_it_was_handed_out",),
    ),
    Seed(
        name="L20 any workspace that sees another may sit down at its desk",
        file="src/postroom/edges/mcp/endpoint.py",
        old='            raise Forbidden("Only the workspace\'s own token may do this.")\n',
        new="",
        tests=(f"{_TRANSPORT}::test_only_the_workspace_itself_is_let_in",),
    ),
    Seed(
        name="S4 a page of another site may use the MCP address",
        file="src/postroom/edges/mcp/endpoint.py",
        old="        refuse_foreign_origin(request, self._services.settings)\n",
        new="",
        tests=(f"{_TRANSPORT}::test_other_sites_and_names_are_refused",),
    ),
    Seed(
        name="S9 a text with a lone return leaves its quotation",
        file="src/postroom/mcp/words.py",
        old="for line in text.splitlines() or",
        new='for line in text.split("\\n") or',
        tests=(f"{_WORDS}::test_no_text_adds_a_line_of_ours",),
    ),
    Seed(
        name="S9 a name may break the line that says who wrote",
        file="src/postroom/mcp/words.py",
        old="    seen = _UNSEEN.sub(",
        new='    seen = re.sub(r"\\n", ',
        tests=(f"{_WORDS}::test_no_text_adds_a_line_of_ours",),
    ),
    Seed(
        name="T24 what a session holds is looked for among all that wait",
        file="src/postroom/sql/queries/deliveries.sql",
        old="""    (select k.message_id from work k where not $4::boolean and k.workspace_id = $1 order by k.seq limit $2)
    union all
    (select k.message_id from work k
    where $4 and k.workspace_id = $1 and k.due_at < 'infinity' and k.leased and k.session = $3 and k.session_token = k.token
    order by k.seq limit $2))) d
""",
        new="""    select k.message_id from work k
    where k.workspace_id = $1 and (not $4::boolean or (k.leased and k.session = $3 and k.session_token = k.token))
    order by k.seq limit $2)) d
""",
        tests=("tests/core/test_growth.py::test_look_into_a_mailbox",),
    ),
    Seed(
        name="U2 a delegation to oneself that waits is accepted",
        file="src/postroom/core/delegations/service.py",
        old="        if draft.workspace_id == workspace:\n",
        new="        if draft.report and draft.workspace_id == workspace:\n",
        tests=(f"{_REFUSALS}::test_who_can_not_be_asked",),
    ),
]
