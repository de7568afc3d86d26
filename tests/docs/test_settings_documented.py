"""docs/operations.md lists every setting as the code has it, and no page names one that is not there (L33)."""

import re
from dataclasses import fields
from pathlib import Path

from docs.settings_table import BEGIN, END, PAGE, table
from postroom.settings import Settings, environment_name

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "AGENTS.md", *(ROOT / "docs").rglob("*.md")]
SETTINGS = {environment_name(item.name) for item in fields(Settings)}
# Read by the command, the client or the SDK; and what `agent run` tells its program.
OTHERS = {"POSTROOM_URL", "POSTROOM_TOKEN", "POSTROOM_WORKSPACE_ID", "POSTROOM_STATE", "POSTROOM_DEBUG"}
TOLD = {"POSTROOM_MESSAGE_ID", "POSTROOM_THREAD_ID", "POSTROOM_SENDER_NAME", "POSTROOM_ATTEMPT"}


def test_the_table_is_the_one_that_the_code_makes() -> None:
    page = PAGE.read_text(encoding="utf-8")
    written = page[page.index(BEGIN) + len(BEGIN) : page.index(END)]
    assert written == table(), "run docs/settings_table.py"


def test_no_page_names_a_variable_that_nobody_reads() -> None:
    named = {(page.name, name) for page in PAGES for name in re.findall(r"POSTROOM_[A-Z_]+", page.read_text(encoding="utf-8"))}
    assert {(page, name) for page, name in named if name not in SETTINGS | OTHERS | TOLD} == set()


def test_the_variables_of_clients_are_read_somewhere() -> None:
    code = "".join(path.read_text(encoding="utf-8") for part in ("cli", "agent") for path in (ROOT / "src/postroom" / part).rglob("*.py"))
    assert [name for name in OTHERS | TOLD if f'"{name}"' not in code] == []


def test_the_page_says_what_the_variables_of_clients_are_for() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in OTHERS if f"`{name}`" not in page] == []
