"""One exit code per kind of outcome, and never a traceback."""

import pytest

from postroom import errors
from postroom.cli.delivery import EXIT_CODES
from postroom.cli.exits import MEANINGS, ExitCode, Stop, stop_of
from postroom.client.talk import State

CASES: list[tuple[errors.PostroomError, ExitCode]] = [
    (errors.Unauthenticated("x"), ExitCode.NOT_PERMITTED),
    (errors.Forbidden("x"), ExitCode.NOT_PERMITTED),
    (errors.NotFound("x"), ExitCode.NOT_FOUND),
    (errors.Gone("x"), ExitCode.NOT_FOUND),
    (errors.Conflict("x"), ExitCode.REFUSED),
    (errors.LeaseLost("x"), ExitCode.REFUSED),
    (errors.Superseded("x"), ExitCode.REFUSED),
    (errors.Refused("x"), ExitCode.REFUSED),
    (errors.KeyReused("x"), ExitCode.REFUSED),
    (errors.Malformed("x"), ExitCode.REFUSED),
    (errors.TooLarge("x"), ExitCode.REFUSED),
    (errors.TooMany("x", retry_after=1), ExitCode.UNAVAILABLE),
    (errors.Unavailable("x"), ExitCode.UNAVAILABLE),
    (errors.OutcomeUnknown("x"), ExitCode.UNAVAILABLE),
    (errors.Unavailable("x", code="unreachable"), ExitCode.UNREACHABLE),
    (errors.SetupError("x", advice="y"), ExitCode.SETUP),
    (errors.PostroomError("x"), ExitCode.FAULT),
]


@pytest.mark.parametrize(("error", "code"), CASES, ids=lambda case: getattr(case, "name", None))
def test_every_error_has_its_code_and_says_what_to_do_next(error: errors.PostroomError, code: ExitCode) -> None:
    stop = stop_of(error)
    assert stop.code == code
    assert stop.sentence == "x"
    assert stop.advice


def test_no_error_type_was_forgotten() -> None:
    def below(kind: type[errors.PostroomError]) -> set[type[errors.PostroomError]]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    assert below(errors.PostroomError) == {type(error) for error, _ in CASES}


@pytest.mark.parametrize("error", [errors.KeyReused("x"), errors.OutcomeUnknown("x")])
def test_trouble_with_a_key_is_settled_by_a_key(error: errors.PostroomError) -> None:
    assert "--key" in stop_of(error).advice


def test_the_reason_is_found_inside_a_task_groups_wrapping() -> None:
    wrapped = ExceptionGroup("outer", [ExceptionGroup("inner", [errors.NotFound("gone")])])
    assert stop_of(wrapped).code == ExitCode.NOT_FOUND


def test_several_reasons_at_once_are_a_fault() -> None:
    assert stop_of(ExceptionGroup("both", [errors.NotFound("a"), errors.Conflict("b")])).code == ExitCode.FAULT


def test_a_stop_stays_what_it_is() -> None:
    stop = Stop("sentence", advice="advice", code=ExitCode.USAGE)
    assert stop_of(stop) is stop


def test_every_state_of_a_message_has_a_code() -> None:
    assert set(EXIT_CODES) == set(State.__args__)


def test_every_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(ExitCode)
