"""One entry in a client's configuration: put there, brought up to date, taken out. Nothing else in the file is touched.

An entry is ours when it runs our command; one of the same name that does not is somebody else's and stays.
"""

import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from postroom.cli.clients.table import Client, Json
from postroom.cli.exits import ExitCode, Stop

Done = Literal["added", "updated", "unchanged", "removed", "absent"]


class Configuration:
    """A client's file as it stands. Raises Stop for one that can not be read or that does not read as it should."""

    def __init__(self, client: Client, path: Path) -> None:
        self._client = client
        self._notation = client.notation
        self._path = path
        self._before = _text_of(path)
        self._text = self._before if self._before.strip() else client.notation.EMPTY
        self._document = self._read(self._text)
        self._servers = client.servers(self._document)

    def install(self, name: str, words: Sequence[str]) -> Done:
        """Let the client start ``words`` as the server ``name``; of an entry that is ours, only what we write is changed."""
        entry, there = self._client.entry(words), self._own(name)
        expected = {**there, **entry} if there else entry
        if there == expected:
            return "unchanged"
        text = self._text
        for path, value in self._changes(name, entry, there):
            text = self._try(lambda text=text, path=path, value=value: self._notation.put(text, path, value))
        self._write(text, name, expected)
        return "updated" if there else "added"

    def uninstall(self, name: str) -> Done:
        """Take our entry out."""
        if self._own(name) is None:
            return "absent"
        text = self._try(lambda: self._notation.remove(self._text, (*self._servers, name)))
        self._write(text, name, None)
        return "removed"

    def has(self, name: str) -> bool:
        """Whether an entry of ours bears this name. Raises Stop when somebody else's does."""
        return self._own(name) is not None

    def _changes(self, name: str, entry: Json, there: Json | None) -> list[tuple[tuple[str, ...], Any]]:
        place = (*self._servers, name)
        return [((*place, key), value) for key, value in entry.items()] if there else [(place, entry)]

    def _own(self, name: str) -> Json | None:
        found = self._table().get(name)
        if found is None:
            return None
        if not isinstance(found, dict) or not is_ours(cast(Json, found)):
            raise Stop(
                f'The entry "{name}" in {self._path} is not ours: it runs another command',
                advice="Give ours another name with --entry, or take that one out by hand.",
                code=ExitCode.REFUSED,
            )
        return cast(Json, found)

    def _table(self) -> Json:
        table = self._document
        for key in self._servers:
            found: Any = table.get(key, {})
            if not isinstance(found, dict):
                raise self._unfit(f"{key} is no table")
            table = cast(Json, found)
        return table

    def _write(self, text: str, name: str, expected: Json | None) -> None:
        """Put the text in place, if it reads as the old one but for our entry: the last guard of what others wrote."""
        before, after = (_apart(document, (*self._servers, name)) for document in (self._document, self._read(text)))
        if (after.rest, after.entry) != (before.rest, expected):
            raise self._unfit("its form can not be edited without changing something else")
        _replace(self._path, text)

    def _read(self, text: str) -> Json:
        document = self._try(lambda: self._notation.read(text))
        if not isinstance(document, dict):
            raise self._unfit("it holds no table")
        return cast(Json, document)

    def _try(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except ValueError as error:
            raise self._unfit(str(error)) from error

    def _unfit(self, reason: str) -> Stop:
        return Stop(
            f"{self._path} was left as it is: {reason}",
            advice="Mend the file, or paste what --print shows.",
            code=ExitCode.REFUSED,
        )


def is_ours(entry: Json) -> bool:
    """Whether an entry runs ``postroom mcp``, by whatever path."""
    words = [str(word) for key in ("command", "args") for word in _listed(entry.get(key))]
    program = words[: words.index("mcp")] if "mcp" in words else []
    return program[-2:] == ["-m", "postroom.cli"] or [Path(word.replace("\\", "/")).stem for word in program[-1:]] == ["postroom"]


def _listed(value: Any) -> list[Any]:
    return cast(list[Any], value) if isinstance(value, list) else [value]


def snippet(client: Client, name: str, words: Sequence[str]) -> str:
    """What ``install`` would write into an empty file."""
    return client.notation.put(client.notation.EMPTY, (*client.servers({}), name), client.entry(words))


@dataclass(frozen=True, slots=True)
class _Apart:
    """A document in two: one entry, and the rest without the tables that held nothing else."""

    rest: Json
    entry: Any


def _apart(document: Json, path: Sequence[str]) -> _Apart:
    key, *deeper = path
    others = {name: value for name, value in document.items() if name != key}
    if not deeper:
        return _Apart(others, document.get(key))
    below = _apart(document.get(key, {}), deeper)
    return _Apart({**others, key: below.rest} if below.rest else others, below.entry)


def _text_of(path: Path) -> str:
    """The file's text; empty where there is none yet."""
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise Stop(
            f"{path} can not be read: {reason}", advice="Mend the file, or paste what --print shows.", code=ExitCode.REFUSED
        ) from error


def _replace(path: Path, text: str) -> None:
    """Put the file in place at once and whole. A link stays a link; mode and owner stay; a new file is for its owner alone."""
    path = path.resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            _fill(descriptor, text)
            _take_after(path, Path(unfinished))
            Path(unfinished).replace(path)
        finally:
            Path(unfinished).unlink(missing_ok=True)
    except OSError as error:
        raise Stop(f"{path} can not be written: {error.strerror}", advice="Paste what --print shows.", code=ExitCode.REFUSED) from error


def _fill(descriptor: int, text: str) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def _take_after(path: Path, unfinished: Path) -> None:
    with suppress(FileNotFoundError):
        old = path.stat()
        unfinished.chmod(old.st_mode & 0o7777)
        if os.name == "posix" and old.st_uid != os.geteuid():
            os.chown(unfinished, old.st_uid, old.st_gid)
