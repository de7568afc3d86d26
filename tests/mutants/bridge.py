"""Seeded bugs of coding agents' tools: the bridge over stdio, the operator's tools, and what is written into others' files."""

from tests.mutants.seed import Seed

_STDIO = "tests/mcp/test_stdio.py"
_FAULTS = "tests/mcp/test_stdio_faults.py"
_INSTALL = "tests/mcp/test_install.py"
_OPERATOR = "tests/mcp/test_operator.py"

BRIDGE = [
    Seed(
        name="R23 a bridge does not extend what its client works on",
        file="src/postroom/bridge/hand.py",
        old="            kept = [item for id, item in self._held.items() if id not in self._lost]\n",
        new="            kept = list[Item]()\n",
        tests=(f"{_FAULTS}::test_a_bridge_killed_with_a_lease_out_is_not_waited_for_long_and_one_that_lives_keeps_its_own",),
    ),
    Seed(
        name="L7 what a killed bridge held is waited for, for minutes",
        file="src/postroom/bridge/hand.py",
        old="LEASE_SECONDS = 10.0\n",
        new="LEASE_SECONDS = 300.0\n",
        tests=(f"{_FAULTS}::test_a_bridge_killed_with_a_lease_out_is_not_waited_for_long_and_one_that_lives_keeps_its_own",),
    ),
    Seed(
        name="L7 a bridge whose client left gives nothing back",
        file="src/postroom/bridge/seat.py",
        old="                await at.hand.give_back(GIVE_BACK_SECONDS)\n",
        new="                pass\n",
        tests=(f"{_FAULTS}::test_a_client_that_closes_stdin_ends_the_bridge_and_what_it_held_is_back_at_once",),
    ),
    Seed(
        name="U7 a message that was lost in an outage is not fetched again for the client that works on it",
        file="src/postroom/bridge/hand.py",
        old="            if again.message_id in self._held:\n",
        new="            if False:\n",
        tests=(f"{_FAULTS}::test_a_cut_network_is_told_and_the_message_in_hand_is_got_back",),
    ),
    Seed(
        name="U15 a bridge fetches before its client asks",
        file="src/postroom/bridge/hand.py",
        old="                await self._changed.wait_for(lambda: self._wants and self._waiting is None)\n",
        new="""                await self._changed.wait_for(lambda: self._waiting is None)
                self._wants = self._wants or [_Want(1e12)]
""",
        tests=(f"{_STDIO}::test_a_session_that_does_not_ask_keeps_nothing_from_the_others",),
    ),
    Seed(
        name="L22 a bridge replaces the card that somebody wrote",
        file="src/postroom/bridge/seat.py",
        old="""    card: Json = (await at.client.workspace(at.workspace_id))["agent_card"] or _card(at.name)\n""",
        new="    card: Json = _card(at.name)\n",
        tests=(f"{_STDIO}::test_what_an_agent_set_up_is_not_changed_by_a_bridge_for_it",),
    ),
    Seed(
        name="U3 a server that restarts is not waited for",
        file="src/postroom/bridge/patience.py",
        old="                    await patience.pause(error, began)\n",
        new="                    raise error\n",
        tests=(f"{_FAULTS}::test_a_server_killed_between_two_calls_is_waited_for_and_nothing_is_lost",),
    ),
    Seed(
        name="U3 a network that swallows everything is tried for ever",
        file="src/postroom/client/retry.py",
        old="REACHED_SECONDS = 12.0\n",
        new="REACHED_SECONDS = 5.0\n",
        tests=("tests/client/test_retry.py::test_a_network_that_swallows_everything_uses_the_patience_up",),
    ),
    Seed(
        name="L22 the operator's tool removes without a confirmation",
        file="src/postroom/bridge/operator_acts.py",
        old="    if not given.confirm:\n        gone =",
        new="    if False:\n        gone =",
        tests=(f"{_OPERATOR}::test_the_life_of_a_workspace",),
    ),
    Seed(
        name="L22 install overwrites an entry that somebody else wrote",
        file="src/postroom/cli/clients/configuration.py",
        old="        if not isinstance(found, dict) or not is_ours(cast(Json, found)):\n",
        new="        if not isinstance(found, dict):\n",
        tests=(f"{_INSTALL}::test_an_entry_that_is_not_ours_is_never_touched",),
    ),
    Seed(
        name="L22 install writes the file anew and its comments are gone",
        file="src/postroom/cli/clients/configuration.py",
        old="        _replace(self._path, text)\n",
        new='        _replace(self._path, __import__("json").dumps(self._read(text), indent=2))\n',
        tests=(f"{_INSTALL}::test_what_others_wrote_stays_byte_for_byte_and_uninstall_gives_it_back",),
    ),
    Seed(
        name="S2 install makes a file that others may read",
        file="src/postroom/cli/clients/configuration.py",
        old="            _take_after(path, Path(unfinished))\n",
        new="            Path(unfinished).chmod(0o644)\n",
        tests=(f"{_INSTALL}::test_a_new_file_holds_our_entry_alone_and_is_its_owners",),
    ),
]
