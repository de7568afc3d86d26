"""Named SQL statements, read from ``sql/queries/<slice>.sql``.

A statement begins with a line ``-- name: verb_noun`` and runs to the next such line.
"""

import re
from functools import cache
from importlib.resources import files

_HEADER = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


class Statements:
    """The statements of one slice; each is an attribute."""

    def __init__(self, slice_name: str, texts: dict[str, str]) -> None:
        self._slice = slice_name
        self._texts = texts

    def __getattr__(self, name: str) -> str:
        """The text of a statement; raises AttributeError that names the file it was looked for in."""
        try:
            return self._texts[name]
        except KeyError:
            raise AttributeError(f"sql/queries/{self._slice}.sql has no statement {name}") from None

    def names(self) -> list[str]:
        """Every statement of the slice, in file order."""
        return list(self._texts)


@cache
def load(slice_name: str) -> Statements:
    """Read the statements of a slice, once per process."""
    text = (files("postroom") / "sql" / "queries" / f"{slice_name}.sql").read_text(encoding="utf-8")
    pieces = _HEADER.split(text)[1:]
    return Statements(slice_name, {name: body.strip() for name, body in zip(pieces[::2], pieces[1::2], strict=True)})
