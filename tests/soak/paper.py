"""How a client process writes down what it knows: a line at a time, in one system call, so that kill -9 loses no finished step."""

import os
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson


class Paper:
    """The journal of one process. The names of what is written are the methods of ``tests.crash.checker.Journal``."""

    def __init__(self, path: Path) -> None:
        """A new file; raises FileExistsError where one has been written."""
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self._file)

    def write(self, name: str, *fields: Any) -> None:
        """What has happened."""
        os.write(self._file, orjson.dumps([name, time.time(), *fields]) + b"\n")

    def mean(self, key: str, mailbox: str, *allowed: str) -> None:
        """What is about to be sent; on return it is on the disk."""
        self.write("mean", key, mailbox, *allowed)
        os.fdatasync(self._file)


class Tail:
    """Counts what is added to the journals of a directory while they are written; ``shown`` is the last cursor of each feed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._read: dict[Path, int] = {}
        self.times: dict[str, list[float]] = {"acked": [], "heard": [], "counted": []}
        self.shown: dict[str, str] = {}

    def look(self) -> None:
        """Take in what is new."""
        for path in self._directory.glob("*.journal"):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._read[path] = self._read.get(path, 0) + len(whole)
            for line in whole.splitlines():
                self._take(line)

    def _take(self, line: bytes) -> None:
        name = line[2 : line.index(b'"', 2)].decode()
        if name in self.times:
            self.times[name].append(float(line.split(b",", 2)[1]))
        elif name == "show":
            feed, cursor = orjson.loads(line)[2:4]
            self.shown[feed] = cursor

    @property
    def acks(self) -> int:
        """Acknowledged sends so far; repeats count."""
        return len(self.times["acked"])

    @property
    def ends(self) -> int:
        """Answers that a sender or an agent knows to count."""
        return len(self.times["heard"]) + len(self.times["counted"])
