"""What ``postroom doctor`` finds, and that every trouble comes with something to do."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postroom.cli.check_machine import check_directory, check_disk, check_python, read_settings
from postroom.cli.check_server import judge_clock, judge_health
from postroom.cli.checkup import Finding, Verdict
from postroom.cli.doctor import line

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def verdict(finding: Finding) -> Verdict:
    assert finding.advice or finding.verdict is Verdict.OK
    return finding.verdict


def test_an_old_python_fails() -> None:
    assert verdict(check_python((3, 10))) is Verdict.FAIL
    assert verdict(check_python((3, 11))) is Verdict.OK


def test_a_data_directory_that_is_not_there_yet_is_fine(tmp_path: Path) -> None:
    assert verdict(check_directory(tmp_path / "new")) is Verdict.OK


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
@pytest.mark.parametrize(("mode", "expected"), [(0o700, Verdict.OK), (0o710, Verdict.OK), (0o750, Verdict.WARN), (0o701, Verdict.WARN)])
def test_a_data_directory_that_others_can_look_into_is_a_warning(tmp_path: Path, mode: int, expected: Verdict) -> None:
    tmp_path.chmod(mode)
    assert verdict(check_directory(tmp_path)) is expected


def test_a_file_in_place_of_the_directory_fails(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    assert verdict(check_directory(tmp_path / "data")) is Verdict.FAIL


def test_free_disk_is_held_against_the_reserve(tmp_path: Path) -> None:
    not_yet = tmp_path / "not" / "there"
    assert verdict(check_disk(not_yet, reserve=1)) is Verdict.OK
    assert verdict(check_disk(not_yet, reserve=2**60)) is Verdict.FAIL


def test_a_setting_that_can_not_be_read_fails_and_the_checks_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_PORT", "eighty")
    settings, findings = read_settings(tmp_path)
    assert settings.data == tmp_path
    assert [verdict(finding) for finding in findings] == [Verdict.FAIL]
    assert "POSTROOM_PORT" in findings[0].found


def test_every_loop_of_the_server_is_named_and_a_failing_one_warns() -> None:
    loops = {"rescue": {"failures": 0, "last_error": None}, "deliver": {"failures": 3, "last_error": "no connection"}}
    found = judge_health("http://h", {"status": "degraded", "loops": loops})
    assert [(finding.subject, verdict(finding)) for finding in found] == [
        ("server", Verdict.WARN),
        ("loop deliver", Verdict.WARN),
        ("loop rescue", Verdict.OK),
    ]
    assert "no connection" in found[1].found


def test_a_healthy_server_is_ok() -> None:
    assert [verdict(finding) for finding in judge_health("http://h", {"status": "ok"})] == [Verdict.OK]


@pytest.mark.parametrize(("seconds", "expected"), [(0, Verdict.OK), (4, Verdict.OK), (-60, Verdict.WARN), (60, Verdict.WARN)])
def test_clocks_that_are_apart_are_a_warning(seconds: int, expected: Verdict) -> None:
    assert verdict(judge_clock(NOW, NOW + timedelta(seconds=seconds))) is expected


def test_a_finding_is_one_line_with_what_to_do() -> None:
    assert line(Finding(Verdict.FAIL, "disk", "full\nreally", "Free some.")).plain == "fail  disk             full really  ->  Free some."
