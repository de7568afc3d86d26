"""What the lints look at: the text of every file that git knows or would add, and what they say about it."""

import ast
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that breaks a rule. ``line`` counts from 1."""

    path: str
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.sentence}"


class Module:
    """A Python file. Raises SyntaxError when its ``tree`` is asked for and it is none."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.lines = text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree, outer ones first."""
        return list(ast.walk(self.tree))

    def is_in(self, *folders: str) -> bool:
        """Whether the file lies below one of the folders."""
        return any(PurePosixPath(self.path).is_relative_to(folder) for folder in folders)

    def finding(self, node: ast.expr | ast.stmt | ast.excepthandler, sentence: str) -> Finding:
        return Finding(self.path, node.lineno, sentence)


class Checkout:
    """The files by their path from the root; a test makes one from a dict."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files
        self.modules = [Module(path, text) for path, text in files.items() if path.endswith(".py")]


Rule = Callable[[Checkout], Iterable[Finding]]


def read_checkout(root: Path) -> Checkout:
    """Read all text files of the git checkout at ``root``, those not yet added too; binary files are left out."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root, check=True, capture_output=True, text=True
    )
    return Checkout(dict(_texts(root, sorted({name for name in listed.stdout.split("\0") if name}))))


def _texts(root: Path, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        path = root / name
        if not path.is_file():  # deleted but not yet committed, or a link to a folder
            continue
        data = path.read_bytes()
        if b"\0" not in data:
            yield name, data.decode()
