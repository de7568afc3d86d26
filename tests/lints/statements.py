"""One statement, one name, one place: each named statement has exactly one caller, and each caller a statement.

``sql/queries/<slice>.sql`` holds blocks that begin with ``-- name: verb_noun``; a ``store.py``, or a module of ``db``, says
``SQL = load("<slice>")`` once and uses ``SQL.verb_noun`` in one typed function.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from tests.lints.checkout import Checkout, Finding, Module

QUERIES = PurePosixPath("src/postroom/sql/queries")
_HEADER = re.compile(r"--\s*name:\s*(.*?)\s*$", re.IGNORECASE)
_VERB_NOUN = re.compile(r"[a-z]+(_[a-z0-9]+)+")
_LOADER = "postroom.db.statements"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a statement stands or is used."""

    path: str
    line: int


Places = dict[tuple[str, str], list[Place]]


def check(checkout: Checkout) -> Iterator[Finding]:
    """Reject statements that are unused, used twice, defined twice, badly named or missing, and loads outside stores and db."""
    written, used = _written(checkout), _used(checkout)
    yield from _misplaced(checkout)
    for (of, name), places in sorted(written.items()):
        yield from (Finding(place.path, place.line, f"{name} is defined before in {of}.sql") for place in places[1:])
        if not _VERB_NOUN.fullmatch(name):
            yield Finding(places[0].path, places[0].line, f"{name!r} is not verb_noun")
        if (of, name) not in used:
            yield Finding(places[0].path, places[0].line, f"{name} is used nowhere: delete it, or write its function in store.py")
    for (of, name), places in sorted(used.items()):
        yield from (Finding(place.path, place.line, f"{name} is used in one place more: call that function") for place in places[1:])
        if (of, name) not in written:
            yield Finding(places[0].path, places[0].line, f"{name} is not in {QUERIES / of}.sql")


def _written(checkout: Checkout) -> Places:
    places: Places = defaultdict(list)
    for path, text in checkout.files.items():
        if PurePosixPath(path).parent == QUERIES and path.endswith(".sql"):
            for number, line in enumerate(text.splitlines(), start=1):
                if header := _HEADER.match(line):
                    places[PurePosixPath(path).stem, header[1]].append(Place(path, number))
    return places


def _used(checkout: Checkout) -> Places:
    places: Places = defaultdict(list)
    for module in checkout.modules:
        if module.is_in("src"):
            slices = {name: of for name, of, _ in _loads(module)}
            for node in module.nodes:
                match node:
                    case ast.Attribute(value=ast.Name(name), attr=statement) if name in slices:
                        places[slices[name], statement].append(Place(module.path, node.lineno))
                    case _:
                        pass
    return places


def _misplaced(checkout: Checkout) -> Iterator[Finding]:
    for module in checkout.modules:
        if module.is_in("src") and not (module.is_in("src/postroom/db") or PurePosixPath(module.path).name == "store.py"):
            for _, of, node in _loads(module):
                yield module.finding(node, f"statements of {of!r} loaded outside db and store.py")


def _loads(module: Module) -> Iterator[tuple[str, str, ast.stmt]]:
    """Each ``NAME = load("slice")`` of the module: name, slice and the assignment."""
    if not any(isinstance(node, ast.ImportFrom) and node.module == _LOADER for node in module.nodes):
        return
    for node in module.nodes:
        match node:
            case (
                ast.Assign(targets=[ast.Name(name)], value=ast.Call(func=ast.Name("load"), args=[ast.Constant(str(of))]))
                | ast.AnnAssign(target=ast.Name(name), value=ast.Call(func=ast.Name("load"), args=[ast.Constant(str(of))]))
            ):
                yield name, of, node
            case _:
                pass
