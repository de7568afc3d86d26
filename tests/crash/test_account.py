"""The account over a run of the matrix fails a run that left a place out, and says nothing about half a run."""

from tests.crash.matrix import EXPECTED, FULL, PLACES, SHORT
from tests.crash.tracing import ALL, Account

OUTCOME = {"kind": "acknowledged, and there", "messages": 2, "rest_seconds": 0.5}


def run(cases: tuple[str, ...], left_out: str = "") -> Account:
    return Account(dict.fromkeys(cases, OUTCOME), ALL - {left_out})


def test_a_place_that_no_case_came_by_fails_the_run() -> None:
    assert not run(EXPECTED).fails(EXPECTED)
    assert run(EXPECTED, "accept.committed").fails(EXPECTED)
    assert run(EXPECTED, "end.committing").summary()["never_reached"] == ["end.committing"]


def test_half_a_run_is_not_judged() -> None:
    assert not run(EXPECTED[1:], "accept.committed").fails(EXPECTED)


def test_the_full_matrix_ends_something_at_every_place() -> None:
    assert {case.place for case in FULL} == ALL
    assert {case.id for case in SHORT} <= {case.id for case in FULL} and len({case.id for case in FULL}) == len(FULL)
    assert {place for places in PLACES.values() for place in places} <= ALL
