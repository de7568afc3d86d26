"""What a person types becomes one workspace, or an error with the names that were perhaps meant (U2)."""

import pytest

from postroom.cli.exits import ExitCode, Stop
from postroom.cli.names import Workspace, resolve

ECHO: Workspace = {"id": "01890000-0000-7000-8000-00000000000a", "name": "Echo"}
LEAD: Workspace = {"id": "01890000-0000-7000-8000-00000000000b", "name": "Lead"}
SMALL_LEAD: Workspace = {"id": "01890000-0000-7000-8000-00000000000c", "name": "lead"}
TEAM = [ECHO, LEAD]


def refusal(name: str, workspaces: list[Workspace]) -> Stop:
    with pytest.raises(Stop) as raised:
        resolve(name, workspaces)
    assert raised.value.code == ExitCode.NOT_FOUND
    return raised.value


@pytest.mark.parametrize("typed", ["Echo", "echo", "ECHO", ECHO["id"], ECHO["id"].upper()])
def test_a_name_in_any_case_and_an_id_mean_the_workspace(typed: str) -> None:
    assert resolve(typed, TEAM) is ECHO


def test_the_exact_name_wins_over_another_case() -> None:
    assert resolve("lead", [LEAD, SMALL_LEAD]) is SMALL_LEAD


def test_a_name_in_another_case_that_fits_two_is_ambiguous() -> None:
    stop = refusal("LEAD", [LEAD, SMALL_LEAD])
    assert LEAD["id"] in stop.sentence
    assert SMALL_LEAD["id"] in stop.sentence


def test_two_of_one_name_are_told_apart_by_their_ids() -> None:
    twin: Workspace = {**ECHO, "id": "01890000-0000-7000-8000-00000000000d"}
    stop = refusal("Echo", [ECHO, twin])
    assert ECHO["id"] in stop.sentence
    assert twin["id"] in stop.sentence
    assert resolve(twin["id"], [ECHO, twin]) is twin


@pytest.mark.parametrize("typo", ["Ecko", "Ehco", "Eco", "ecoh", "Echoo"])
def test_u2_a_typo_names_what_was_meant(typo: str) -> None:
    assert "Echo" in refusal(typo, TEAM).advice


def test_u2_an_unlike_name_gets_no_guess() -> None:
    advice = refusal("Zzyzx", TEAM).advice
    assert "Echo" not in advice
    assert "workspace list" in advice


def test_an_empty_post_room_says_how_to_make_the_first() -> None:
    assert "workspace add" in refusal("Echo", []).advice
