"""A run that saw too little, or that its judge found fault with, has failed."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

from tests.soak.nemesis import schedule
from tests.soak.paper import Paper, Tail
from tests.soak.report import failures_of, recovery_of
from tests.soak.run import Course, Suffered
from tests.soak.scale import KINDS, full

SCALE = replace(full(5), kinds=("a", "b"), least_faults=3, least_kinds=2, least_acks=10)


def course(**changed: int) -> Course:
    """Three faults of two kinds and ten acknowledgements, with nothing wrong."""
    faults = [Suffered(kind, "", at, at + 1, at + 2) for kind, at in (("a", 0.0), ("b", 10.0), ("a", 20.0))]
    verdict = {"classes": {"lost": 0}, "counts": {"acknowledged": 10}}
    verdict["classes"] |= {name: count for name, count in changed.items() if name in verdict["classes"]}
    verdict["counts"] |= {name: count for name, count in changed.items() if name in verdict["counts"]}
    return Course(1, SCALE, faults=faults, acks=[0.5, 4.0, 10.25, 13.0, 20.1], ends=[0.6, 11.0, 21.0], verdict=verdict)


def test_a_run_that_held_has_no_failures() -> None:
    assert failures_of(course()) == []


def test_too_little_of_anything_fails_the_run() -> None:
    assert failures_of(course(acknowledged=9)) == ["9 sends acknowledged, 10 wanted"]
    few = course()
    del few.faults[2]
    assert failures_of(few) == ["2 faults, 3 wanted"]
    one_kind = replace(course(), faults=[fault for fault in course().faults * 2 if fault.kind == "a"])
    assert failures_of(one_kind) == ["1 kinds of faults, 2 wanted", "never happened: b"]


def test_what_the_judge_found_and_what_did_not_recover_fails_the_run() -> None:
    assert failures_of(course(lost=1)) == ["lost: 1"]
    assert failures_of(replace(course(), complaints=["server-0 was not well"])) == ["server-0 was not well"]


def test_recovery_is_told_by_the_next_ack_the_next_end_and_the_longest_silence() -> None:
    felt = recovery_of(course())["b"]
    assert felt["next_ack"]["max"] == 0.25 and felt["next_end"]["max"] == 1.0
    assert felt["longest_without_ack"]["max"] == 6.25 and felt["well_after"]["max"] == 1.0


def test_a_seed_is_a_schedule_and_every_kind_has_its_turn() -> None:
    def first(seed: int) -> list[tuple[str, float]]:
        return [(kind, chance.random()) for kind, chance in islice(schedule(seed, KINDS), 2 * len(KINDS))]

    assert first(7) == first(7) != first(8)
    assert {kind for kind, _ in first(7)[: len(KINDS)]} == set(KINDS)


def test_acknowledgements_are_counted_while_they_are_written(tmp_path: Path) -> None:
    tail = Tail(tmp_path)
    with Paper(tmp_path / "one.journal") as paper:
        paper.mean("a", "box")
        paper.write("acked", "a", "message")
        tail.look()
        assert (tail.acks, tail.ends) == (1, 0)
        paper.write("heard", "a", "answer")
        tail.look()
    tail.look()
    assert (tail.acks, tail.ends) == (1, 1)
