"""The places where tests end processes: all in one list, free unless a test armed them, and honest about what they did."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from postroom import failpoints
from postroom.failpoints import EXIT_STATUS, FILE, FLAG, NAMES, load_plan

SOURCES = Path(failpoints.__file__).parent
REACHING = re.compile(r"\breach\(\"([^\"]+)\"\)")
PROGRAM = "from postroom.failpoints import reach; reach('accept.received'); reach('accept.received'); print('went on')"


def run(plan: Path, *, flag: str = FLAG[1]) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, FLAG[0]: flag, FILE: str(plan)}
    return subprocess.run([sys.executable, "-c", PROGRAM], env=environ, capture_output=True, text=True, timeout=30, check=False)


def write(base: Path, *lines: str) -> Path:
    plan = base / "plan"
    plan.write_text("\n".join([f"trace {base}", *lines]))
    return plan


def traced(base: Path) -> list[str]:
    return [line for file in base.glob("*.trace") for line in file.read_text().splitlines()]


def test_every_name_is_one_place_of_the_code_and_every_place_has_a_name() -> None:
    found = Counter(name for path in SOURCES.rglob("*.py") for name in REACHING.findall(path.read_text(encoding="utf-8")))
    assert set(found) == NAMES
    assert [name for name, count in found.items() if count > 1] == []


def test_nothing_is_armed_without_both_variables(tmp_path: Path) -> None:
    plan = write(tmp_path, "accept.received hit=1 kill")
    assert load_plan({FILE: str(plan)}) is None
    assert load_plan({FLAG[0]: FLAG[1]}) is None
    assert run(plan, flag="yes").stdout == "went on\n"
    assert traced(tmp_path) == []


@pytest.mark.parametrize(("action", "status"), [("kill", -signal.SIGKILL), ("exit", EXIT_STATUS), ("raise", 1)])
def test_the_planned_hit_ends_the_process_and_is_written_down_before(action: str, status: int, tmp_path: Path) -> None:
    done = run(write(tmp_path, f"accept.received hit=2 {action}"))
    assert (done.returncode, done.stdout) == (status, "")
    assert traced(tmp_path) == ["accept.received 1 -", f"accept.received 2 {action}"]


def test_without_a_planned_action_the_first_reach_is_written_down(tmp_path: Path) -> None:
    assert run(write(tmp_path)).stdout == "went on\n"
    assert traced(tmp_path) == ["accept.received 1 -"]


@pytest.mark.parametrize("line", ["accept.nowhere hit=1 kill", "accept.received hit=1 jump", "accept.received 1 kill"])
def test_a_plan_that_means_nothing_is_refused(line: str, tmp_path: Path) -> None:
    assert "ValueError" in run(write(tmp_path, line)).stderr
