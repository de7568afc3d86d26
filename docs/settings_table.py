"""Write the table of settings into docs/operations.md, between its two marks; ``--check`` only says whether it is right."""

import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from postroom.settings import Settings, environment_name

PAGE = Path(__file__).parent / "operations.md"
BEGIN, END = "<!-- settings -->\n", "<!-- /settings -->"
MEBIBYTE = 1024 * 1024


def default_text(default: Any) -> str:
    """A default as a person would write it into the environment."""
    if default in ("", ()):
        return ""
    if isinstance(default, float):
        return f"`{default:g}`"
    if isinstance(default, int) and default >= MEBIBYTE and default % MEBIBYTE == 0:
        return f"`{default}` ({default // MEBIBYTE} MiB)"
    return f"`{default}`"


def table() -> str:
    """One row for each setting, in the order of the code."""
    rows = [
        f"| `{environment_name(item.name)}` | {default_text(item.default)} | {item.metadata['meaning']} |\n" for item in fields(Settings)
    ]
    return "| variable | default | meaning |\n|---|---|---|\n" + "".join(rows)


def renewed(page: str) -> str:
    """The page with the table as it should be."""
    head, rest = page.split(BEGIN)
    return head + BEGIN + table() + rest[rest.index(END) :]


if __name__ == "__main__":
    found = PAGE.read_text(encoding="utf-8")
    if "--check" in sys.argv:
        sys.exit(found != renewed(found))
    PAGE.write_text(renewed(found), encoding="utf-8")
