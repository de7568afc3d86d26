"""TOML, edited in place: comments, order and everything that is not ours stay. The same three functions as ``jsonc``."""

from collections.abc import Sequence
from typing import Any, cast

import tomlkit
from tomlkit.exceptions import TOMLKitError

EMPTY = ""


def read(text: str) -> Any:
    """What the document holds. Raises ValueError for what is none."""
    return _parse(text).unwrap()


def put(text: str, path: Sequence[str], data: Any) -> str:
    """The text with ``data`` at ``path``. A table is new and goes to the end; everything else goes into a table that is there."""
    if isinstance(data, dict):
        return _append(text, path, cast(dict[str, Any], data))
    document = _parse(text)
    table = _table(document, path[:-1])
    if table.get(path[-1]) != data:
        table[path[-1]] = data
    return tomlkit.dumps(document)


def remove(text: str, path: Sequence[str]) -> str:
    """The text without what stands at ``path``, which must be there."""
    document = _parse(text)
    del _table(document, path[:-1])[path[-1]]
    return tomlkit.dumps(document)


def _append(text: str, path: Sequence[str], data: dict[str, Any]) -> str:
    line_end = "\r\n" if "\r\n" in text else "\n"
    header = ".".join(tomlkit.key(key).as_string() for key in path)
    table = f"[{header}]\n{tomlkit.dumps(data)}".replace("\n", line_end)
    gap = "" if not text.strip() else line_end if text.endswith("\n") else line_end * 2
    return text + gap + table


def _parse(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise ValueError(str(error)) from error


def _table(document: tomlkit.TOMLDocument, path: Sequence[str]) -> Any:
    table: Any = document
    for key in path:
        table = table[key]
    return table
