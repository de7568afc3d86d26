"""docs/mcp.md has every tool with its arguments and every code of the tools' own, and none besides (L33)."""

import re
from pathlib import Path

from postroom.mcp.refusals import CODES
from postroom.mcp.tools import TOOLS
from tests.docs.test_http_documented import PAGE as HTTP
from tests.docs.test_http_documented import codes_in, codes_of_the_server

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "mcp.md").read_text(encoding="utf-8")
_SECTION = PAGE[PAGE.index("## The tools") :]
_ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in _SECTION.splitlines() if line.startswith("| `")]


def test_every_tool_is_in_the_table_with_its_arguments() -> None:
    found = {row[0].strip("`"): set(re.findall(r"`([a-z_]+)\??`", row[1])) for row in _ROWS if len(row) == 3}
    told = {tool.name: set(tool.takes.model_fields) for tool in TOOLS}
    assert found.keys() == told.keys()
    for name, arguments in told.items():
        missing = arguments - found[name]
        assert not missing or "the same" in next(row[1] for row in _ROWS if row[0] == f"`{name}`"), (name, missing)


def test_every_code_of_the_tools_is_described_and_every_advice_is_for_a_code() -> None:
    files = [path for part in ("mcp", "bridge") for path in (ROOT / "src/postroom" / part).glob("*.py")]
    own = codes_in("".join(path.read_text(encoding="utf-8") for path in files))
    described = {
        code for line in PAGE.splitlines() if line.startswith("| `") for code in re.findall(r"`([a-z_]+)`", line.split(" | ")[0])
    } | set(re.findall(r"`([a-z_]+)`", HTTP))
    assert own - described == set()
    assert CODES - own - codes_of_the_server() == set()
