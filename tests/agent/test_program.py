"""Any program as an agent: real programs, real process groups."""

import asyncio
import logging
import os
import sys
from pathlib import Path

import psutil
import pytest

from postroom.agent.program import Program, ProgramFailed

ENVIRONMENT = {"PATH": os.environ["PATH"]}


async def run(script: str, text: str = "", **limits: float) -> str:
    time_limit = limits.get("time_limit", 20.0)
    output_limit = int(limits.get("output_limit", 1024 * 1024))
    return await Program(["sh", "-c", script], time_limit=time_limit, output_limit=output_limit).run(text, ENVIRONMENT)


async def failure(script: str, **limits: float) -> str:
    with pytest.raises(ProgramFailed) as caught:
        await run(script, "", **limits)
    return str(caught.value)


async def test_text_goes_in_and_the_answer_comes_out() -> None:
    assert await run("tr a-z A-Z", "héllo\n") == "HéLLO\n"


async def test_a_large_text_flows_both_ways_at_once() -> None:
    text = "0123456789" * 90_000
    assert await run("cat", text) == text


async def test_a_program_need_not_read_its_text() -> None:
    assert await run("echo done", "x" * 1_000_000) == "done\n"


async def test_l10_a_character_is_never_cut_and_a_wrong_byte_is_replaced() -> None:
    # Pieces that end inside of a character, with time for each to be read alone.
    assert await run(r"printf 'a\303'; sleep 0.1; printf '\251\360\237'; sleep 0.1; printf '\231\202\377b'") == "aé🙂\ufffdb"


async def test_another_exit_status_is_a_failure_with_the_last_words(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert await failure("echo first >&2; echo 'no such file' >&2; exit 3") == "exit status 3: first\nno such file"
    assert "no such file" in caplog.text


async def test_the_last_words_are_the_last_ones() -> None:
    reason = await failure("seq 1 10000 >&2; exit 1")
    assert reason.endswith("9999\n10000")
    assert len(reason) < 500


async def test_death_by_signal_is_a_failure_that_says_so() -> None:
    assert await failure("kill -9 $$") == "ended by signal 9"


async def test_a_command_that_is_not_there_is_a_failure() -> None:
    with pytest.raises(ProgramFailed, match="can not be started: No such file"):
        await Program(["/no/such/program"]).run("", ENVIRONMENT)


async def test_the_time_limit_kills_the_whole_group(tmp_path: Path) -> None:
    reason = await failure(f"sleep 300 & echo $! > {tmp_path}/child; sleep 300", time_limit=0.5)
    assert reason == "no answer within 0.5 s"
    await gone(tmp_path / "child")


async def test_cancelling_kills_the_whole_group(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run(f"sleep 300 & echo $! > {tmp_path}/child; sleep 300"))
        async with asyncio.timeout(10):
            while not (tmp_path / "child").exists() or not (tmp_path / "child").read_text():
                await asyncio.sleep(0.01)
        running.cancel()
    await gone(tmp_path / "child")


async def test_what_a_program_leaves_behind_neither_delays_its_answer_nor_lives_on(tmp_path: Path) -> None:
    async with asyncio.timeout(10):
        assert await run(f"sleep 300 & echo $! > {tmp_path}/child; echo hello") == "hello\n"
    await gone(tmp_path / "child")


async def test_too_long_an_output_kills_and_fails() -> None:
    async with asyncio.timeout(10):
        assert await failure("yes", output_limit=100_000) == "the output is longer than 100000 bytes"


async def test_output_up_to_the_limit_is_a_reply() -> None:
    assert len(await run("head -c 100000 /dev/zero | tr '\\0' x", output_limit=100_000)) == 100_000


async def test_a_program_ends_with_its_answer_though_it_closed_its_pipes_first() -> None:
    assert await run("echo hi; exec >&- 2>&-; sleep 0.2") == "hi\n"


async def test_a_python_program_sees_the_environment_that_is_given() -> None:
    program = Program([sys.executable, "-c", "import os; print(sorted(os.environ))"])
    assert "'POSTROOM_ATTEMPT'" in await program.run("", ENVIRONMENT | {"POSTROOM_ATTEMPT": "2"})


async def gone(file: Path) -> None:
    """Wait until the process whose number stands in the file is no more, or waits as a zombie for its parent."""
    pid = int(file.read_text())
    async with asyncio.timeout(10):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.01)
