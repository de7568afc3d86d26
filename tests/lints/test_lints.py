"""Each lint is shown what it is there to catch, and what it has to leave alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.lints import excepts, logs, machine, names, sizes, sql_literals, statements, tasks
from tests.lints.checkout import Checkout, Rule, read_checkout


def found(rule: Rule, text: str, path: str = "src/postroom/core/events/service.py") -> list[int]:
    """The lines that the rule complains of when the checkout is this one file."""
    return [finding.line for finding in rule(Checkout({path: text}))]


@pytest.mark.parametrize(
    "text",
    [
        "import asyncio\nasyncio.create_task(work())",
        "import asyncio as aio\naio.gather(work())",
        "import asyncio\nasyncio.ensure_future(work())",
        "from asyncio import gather as together\ntogether(work())",
        "import asyncio\nasyncio.get_running_loop().create_task(work())",
        "#\nself._loop.create_task(work())",
        "import time\ntime.sleep(1)",
        "from time import sleep\nsleep(1)",
        "import asyncio\nstart = asyncio.create_task",
    ],
)
def test_ownerless_tasks_and_blocking_sleeps_are_found(text: str) -> None:
    assert found(tasks.check, text) == [2]


@pytest.mark.parametrize("text", ["group.create_task(work())", "import asyncio\nasyncio.sleep(1)", "self.gather(1)", "sleep(1)"])
def test_owned_tasks_and_waits_pass(text: str) -> None:
    assert found(tasks.check, text) == []


def test_a_test_may_sleep_but_not_leave_a_task_behind() -> None:
    assert found(tasks.check, "import time\ntime.sleep(1)", "tests/core/test_accept.py") == []
    assert found(tasks.check, "import asyncio\nasyncio.gather()", "tests/core/test_accept.py") == [2]


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    pass\nexcept Exception:\n    pass",
        "try:\n    pass\nexcept BaseException as error:\n    raise",
        "try:\n    pass\nexcept:\n    pass",
        "try:\n    pass\nexcept (ValueError, builtins.Exception):\n    pass",
        "try:\n    pass\nexcept* Exception:\n    pass",
        "try:\n    pass\nexcept Exception:  # boundary:\n    pass",
        "#\n#\nwith suppress(Exception):\n    pass",
        "#\n#\nwith contextlib.suppress(Exception):\n    pass",
    ],
)
def test_broad_excepts_are_found(text: str) -> None:
    assert found(excepts.check, text) == [3]


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    pass\nexcept ValueError:\n    pass",
        "try:\n    pass\nexcept Exception:  # boundary: an agent's own handler\n    pass",
        "with suppress(ProcessLookupError):\n    pass",
    ],
)
def test_named_errors_and_stated_boundaries_pass(text: str) -> None:
    assert found(excepts.check, text) == []


@pytest.mark.parametrize(
    "text",
    [
        'run("SELECT 1")',
        'run("select id from work")',
        'run("""\n  insert into work values (1)""")',
        'run(f"UPDATE {table} SET state = 1")',
        'run(f"delete from {table}")',
        'run("create table work (id uuid)")',
        'run(f"select {column} from work where id = {id}")',
        'run("LISTEN work")',
        'run("BEGIN")',
        'run("select accept_messages($1)")',
        'run(f"{head}x", "WITH head AS (TABLE work) TABLE head")',
    ],
)
def test_sql_in_python_is_found(text: str) -> None:
    assert found(sql_literals.check, text) == [1]


@pytest.mark.parametrize(
    "text",
    [
        '"""SELECT is what this module is about."""',
        'say("Select a workspace from the list.")',
        'say("select")',
        'say("Delete the workspace?")',
        'say("update available, set aside some time")',
        'say("beginning")',
        'say("create a database first")',
    ],
)
def test_prose_is_not_sql(text: str) -> None:
    assert found(sql_literals.check, text) == []


def test_tests_may_look_into_the_database() -> None:
    assert found(sql_literals.check, 'run("SELECT 1")', "tests/core/test_accept.py") == []


@pytest.mark.parametrize("folder", sizes.LIMITS)
def test_long_files_are_found(folder: str) -> None:
    limit = sizes.LIMITS[folder]
    assert found(sizes.check, "pass\n" * limit, f"{folder}/long.py") == []
    assert found(sizes.check, "pass\n" * (limit + 1), f"{folder}/long.py") == [limit + 1]


@pytest.mark.parametrize("path", ["src/postroom/utils.py", "src/postroom/common/text.py", "tests/test_helpers.py", "src/task_manager.py"])
def test_bucket_names_are_found(path: str) -> None:
    assert found(names.check, "", path) == [1]


@pytest.mark.parametrize("path", ["src/postroom/db/pool.py", "src/postroom/database.py", "tests/support/servers.py"])
def test_names_that_say_something_pass(path: str) -> None:
    assert found(names.check, "", path) == []


@pytest.mark.parametrize(
    "text",
    [
        'log.info(f"sent {count}")',
        'self._log.error("failed: " + reason)',
        'logger.warning("failed: %s" % reason)',
        'logger.exception("failed: {}".format(reason))',
        'audit_log.log(level, f"sent {count}")',
    ],
)
def test_log_texts_put_together_are_found(text: str) -> None:
    assert found(logs.check, text) == [1]


@pytest.mark.parametrize("text", ['log.info("sent", count=count)', 'log.info("sent", to=f"{name}")', 'console.log(f"sent {count}")'])
def test_events_with_fields_pass(text: str) -> None:
    assert found(logs.check, text) == []


@pytest.mark.parametrize(
    "text", ["cd {}root/x", "see '{}work/main'", "{}home/ann/code", "pip --extra{}index-url=x", "https:{}pypi.{}org/simple"]
)
def test_what_is_of_one_machine_is_found(text: str) -> None:
    # Put together here, so that this file has none of it.
    text = text.replace("{}index", "-index").replace("{}org", "org").replace(":{}", "://").replace("{}", "/")
    assert found(machine.check, f"\n{text}", "docs/quickstart.md") == [2]


@pytest.mark.parametrize("text", ["/v1/work/claim", "/usr/bin", "~/work/", "{base}/home/ann/", "src/root/x"])
def test_relative_and_shared_paths_pass(text: str) -> None:
    assert found(machine.check, text, "docs/quickstart.md") == []


QUERIES = "src/postroom/sql/queries/events.sql"
STORE = "src/postroom/core/events/store.py"
LOAD = 'from postroom.db.statements import load\nSQL = load("events")\n'


def sentences(files: dict[str, str]) -> list[str]:
    return [str(finding) for finding in statements.check(Checkout(files))]


def test_a_statement_with_one_place_passes() -> None:
    assert sentences({QUERIES: "-- writes: event\n\n-- name: add_event\nSELECT 1;\n", STORE: LOAD + "run(SQL.add_event)\n"}) == []


@pytest.mark.parametrize(
    ("queries", "store", "sentence"),
    [
        ("-- name: add_event", "", f"{QUERIES}:1: add_event is used nowhere: delete it, or write its function in store.py"),
        ("", "run(SQL.add_event)", f"{STORE}:3: add_event is not in {QUERIES}"),
        ("-- name: add_event", "SQL.add_event\nSQL.add_event", f"{STORE}:4: add_event is used in one place more: call that function"),
        ("-- name: add_event\n-- name: add_event", "SQL.add_event", f"{QUERIES}:2: add_event is defined before in events.sql"),
        ("-- name: events", "SQL.events", f"{QUERIES}:1: 'events' is not verb_noun"),
    ],
)
def test_statements_without_exactly_one_place_are_found(queries: str, store: str, sentence: str) -> None:
    assert sentences({QUERIES: queries, STORE: LOAD + store}) == [sentence]


def test_a_service_may_not_load_statements() -> None:
    service = "src/postroom/core/events/service.py"
    files = {QUERIES: "-- name: add_event", service: LOAD + "run(SQL.add_event)"}
    assert sentences(files) == [f"{service}:2: statements of 'events' loaded outside db and store.py"]


def test_the_command_reads_new_files_and_fails_with_the_findings(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "utils.py").write_text("")
    (tmp_path / "picture.png").write_bytes(b"\0")
    assert list(read_checkout(tmp_path).files) == ["src/utils.py"]
    answer = subprocess.run([sys.executable, "-m", "tests.lints", tmp_path], check=False, capture_output=True, text=True)
    assert answer.returncode == 1
    assert answer.stdout.startswith("src/utils.py:1: utils: a module is named for what it does\n")
