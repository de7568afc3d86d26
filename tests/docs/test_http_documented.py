"""docs/http.md has every call of the server and every code that it answers with, and none besides (L33)."""

import re
from pathlib import Path
from typing import Any, cast

import orjson

from postroom import errors
from postroom.client import Client
from postroom.errors import PostroomError
from tests.docs import openapi

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "http.md").read_text(encoding="utf-8")
METHODS = "GET|POST|PUT|PATCH|DELETE"
# What OpenAPI does not describe: WebSockets, the page, and its own address.
NOT_IN_OPENAPI = {
    ("GET", "/ws"),
    ("GET", "/workspaces/{id}/inbox/stream"),
    ("GET", "/"),
    ("GET", "/assets/{name}"),
    ("GET", "/static/{name}"),
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
}
# Only the command knows these: they never are an answer.
NOT_ON_THE_WIRE = {"setup"}


def described() -> set[tuple[str, str]]:
    """Calls that have a heading of their own or a row in a table; calls that only some sentence names do not count."""
    found: set[tuple[str, str]] = set()
    for line in PAGE.splitlines():
        head = line.startswith("### ") or re.match(rf"\| `(?:{METHODS}) /", line)
        place = line if line.startswith("### ") else line.split(" | ")[0]
        found |= set(re.findall(rf"`({METHODS}) (/[^`?]*)`", place)) if head else set()
    return found


def codes_in(text: str) -> set[str]:
    return set(re.findall(r'code="([a-z_]+)"', text))


def codes_of_the_server() -> set[str]:
    parts = ("core", "edges", "db", "workers")
    text = "".join(path.read_text(encoding="utf-8") for part in parts for path in (ROOT / "src/postroom" / part).rglob("*.py"))
    classes = {kind.code for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PostroomError)}
    sql = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src/postroom/sql").rglob("*.sql"))
    return codes_in(text) | classes | set(re.findall(r"unanswered\('\w+', '([a-z_]+)'", sql)) - NOT_ON_THE_WIRE


async def test_every_call_of_the_server_is_described_and_no_other(operator: Client) -> None:
    document = (await operator.request("GET", "/openapi.json")).body
    calls = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert described() == calls | NOT_IN_OPENAPI


def test_every_code_is_in_a_table() -> None:
    tables = {code for line in PAGE.splitlines() if line.startswith("|") for code in re.findall(r"`([a-z_]+)`", line)}
    assert codes_of_the_server() - NOT_ON_THE_WIRE - tables == set()


def test_no_code_is_described_that_no_answer_has() -> None:
    start = PAGE.index("## Errors")
    section = PAGE[start : PAGE.index("\n## ", start + 1)]
    cells = [
        line.split("|")[2] if re.match(r"\| \d{3} ", line) else line.split("|")[1] for line in section.splitlines() if line.startswith("|")
    ]
    named = {code for cell in cells for code in re.findall(r"`([a-z_]+)`", cell)} - {"code"}
    # Made of the state that a task is in, of the name of a verdict, or named where no ``code=`` stands beside it.
    made = {"agent_failed", "agent_rejected", "task_busy", "task_ended", "header_too_large"}
    assert named - codes_of_the_server() - made == set()


def texts(node: Any, name: str) -> list[str]:
    """The texts under this name, wherever they stand in the document."""
    if isinstance(node, list):
        return [text for item in cast(list[Any], node) for text in texts(item, name)]
    if not isinstance(node, dict):
        return []
    items = cast(dict[str, Any], node).items()
    return [text for key, value in items for text in ([value] if key == name and isinstance(value, str) else texts(value, name))]


def test_descriptions_are_markdown_and_summaries_plain_lines() -> None:
    document = orjson.loads(openapi.described())
    descriptions, summaries = texts(document, "description"), texts(document, "summary")
    assert any("`" in text for text in descriptions)
    assert [text for text in descriptions if "``" in text or text.count("`") % 2] == []
    assert [text for text in summaries if "`" in text or "\n" in text] == []
